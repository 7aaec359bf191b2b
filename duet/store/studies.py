"""Studies of a checkpoint that are too dear to be part of every measurement: whether it copies its
training images, and what its images are worth to a classifier. Each tells all that decides it."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from duet.store.records import STRICT, Amount, Count, Digest, Setting, Share, Versions, Word


@dataclass(frozen=True)
class ImagesRecord:
    """Real images by name, split, count and the SHA-256 of their bytes."""

    __pydantic_config__ = STRICT

    data: Word
    split: Word
    images: Count
    sha256: Digest


@dataclass(frozen=True)
class CellRecord:
    """A part of the space: held-out and generated images in it, and `z` of the rank test between
    their distances to the nearest training image; negative: the generated ones are nearer."""

    __pydantic_config__ = STRICT

    held_out: Count
    generated: Count
    z: float


@dataclass(frozen=True)
class CopyScores:
    """Generated against held-out images in one space (evaluation/copies.py says how).

    `copying`: C_T; `cells`: those with enough images to be tested; `nearer`: how often a generated
    image lies nearer to the training images than a held-out one of its cell, 0.5 by chance;
    `singled_out`: the share that is nearer to one training image than to its kin as only 1 % of the
    held-out ones are; `authenticity` of the generated and of the held-out images, and the
    difference in standard errors, negative where the generated ones are less authentic; the median
    distances to the nearest training image.
    """

    __pydantic_config__ = STRICT

    copying: float
    cells: Annotated[tuple[CellRecord, ...], Field(max_length=1000)]
    nearer: Share
    singled_out: Share
    authenticity: Share
    held_out_authenticity: Share
    authenticity_z: float
    distance: Amount
    held_out_distance: Amount


Spaces = Annotated[dict[Word, CopyScores], Field(max_length=10)]


@dataclass(frozen=True)
class CopiesRecord:
    """Samples 0 .. samples-1 of stream `seed` against held-out images, by the name of the space;
    `floor`: one half of the held-out images against the other."""

    __pydantic_config__ = STRICT

    spaces: Spaces
    floor: Spaces
    samples: Count
    seed: Count
    truncation: Share
    extractor: Word
    extractor_sha256: Digest
    training: ImagesRecord
    held_out: ImagesRecord
    cells_seed: Count
    subject_sha256: Digest
    device: Word
    versions: Versions

    @property
    def request(self) -> tuple[Setting, ...]:
        """What was asked for: studies of one model differ in this or replace each other."""
        return self.extractor, self.samples, self.seed, self.truncation


@dataclass(frozen=True)
class MeanRecord:
    """A mean over independent repetitions, their standard deviation, and the mean's interval of
    95 % (low, high)."""

    __pydantic_config__ = STRICT

    value: float
    spread: Amount
    interval: tuple[float, float]


@dataclass(frozen=True)
class GainRecord:
    """Accuracies on held-out images of classifiers that were trained on `per_class` real images a
    class, on those and the generated ones, and the difference, repetition by repetition."""

    __pydantic_config__ = STRICT

    per_class: Count
    real: MeanRecord
    both: MeanRecord
    gain: MeanRecord


@dataclass(frozen=True)
class UtilityRecord:
    """What generated images are worth: means over `repeats`, each with its own real and generated
    images and initial weights.

    `generated_to_real`: accuracy on the held-out images after training on the generated ones alone
    (the classification accuracy score; Ravuri & Vinyals, 2019); `real_to_generated`: on the
    generated ones after training on the most real ones. Training takes `steps` batches;
    `classifier`: what learns, and how (None: of an older version, a wider one).
    """

    __pydantic_config__ = STRICT

    gains: Annotated[tuple[GainRecord, ...], Field(max_length=20)]
    generated_to_real: MeanRecord
    real_to_generated: MeanRecord
    generated_per_class: Count
    repeats: Count
    steps: Count
    seed: Count
    truncation: Share
    training: ImagesRecord
    held_out: ImagesRecord
    subject_sha256: Digest
    device: Word
    versions: Versions
    classifier: Word | None = None

    @property
    def request(self) -> tuple[Setting, ...]:
        """As CopiesRecord.request."""
        return (
            *(gain.per_class for gain in self.gains), self.generated_per_class, self.repeats,
            self.steps, self.seed, self.truncation,
        )


Study = CopiesRecord | UtilityRecord
