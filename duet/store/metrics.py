"""metrics.json: what a model scored, and by which protocol."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field

from duet.store.records import (
    STRICT,
    Amount,
    Count,
    Digest,
    Line,
    Migrations,
    Share,
    Versions,
    Word,
)
from duet.store.studies import CopiesRecord, Study, UtilityRecord

S = TypeVar("S", bound=CopiesRecord | UtilityRecord)


@dataclass(frozen=True)
class ReferenceRecord:
    """The real images that a score compares with. Statistics are those of all `images`; `features`
    of them, chosen by `rule` and `seed`, are kept one by one. `sha256` is the reference file's."""

    __pydantic_config__ = STRICT

    data: Word
    split: Word
    images: Count
    images_sha256: Digest
    features: Count
    rule: Word
    seed: Count
    sha256: Digest


@dataclass(frozen=True)
class Protocol:
    """All that decides a score, but for the images themselves. Compared whole.

    `samples` images of stream `seed` at `truncation`; `inception_score_splits` parts of the
    Inception Score; `kernel_subsets` of `kernel_subset_size` images for KID; precision and recall
    from `manifold_images` on either side with `neighborhood` neighbours; `rng_seed` of the
    metrics' own shuffles and subsets.

    Intervals from `repeats` disjoint parts of the samples; the limit of FID from FIDs of 1, 2, 4 ..
    `limit_parts` parts; FID within classes of at least `class_images` on either side; `patches`
    of each of `patch_images` images, at each level; `path_pairs` pairs of latents; at most
    `reconstructions` held-out images encoded; classes counted among the first `mode_images`;
    intervals of precision, recall and their kin from `part_manifold_images` on either side. None:
    of an older schema, which measured no such thing (of the last: compared a part of the samples
    with all `manifold_images`), or not asked for.
    """

    __pydantic_config__ = STRICT

    samples: Count
    seed: Count
    truncation: Share
    extractor: Word
    extractor_sha256: Digest
    reference: ReferenceRecord
    inception_score_splits: Count
    kernel_subsets: Count
    kernel_subset_size: Count
    neighborhood: Count
    manifold_images: Count
    rng_seed: Count
    repeats: Count | None = None
    limit_parts: Count | None = None
    class_images: Count | None = None
    patch_images: Count | None = None
    patches: Count | None = None
    path_pairs: Count | None = None
    reconstructions: Count | None = None
    mode_images: Count | None = None
    part_manifold_images: Count | None = None

    @property
    def request(self) -> tuple[str, int, int, float]:
        """What was asked for: measurements of one model differ in this or replace each other."""
        return self.extractor, self.samples, self.seed, self.truncation

    @property
    def strictness(self) -> tuple[bool, int]:
        """More is stricter: the untouched prior and the first stream, then the most samples."""
        return self.truncation == 1 and self.seed == 0, self.samples

    @property
    def of_values(self) -> "Protocol":
        """What must agree within a table: all but what decides intervals alone and came later, by
        which they moved little at 50,000 samples."""
        return dataclasses.replace(self, part_manifold_images=None)

    def without_counts(self) -> "Protocol":
        """What must agree with the real held-out images, of which there are as many as there are:
        all but how the samples were drawn, and what depends on their count."""
        return dataclasses.replace(
            self, samples=0, seed=0, truncation=1.0, inception_score_splits=0,
            kernel_subset_size=0, manifold_images=0, repeats=None, limit_parts=None,
            patch_images=None, path_pairs=None, reconstructions=None, mode_images=None,
            part_manifold_images=None,
        )


@dataclass(frozen=True)
class ScoreRecord:
    """A number. `spread`: its standard deviation over splits or subsets where the metric has such;
    `interval`: of 95 % (low, high), from independent generations, the reference held fixed;
    `count`: the images that it rests on; `by_class`: the number within each class, in their order,
    None for one with too few images, where `value` is the mean over the others."""

    __pydantic_config__ = STRICT

    value: float
    spread: Amount | None = None
    interval: tuple[float, float] | None = None
    count: Count = 0
    by_class: Annotated[tuple[float | None, ...], Field(max_length=10_000)] | None = None


@dataclass(frozen=True)
class Measurement:
    """Scores by one protocol. `subject_sha256`: of the weights, or of the real images scored;
    `warnings`: what of the scores is to be taken with care, or is left out, and why."""

    __pydantic_config__ = STRICT

    scores: Annotated[dict[Word, ScoreRecord], Field(max_length=50)]
    protocol: Protocol
    subject_sha256: Digest
    device: Word
    versions: Versions
    warnings: Annotated[tuple[Line, ...], Field(max_length=50)] = ()


@dataclass(frozen=True)
class Retraining:
    """How far scores move when a recipe is trained again: their standard deviations over models
    that differ in their training seed alone. `subjects`: the models' weights; `samples` of each in
    `extractor`'s space."""

    __pydantic_config__ = STRICT

    extractor: Word
    samples: Count
    subjects: Annotated[tuple[Digest, ...], Field(min_length=2, max_length=100)]
    spreads: Annotated[dict[Word, Amount], Field(max_length=50)]


def _from_2(old: dict[str, Any]) -> dict[str, Any]:
    """Schema 2 left the count of each score to whoever knew the metrics."""
    for measured in old.get("measurements", []):
        protocol = measured["protocol"]
        for key, score in measured["scores"].items():
            of_manifolds = key in ("precision", "recall")
            score["interval"] = None
            score["count"] = protocol["manifold_images" if of_manifolds else "samples"]
    return old | {"schema": 3}


def _from_3(old: dict[str, Any]) -> dict[str, Any]:
    """Schema 3 knew none of the keys that came later: each has its default."""
    return old | {"schema": 4}


def _with(studies: tuple[S, ...], new: S) -> tuple[S, ...]:
    """`new` beside the studies of its weights that answer another request."""
    kept: list[S] = [
        study for study in studies
        if study.subject_sha256 == new.subject_sha256 and study.request != new.request
    ]
    return (*kept, new)


@dataclass(frozen=True)
class MetricsRecord:
    """metrics.json: every measurement that was made, one a request; what training again changes,
    once an extractor, where that was found out; and the dear studies, one a request."""

    __pydantic_config__ = STRICT

    measurements: Annotated[tuple[Measurement, ...], Field(max_length=50)] = ()
    retraining: Annotated[tuple[Retraining, ...], Field(max_length=50)] = ()
    copies: Annotated[tuple[CopiesRecord, ...], Field(max_length=50)] = ()
    utility: Annotated[tuple[UtilityRecord, ...], Field(max_length=50)] = ()
    schema: Literal[4] = 4

    MIGRATIONS: ClassVar[Migrations] = {2: _from_2, 3: _from_3}

    def extractors(self) -> tuple[str, ...]:
        """The feature spaces that it was measured in, in order."""
        return tuple(dict.fromkeys(m.protocol.extractor for m in self.measurements))

    def published(self, extractor: str) -> Measurement | None:
        """The measurement that tables show: the strictest in an extractor's space."""
        found = [m for m in self.measurements if m.protocol.extractor == extractor]
        return max(found, key=lambda m: m.protocol.strictness, default=None)

    def answering(self, new: Measurement) -> Measurement | None:
        """The measurement of the same weights that answers the same request as `new`."""
        asked = new.subject_sha256, new.protocol.request
        found = (m for m in self.measurements if (m.subject_sha256, m.protocol.request) == asked)
        return next(found, None)

    def with_measurement(self, new: Measurement, force: bool = False) -> "MetricsRecord":
        """`new` added. It takes the place of what answers the same request, and of measurements of
        other weights; with `force` of all others in its extractor's space."""
        kept = [
            m for m in self.measurements
            if m.subject_sha256 == new.subject_sha256 and m.protocol.request != new.protocol.request
            and not (force and m.protocol.extractor == new.protocol.extractor)
        ]
        same = tuple(r for r in self.retraining if new.subject_sha256 in r.subjects)
        return dataclasses.replace(
            self, measurements=(*kept, new), retraining=same,
            copies=tuple(s for s in self.copies if s.subject_sha256 == new.subject_sha256),
            utility=tuple(s for s in self.utility if s.subject_sha256 == new.subject_sha256),
        )

    def with_study(self, new: Study) -> "MetricsRecord":
        """`new` in the place of what answers the same request, and of studies of other weights."""
        if isinstance(new, CopiesRecord):
            return dataclasses.replace(self, copies=_with(self.copies, new))
        return dataclasses.replace(self, utility=_with(self.utility, new))

    def with_retraining(self, new: Retraining) -> "MetricsRecord":
        """`new` in the place of what its extractor said before."""
        others = tuple(r for r in self.retraining if r.extractor != new.extractor)
        return dataclasses.replace(self, retraining=(*others, new))

    def retraining_spreads(self, measured: Measurement) -> dict[str, float]:
        """The standard deviations over training seeds of the scores of as many samples, by name;
        empty where they are not known."""
        asked = measured.protocol.extractor, measured.protocol.samples
        found = [r.spreads for r in self.retraining if (r.extractor, r.samples) == asked]
        return dict(found[0]) if found else {}
