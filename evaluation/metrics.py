"""The metrics: from what they need to named scores. To add one: one function, one row of METRICS,
and a row of SCORES in duet/store/scores.py for each score that it gives."""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from duet.store.metrics import Protocol, ScoreRecord
from evaluation import fidelity, modes, patches, path_length, reconstruction, specks, unbiased
from evaluation.manifolds import RealManifold
from evaluation.patches import PatchReference

NEIGHBORHOOD = 3
KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000

Scores = dict[str, ScoreRecord]
Statistics = dict[str, np.ndarray]


@dataclass(frozen=True)
class FeatureSet:
    """What the metrics see of a set of images.

    features: float32 [N, D]; statistics: float64 mean and covariance over the whole set, which may
    be larger than `features`; logits: float32 [N, K], None for a reference and where the extractor
    knows no classes. Each None where it is not to be had, of what is scored:
    images: uint8 [N, C, H, W]; labels: int64 [N], what the images are meant to show, where that is
    one of the extractor's classes; speeds: float64 [P], of path_length.squared_speeds;
    reconstruction: float64 [M, 2], of reconstruction.errors.
    Of a reference: statistics of each class, None for one with too few images; patches.
    """

    features: torch.Tensor
    logits: torch.Tensor | None
    statistics: Statistics
    images: torch.Tensor | None = None
    labels: torch.Tensor | None = None
    speeds: torch.Tensor | None = None
    reconstruction: torch.Tensor | None = None
    class_statistics: tuple[Statistics | None, ...] | None = None
    patches: PatchReference | None = None
    _manifolds: dict[tuple[int, int], RealManifold] = dataclasses.field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def grey_images(self) -> torch.Tensor | None:
        """uint8 [N, 1, H, W]."""
        return self.images if self.images is not None and self.images.shape[1] == 1 else None

    def manifold(self, count: int, neighborhood: int) -> RealManifold:
        """Of the first `count` features, found once."""
        key = count, neighborhood
        if key not in self._manifolds:
            self._manifolds[key] = RealManifold(self.features[:count], neighborhood)
        return self._manifolds[key]

    def parts(self, count: int, seed: int) -> Iterator["FeatureSet"]:
        """Disjoint random parts of what is scored, as large as each other but for one."""
        order = shuffled(len(self.features), seed).tensor_split(count)
        speeds, reconstructions = (
            [None] * count if values is None else values.tensor_split(count)
            for values in (self.speeds, self.reconstruction)
        )
        for rows, speed, errors in zip(order, speeds, reconstructions, strict=True):
            features = self.features[rows]
            logits, images, labels = (
                None if values is None else values[rows]
                for values in (self.logits, self.images, self.labels)
            )
            yield FeatureSet(
                features, logits, fidelity.statistics(features), images, labels, speed, errors
            )


def shuffled(count: int, seed: int) -> torch.Tensor:
    """All of range(count) in a random order: real images may come sorted by class."""
    return torch.from_numpy(np.random.default_rng(seed).permutation(count))


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
    generated: Statistics, real: Statistics, protocol: Protocol
) -> Scores:
    distance = fidelity.frechet_distance(generated, real)
    return {"frechet_distance": ScoreRecord(distance, count=protocol.samples)}


def _kernel_distance(generated: torch.Tensor, real: torch.Tensor, protocol: Protocol) -> Scores:
    value, spread = fidelity.kernel_distance(
        generated, real, protocol.kernel_subsets, protocol.kernel_subset_size
    )
    return {"kernel_distance": ScoreRecord(value, spread, count=len(generated))}


def _manifolds(
    generated: torch.Tensor, real: Callable[[int, int], RealManifold], protocol: Protocol
) -> Scores:
    """Precision, recall, their harmonic mean, density, coverage."""
    count = protocol.manifold_images  # as many on both sides
    shown = generated[:count]
    found = real(count, protocol.neighborhood).compare(shown)._asdict()
    precision, recall = found["precision"], found["recall"]
    found["f_score"] = 2 * precision * recall / max(precision + recall, 1e-12)
    return {key: ScoreRecord(value, count=len(shown)) for key, value in found.items()}


def _frechet_limit(generated: torch.Tensor, real: Statistics, protocol: Protocol) -> Scores:
    parts = unbiased.parts_of(len(generated), generated.shape[1], protocol.limit_parts or 0)
    if len(parts) < 2:
        return {}
    order = shuffled(len(generated), protocol.rng_seed)
    limit = unbiased.frechet_limit(generated[order], real, parts)
    return {"frechet_limit": ScoreRecord(limit, count=len(generated))}


def least_class_images(dimensions: int) -> int:
    """Of how many images a class's covariance [D, D] is worth comparing."""
    return max(100, 2 * dimensions)


def _class_frechet_distance(
    generated: torch.Tensor, labels: torch.Tensor, real: tuple[Statistics | None, ...],
    protocol: Protocol,
) -> Scores:
    """FID within each class (Brock et al., "Large scale GAN training", 2019, appendix, as
    intra-FID of Miyato & Koyama, 2018), and the mean over the classes."""
    distances: list[float | None] = []
    count = 0
    for label, theirs in enumerate(real):
        ours = generated[labels == label]
        is_enough = theirs is not None and len(ours) >= (protocol.class_images or 0)
        if theirs is None or not is_enough:
            distances.append(None)
            continue
        distances.append(fidelity.frechet_distance(fidelity.statistics(ours), theirs))
        count += len(ours)
    known = [distance for distance in distances if distance is not None]
    if not known:
        return {}
    mean = sum(known) / len(known)
    record = ScoreRecord(mean, count=count, by_class=tuple(distances))
    return {"class_frechet_distance": record}


def _label_agreement(logits: torch.Tensor, labels: torch.Tensor, protocol: Protocol) -> Scores:
    """The share of images that the extractor takes for what they are meant to show."""
    share = (logits.argmax(1) == labels).double().mean().item()
    return {"label_agreement": ScoreRecord(share, count=len(labels))}


def _modes(logits: torch.Tensor, protocol: Protocol) -> Scores:
    """Where they were asked for: classes found among the first images, and how unevenly."""
    if not protocol.mode_images:
        return {}
    shown = logits[: protocol.mode_images]
    found, known = shown.argmax(1), shown.shape[1]
    return {
        "modes": ScoreRecord(modes.covered(found, known), count=len(found)),
        "mode_divergence": ScoreRecord(modes.reverse_kl(found, known), count=len(found)),
    }


def _specks(images: torch.Tensor, protocol: Protocol) -> Scores:
    """Of visible specks, and of those of any brightness above black."""
    return {
        "specks": ScoreRecord(specks.speckled_share(images), count=len(images)),
        "dim_specks": ScoreRecord(specks.speckled_share(images, level=0), count=len(images)),
    }


def _patch_distance(images: torch.Tensor, real: PatchReference, protocol: Protocol) -> Scores:
    if not real.fits(images):
        return {}
    shown = images[: protocol.patch_images]
    return {"patch_distance": ScoreRecord(patches.distance(shown, real), count=len(shown))}


def _path_length(speeds: torch.Tensor, protocol: Protocol) -> Scores:
    return {"path_length": ScoreRecord(path_length.trimmed_mean(speeds), count=len(speeds))}


def _reconstruction(errors: torch.Tensor, protocol: Protocol) -> Scores:
    pixels, features = errors.mean(0).tolist()
    values = (pixels, reconstruction.psnr(pixels), features)
    return {
        key: ScoreRecord(value, count=len(errors))
        for key, value in zip(reconstruction.SCORES, values, strict=True)
    }


METRICS: tuple[Metric, ...] = (
    Metric(_inception_score, ("logits",)),
    Metric(_frechet_distance, ("statistics",), ("statistics",)),
    Metric(_kernel_distance, ("features",), ("features",)),
    Metric(_manifolds, ("features",), ("manifold",)),
    Metric(_frechet_limit, ("features",), ("statistics",)),
    Metric(_class_frechet_distance, ("features", "labels"), ("class_statistics",)),
    Metric(_label_agreement, ("logits", "labels")),
    Metric(_modes, ("logits",)),
    Metric(_patch_distance, ("images",), ("patches",)),
    Metric(_specks, ("grey_images",)),
    Metric(_path_length, ("speeds",)),
    Metric(_reconstruction, ("reconstruction",)),
)
