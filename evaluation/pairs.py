"""Whether two models differ, and in what.

Each is measured several times, independently: by samples of disjoint streams, or by disjoint random
parts of pictures, as many images each time on both sides, since scores like FID depend on their
number. Of each score the two means are compared by Welch's test, which lets the two spread
unequally; the intervals hold all at once at 95 % (Bonferroni: each is one of 1 - 0.05 / scores),
so that many scores are not many chances of finding something.

The naive bootstrap of FID would need one generation only, and is wrong: drawn with replacement, n
images are about 0.63 n different ones, and FID of fewer images is larger, so that its interval lies
above the number that it is meant to hold. What no repetition here tells: how much another training
of the same recipe would differ, and another choice of the real images.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from duet.data import ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement
from duet.store.scores import SCORES, Score
from evaluation.against import Against
from evaluation.errors import EvaluationError
from evaluation.harness import MIN_SAMPLES, Request
from evaluation.measuring import Work
from evaluation.sets import SetId
from evaluation.sources import Source
from evaluation.welch import Difference, difference

CONFIDENCE = 0.95
MIN_REPEATS = 3


@dataclasses.dataclass(frozen=True)
class Plan:
    """`repeats` measurements a side of `samples` images; streams from `seed` on, first those of the
    one, then those of the other."""

    samples: int
    repeats: int
    seed: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if self.repeats < MIN_REPEATS:
            raise EvaluationError(f"--repeats must be at least {MIN_REPEATS}, not {self.repeats}")
        self.requests(1)  # refuses what no measurement could be asked for

    def requests(self, side: int) -> list[Request]:
        first = self.seed + side * self.repeats
        streams = range(first, first + self.repeats)
        return [Request(self.samples, seed, self.truncation, repeats=0) for seed in streams]

    @property
    def of_reference(self) -> Request:
        """What a checkpoint draws that both are compared with."""
        return Request(self.samples * self.repeats, self.seed + 2 * self.repeats)

    def fitted(self, sources: Sequence[Source]) -> "Plan":
        """With as few images a part as the fewest pictures make; EvaluationError where those are
        too few."""
        samples = self.samples
        for source in sources:
            if isinstance(source.origin, ImageSet):
                part = len(source.origin) // self.repeats
                if part < MIN_SAMPLES:
                    raise EvaluationError(
                        f"{source.text} holds {len(source.origin)} pictures, {self.repeats} parts "
                        f"of {part}; at least {MIN_SAMPLES} a part are needed: lower --repeats"
                    )
                samples = min(samples, part)
        return dataclasses.replace(self, samples=samples)


def common_reference(sources: Sequence[Source]) -> Against:
    """What the checkpoints among two sources were made from; EvaluationError where that is not one
    thing."""
    made = {
        SetId.of(source.origin): source
        for source in sources if isinstance(source.origin, Checkpoint)
    }
    if len(made) != 1:
        names = " and ".join(images.name for images in made)
        why = f"they were made from different data ({names})" if names else "neither says it"
        raise EvaluationError(
            f"what should they be like? {why}; say so by --against, e.g. --against mnist"
        )
    ((images, source),) = made.items()
    return Against(source.text, source.image_shape, (images,))


class ScoreDifference(NamedTuple):
    """How two sources, as they were named, differ in one score."""

    kind: Score
    names: tuple[str, str]
    found: Difference

    @property
    def better(self) -> int | None:
        """Which is better, 0 or 1; None where that cannot be seen."""
        if not self.found.is_seen:
            return None
        return int((self.found.value > 0) == self.kind.higher_is_better)

    @property
    def sentence(self) -> str:
        better, (first, second) = self.better, self.found.means
        value, margin = _digits(abs(self.found.value), self.found.margin, self.kind.digits)
        digits = f".{self.kind.digits}f"
        if better is None:
            return (
                f"no difference can be seen in {self.kind.title}: {first:{digits}} and "
                f"{second:{digits}}, {value} apart, ± {margin}"
            )
        ours, theirs = (first, second) if better == 0 else (second, first)
        return (
            f"{self.names[better]} is better in {self.kind.title} by {value} ± {margin} "
            f"({ours:{digits}}, not {theirs:{digits}})"
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "first": self.found.means[0],
            "second": self.found.means[1],
            "difference": self.found.value,
            "interval": self.found.interval,
            "better": None if self.better is None else self.names[self.better],
            "sentence": self.sentence,
        }


def _digits(value: float, margin: float, least: int) -> tuple[str, str]:
    """Both with as many decimals as show two digits of the margin."""
    decimals = least if margin == 0 else max(least, 1 - math.floor(math.log10(margin)))
    return f"{value:.{decimals}f}", f"{margin:.{decimals}f}"


def differences(
    names: tuple[str, str], sides: Sequence[Sequence[Measurement]]
) -> dict[str, ScoreDifference]:
    """Of each score that all repetitions have."""
    all_of_them = [measured.scores.keys() for side in sides for measured in side]
    keys = [key for key in SCORES if all(key in found for found in all_of_them)]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(keys))
    found = {}
    for key in keys:
        one, two = ([measured.scores[key].value for measured in side] for side in sides)
        found[key] = ScoreDifference(SCORES[key], names, difference(one, two, confidence))
    return found


def repeat(works: Sequence[Work], plan: Plan) -> list[list[Measurement]]:
    """All measurements of both sides."""
    return [list(work.repeated(plan.requests(side))) for side, work in enumerate(works)]
