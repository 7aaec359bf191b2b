"""FID without the bias of its sample size (Chong & Forsyth, "Effectively unbiased FID and Inception
Score and where to find them", 2020): to first order FID of N images is that of infinitely many plus
something over N, so a line through FIDs of several N, against 1/N, tells the limit.

Where the authors draw 15 random subsets, which overlap, here the samples are cut into 1, 2, 4 and 8
parts: every size uses all samples once, and nothing is left to chance. The limit is as noisy as
theirs, no less (its test measures both). The reference stays as it is: its own size's bias remains.
"""

from collections.abc import Sequence

import numpy as np
import torch

from evaluation import fidelity

PARTS = 8
# Of each part, as a multiple of the features' dimensions: below, the bias is no longer linear.
LEAST = 4


def parts_of(images: int, dimensions: int, most: int) -> list[int]:
    """In how many parts so many images can be cut: powers of two up to `most`."""
    counts = [2**power for power in range(most.bit_length())]
    return [count for count in counts if images // count >= LEAST * dimensions]


def frechet_limit(
    features: torch.Tensor, real: dict[str, np.ndarray], parts: Sequence[int]
) -> float:
    """FID of infinitely many images like `features` [N, D], which are in random order, from FIDs
    within 1, 2, 4 .. equal parts, at least two numbers of them."""
    moments = [_moments(part) for part in features.double().tensor_split(max(parts))]
    inverse, distances = [], []
    for _ in parts:
        inverse.append(len(moments) / len(features))
        distances.append(np.mean([_distance(part, real) for part in moments]))
        moments = [_merged(*pair) for pair in zip(moments[::2], moments[1::2], strict=False)]
    _, limit = np.polyfit(inverse, distances, 1)
    return float(limit)


Moments = tuple[int, np.ndarray, np.ndarray]  # count, mean [D], sum of outer products [D, D]


def _moments(features: torch.Tensor) -> Moments:
    mean = features.mean(0)
    centred = features - mean
    return len(features), mean.numpy(), (centred.T @ centred).numpy()


def _merged(one: Moments, two: Moments) -> Moments:
    """Of two parts together (Chan, Golub & LeVeque, 1979)."""
    count = one[0] + two[0]
    shift = two[1] - one[1]
    scatter = one[2] + two[2] + np.outer(shift, shift) * (one[0] * two[0] / count)
    return count, one[1] + shift * (two[0] / count), scatter


def _distance(part: Moments, real: dict[str, np.ndarray]) -> float:
    count, mean, scatter = part
    return fidelity.frechet_distance({"mu": mean, "sigma": scatter / (count - 1)}, real)
