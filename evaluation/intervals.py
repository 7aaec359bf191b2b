"""Intervals of 95 % from independent generations, without generating more.

The samples, which are independent of each other, are cut into R disjoint random parts, and each is
scored by itself. A score of N images is, to first order, its expectation plus a mean over them; so
parts of N / R images spread sqrt(R) times as far as the whole would when drawn again, and the mean
of what chance did to the parts is what it did to the whole. That is sectioning (Asmussen & Glynn,
"Stochastic Simulation", 2007, III.5): the whole's score in the middle, the parts' spread for the
width, Student's t with R - 1 degrees of freedom. The bias of small parts, FID's above all, moves
their mean and not their spread, which is all that is taken from them; a bootstrap would put it into
the interval.

What the interval tells: where the score would lie if as many images were drawn again from the same
weights. The reference is held fixed, and so is the training: retraining moves scores further
(`retraining` in metrics.json).
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from duet.store.metrics import Protocol, ScoreRecord
from evaluation.welch import student_quantile

REPEATS = 10
LEAST_IMAGES = 250  # a part
CONFIDENCE = 0.95


def part_protocol(protocol: Protocol) -> Protocol:
    """By what one of a request's parts is scored: as the whole, with its share of the images.

    Precision, recall, density and coverage place it among as many real images: balls around ten
    times as many are so small that a part hardly covers any, and its coverage spreads as that of no
    whole does (the interval of 10,000 samples was 0.4 times as wide as it had to be).

    Modes are not counted: of a part fewer are found, and near the uniform distribution a divergence
    does not spread as 1 / sqrt(N).
    """
    assert protocol.repeats
    samples = protocol.samples // protocol.repeats
    return dataclasses.replace(
        protocol,
        samples=samples,
        inception_score_splits=max(1, protocol.inception_score_splits // protocol.repeats),
        kernel_subsets=max(1, protocol.kernel_subsets // protocol.repeats),
        kernel_subset_size=min(protocol.kernel_subset_size, samples),
        manifold_images=protocol.part_manifold_images or protocol.manifold_images,
        mode_images=None,
    )


def with_intervals(
    scores: dict[str, ScoreRecord], parts: Sequence[dict[str, ScoreRecord]]
) -> dict[str, ScoreRecord]:
    """Scores with the intervals that those of their parts tell; without one where not every part
    has that score."""
    return {
        key: dataclasses.replace(score, interval=_interval(score, [part[key] for part in parts]))
        if all(key in part for part in parts) else score
        for key, score in scores.items()
    }


def _interval(score: ScoreRecord, parts: Sequence[ScoreRecord]) -> tuple[float, float]:
    deviation = float(np.std([part.value for part in parts], ddof=1))
    # A part may be larger than its share, where the whole is scored by its first images only.
    share = float(np.mean([part.count for part in parts])) / score.count
    quantile = student_quantile((1 + CONFIDENCE) / 2, len(parts) - 1)
    half = quantile * deviation * math.sqrt(share)
    return score.value - half, score.value + half
