"""Whether two means differ: Welch's test of independent repetitions ("The generalization of
'Student's' problem when several different population variances are involved", 1947)."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

GRID = 100_001


class Difference(NamedTuple):
    """Of two means, the second less the first; `margin` is half of its interval's width."""

    means: tuple[float, float]
    margin: float

    @property
    def value(self) -> float:
        return self.means[1] - self.means[0]

    @property
    def interval(self) -> tuple[float, float]:
        return self.value - self.margin, self.value + self.margin

    @property
    def is_seen(self) -> bool:
        """Whether the interval leaves 0 out."""
        return abs(self.value) > self.margin


def difference(one: Sequence[float], two: Sequence[float], confidence: float) -> Difference:
    """Of at least two repetitions a side, which need not spread alike."""
    if len(set(one)) == len(set(two)) == 1:  # where the variances are nothing but rounding
        return Difference((one[0], two[0]), 0.0)
    errors = [float(np.var(side, ddof=1)) / len(side) for side in (one, two)]
    means = float(np.mean(one)), float(np.mean(two))
    total = sum(errors)
    freedom = total**2 / sum(
        error**2 / (len(side) - 1) for error, side in zip(errors, (one, two), strict=True)
    )
    return Difference(means, student_quantile((1 + confidence) / 2, freedom) * math.sqrt(total))


def student_quantile(probability: float, freedom: float) -> float:
    """Of Student's t distribution, `probability` from 0.5 to below 1, `freedom` at least 1.

    With t = sqrt(freedom) tan(angle) the density becomes cos(angle)^(freedom - 1), which is
    integrated numerically: to five digits up to a probability of 0.9999.
    """
    angles = np.linspace(0, math.pi / 2, GRID)
    density = np.cos(angles) ** (freedom - 1)
    below = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    angle = np.interp(2 * probability - 1, below / below[-1], angles)
    return float(math.sqrt(freedom) * np.tan(angle))
