"""The metrics: from features to named scores. To add one: one function, one row of METRICS, and a
row of SCORES in duet/store/scores.py for each score that it gives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from duet.store.metrics import Protocol, ScoreRecord
from evaluation import fidelity

NEIGHBORHOOD = 3
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000

Scores = dict[str, ScoreRecord]


@dataclass(frozen=True)
class FeatureSet:
    """What the metrics see of a set of images.

    features: float32 [N, D]; logits: float32 [N, K], None for a reference; statistics: float64
    mean and covariance over the whole set, which may be larger than `features`.
    """

    features: torch.Tensor
    logits: torch.Tensor | None
    statistics: dict[str, np.ndarray]


def _inception_score(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> Scores:
    assert generated.logits is not None
    found = fidelity.inception_score(generated.logits, protocol.inception_score_splits)
    return {"inception_score": ScoreRecord(*found)}


def _frechet_distance(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> Scores:
    distance = fidelity.frechet_distance(generated.statistics, real.statistics)
    return {"frechet_distance": ScoreRecord(distance)}


def _kernel_distance(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> Scores:
    found = fidelity.kernel_distance(
        generated.features, real.features, protocol.kernel_subsets, protocol.kernel_subset_size
    )
    return {"kernel_distance": ScoreRecord(*found)}


def _precision_recall(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> Scores:
    count = protocol.manifold_images  # as many on both sides
    precision, recall = fidelity.precision_recall(
        generated.features[:count], real.features[:count], protocol.neighborhood
    )
    return {"precision": ScoreRecord(precision), "recall": ScoreRecord(recall)}


METRICS: tuple[Callable[[FeatureSet, FeatureSet, Protocol], Scores], ...] = (
    _inception_score,
    _frechet_distance,
    _kernel_distance,
    _precision_recall,
)
