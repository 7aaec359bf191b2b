"""The metrics: from features to named scores. To add one: one function, one row of METRICS."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from evaluation import fidelity

NEIGHBORHOOD = 3
IS_SPLITS = 10
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000


@dataclass(frozen=True)
class FeatureSet:
    """What the metrics see of a set of images.

    features: float32 [N, D]; logits: float32 [N, K], None for a reference; statistics: float64
    mean and covariance over the whole set, which may be larger than `features`.
    """

    features: torch.Tensor
    logits: torch.Tensor | None
    statistics: dict[str, np.ndarray]


def _inception_score(generated: FeatureSet, real: FeatureSet, limit: int) -> dict[str, float]:
    assert generated.logits is not None
    mean, deviation = fidelity.inception_score(generated.logits, IS_SPLITS)
    return {"inception_score": mean, "inception_score_std": deviation}


def _frechet_distance(generated: FeatureSet, real: FeatureSet, limit: int) -> dict[str, float]:
    distance = fidelity.frechet_distance(generated.statistics, real.statistics)
    return {"frechet_distance": distance}


def _kernel_distance(generated: FeatureSet, real: FeatureSet, limit: int) -> dict[str, float]:
    size = min(KID_SUBSET_SIZE, limit)
    mean, deviation = fidelity.kernel_distance(
        generated.features, real.features, KID_SUBSETS, size
    )
    return {"kernel_distance": mean, "kernel_distance_std": deviation}


def _precision_recall(generated: FeatureSet, real: FeatureSet, limit: int) -> dict[str, float]:
    precision, recall = fidelity.precision_recall(
        generated.features[:limit], real.features[:limit], NEIGHBORHOOD
    )
    return {"precision": precision, "recall": recall}


# metric(generated, real, limit) -> scores; `limit`: as many images on both sides, where a metric
# compares equal counts.
METRICS: tuple[Callable[[FeatureSet, FeatureSet, int], dict[str, float]], ...] = (
    _inception_score,
    _frechet_distance,
    _kernel_distance,
    _precision_recall,
)


class Score(NamedTuple):
    """How one score is shown, and how far a second measurement may lie from the first.

    The same machine repeats bit for bit; another one rounds convolutions otherwise, which moves
    single grey levels and so the features.
    """

    title: str
    digits: int
    tolerance: float
    higher_is_better: bool


SCORES: dict[str, Score] = {
    "frechet_distance": Score("FID", 3, 0.005, False),
    "kernel_distance": Score("KID", 5, 0.0002, False),
    "inception_score": Score("IS", 3, 0.01, True),
    "precision": Score("Precision", 3, 0.005, True),
    "recall": Score("Recall", 3, 0.005, True),
}
