"""The metrics: from what they need to named scores. To add one: one function, one row of METRICS,
and a row of SCORES in duet/store/scores.py for each score that it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from duet.store.metrics import Protocol, ScoreRecord
from evaluation import fidelity, manifolds, specks

NEIGHBORHOOD = 3
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000

Scores = dict[str, ScoreRecord]


@dataclass(frozen=True)
class FeatureSet:
    """What the metrics see of a set of images.

    features: float32 [N, D]; statistics: float64 mean and covariance over the whole set, which may
    be larger than `features`; logits: float32 [N, K], None for a reference and where the extractor
    knows no classes. Of what is scored also, each None where it is not to be had:
    images: uint8 [N, 1, H, W], of grey ones; labels: int64 [N], what the images are meant to show,
    where that is one of the extractor's classes.
    """

    features: torch.Tensor
    logits: torch.Tensor | None
    statistics: dict[str, np.ndarray]
    images: torch.Tensor | None = None
    labels: torch.Tensor | None = None


class Metric(NamedTuple):
    """A function of both sides, each just the parts of a FeatureSet that it names, in their order;
    it is left out where one of them is None."""

    function: Callable[..., Scores]
    generated: tuple[str, ...]
    real: tuple[str, ...] = ()

    def __call__(self, generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> Scores:
        parts = [getattr(generated, name) for name in self.generated]
        parts += [getattr(real, name) for name in self.real]
        return {} if any(part is None for part in parts) else self.function(*parts, protocol)


def _inception_score(logits: torch.Tensor, protocol: Protocol) -> Scores:
    value, spread = fidelity.inception_score(logits, protocol.inception_score_splits)
    return {"inception_score": ScoreRecord(value, spread, count=len(logits))}


def _frechet_distance(
    generated: dict[str, np.ndarray], real: dict[str, np.ndarray], protocol: Protocol
) -> Scores:
    distance = fidelity.frechet_distance(generated, real)
    return {"frechet_distance": ScoreRecord(distance, count=protocol.samples)}


def _kernel_distance(generated: torch.Tensor, real: torch.Tensor, protocol: Protocol) -> Scores:
    value, spread = fidelity.kernel_distance(
        generated, real, protocol.kernel_subsets, protocol.kernel_subset_size
    )
    return {"kernel_distance": ScoreRecord(value, spread, count=len(generated))}


def _manifolds(generated: torch.Tensor, real: torch.Tensor, protocol: Protocol) -> Scores:
    """Precision, recall, density, coverage."""
    count = protocol.manifold_images  # as many on both sides
    found = manifolds.compare(generated[:count], real[:count], protocol.neighborhood)
    return {key: ScoreRecord(value, count=count) for key, value in found._asdict().items()}


def _label_agreement(logits: torch.Tensor, labels: torch.Tensor, protocol: Protocol) -> Scores:
    """The share of images that the extractor takes for what they are meant to show."""
    share = (logits.argmax(1) == labels).double().mean().item()
    return {"label_agreement": ScoreRecord(share, count=len(labels))}


def _specks(images: torch.Tensor, protocol: Protocol) -> Scores:
    return {"specks": ScoreRecord(specks.speckled_share(images), count=len(images))}


METRICS: tuple[Metric, ...] = (
    Metric(_inception_score, ("logits",)),
    Metric(_frechet_distance, ("statistics",), ("statistics",)),
    Metric(_kernel_distance, ("features",), ("features",)),
    Metric(_manifolds, ("features",), ("features",)),
    Metric(_label_agreement, ("logits", "labels")),
    Metric(_specks, ("images",)),
)
