"""The protocol, and one measurement by it: samples -> features -> scores."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from duet.core import latents
from duet.core.checks import whole
from duet.core.latents import check_seed, check_truncation
from duet.core.versions import library_versions
from duet.data import DATASETS, ImageSet
from duet.models import LatentModel
from duet.models.base import MAX_COUNT
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement, Protocol, ScoreRecord
from evaluation import (
    cautions,
    fidelity,
    intervals,
    modes,
    patches,
    path_length,
    reconstruction,
    sharding,
    unbiased,
)
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.metrics import (
    KID_SUBSET_SIZE,
    KID_SUBSETS,
    METRICS,
    NEIGHBORHOOD,
    FeatureSet,
    least_class_images,
)
from evaluation.reference import BATCH, Reference, extract, extract_set, random_part
from evaluation.sets import SetId

LIBRARIES = ("torch", "torch-fidelity", "numpy")
MIN_SAMPLES = 100
MANIFOLD_IMAGES = 10_000  # precision and recall: at most so many on either side
# The Inception Score grows with the images a split: held equal, so that rows may be compared.
IS_SPLIT_IMAGES = 5_000
MOST_REPEATS = 100
IMAGES_A_PAIR = 10  # one pair of latents for so many images: perceptual path length costs a fifth


@dataclass(frozen=True)
class Request:
    """What a measurement is asked for: images 0 .. samples-1 of stream `seed`, at `truncation`;
    intervals from `repeats` parts of them, none from fewer than two; `modes`: counted of data sets
    whose classes are no modes, too; `equal_parts`: a part is placed among as many real images, as
    the whole is, and not among all (as older versions did)."""

    samples: int = 50_000
    seed: int = 0
    truncation: float = 1.0
    repeats: int = intervals.REPEATS
    modes: bool = False
    equal_parts: bool = True

    def __post_init__(self) -> None:
        if self.samples < MIN_SAMPLES:
            raise EvaluationError(f"--samples must be at least {MIN_SAMPLES}, not {self.samples}")
        whole("--samples", self.samples, MIN_SAMPLES, MAX_COUNT)
        check_truncation(self.truncation, "--truncation")
        check_seed(self.seed, "--seed")
        whole("--repeats", self.repeats, 0, MOST_REPEATS)


def protocol_of(request: Request, extractor: Extractor, reference: Reference) -> Protocol:
    """Everything that decides the scores of a request, counts limited to what there is."""
    limit = min(MANIFOLD_IMAGES, request.samples, reference.about.features)
    repeats = min(request.repeats, request.samples // intervals.LEAST_IMAGES)
    repeats = repeats if repeats > 1 else 0
    is_cut = request.equal_parts and repeats
    return Protocol(
        samples=request.samples,
        seed=request.seed,
        truncation=request.truncation,
        extractor=extractor.name,
        extractor_sha256=extractor.weights_sha256,
        reference=reference.about,
        inception_score_splits=max(1, request.samples // IS_SPLIT_IMAGES),
        kernel_subsets=KID_SUBSETS,
        kernel_subset_size=min(KID_SUBSET_SIZE, limit),
        neighborhood=NEIGHBORHOOD,
        manifold_images=limit,
        rng_seed=fidelity.RNG_SEED,
        repeats=repeats,
        limit_parts=unbiased.PARTS,
        class_images=least_class_images(reference.features.features.shape[1]),
        patch_images=min(request.samples, patches.MOST_IMAGES),
        patches=patches.PATCHES,
        path_pairs=path_pairs(request),
        reconstructions=min(request.samples, reconstruction.MOST_IMAGES),
        mode_images=_mode_images(request, extractor, reference),
        part_manifold_images=min(limit, request.samples // repeats) if is_cut else None,
    )


def _mode_images(request: Request, extractor: Extractor, reference: Reference) -> int | None:
    """In how many images modes are counted, None where they are not. EvaluationError where they
    were asked for in a space that does not know them."""
    about = reference.about
    is_known = extractor.names_classes_of(SetId(about.data, about.images_sha256))
    if request.modes and not is_known:
        raise EvaluationError(
            f"--modes: the extractor {extractor.name} does not name the classes of {about.data}; "
            "choose another --extractor"
        )
    are_modes = about.data in DATASETS and DATASETS[about.data].facts.classes_are_modes
    is_counted = is_known and (request.modes or are_modes)
    return min(request.samples, modes.SAMPLES) if is_counted else None


def path_pairs(request: Request) -> int:
    return min(path_length.MOST_PAIRS, request.samples // IMAGES_A_PAIR)


def samples(model: LatentModel, request: Request) -> Iterator[torch.Tensor]:
    """This process's share of images 0 .. request.samples-1 of the request's seed, in batches of
    BATCH: uint8 [n, C, H, W]."""
    for first in sharding.share(range(0, request.samples, BATCH)):
        yield model.sample(
            min(BATCH, request.samples - first), seed=request.seed, first=first,
            truncation=request.truncation,
        )


def labels_of(model: LatentModel, request: Request) -> torch.Tensor:
    """The classes int64 [request.samples] of those images; all 0 where the model knows none."""
    numbers = range(request.samples)
    return latents.draw(request.seed, numbers, model.latent_dim, model.num_classes)[1]


def generate(checkpoint: Checkpoint, extractor: Extractor, request: Request) -> FeatureSet:
    """What the metrics see of a request's samples."""
    model = checkpoint.model.to(extractor.device)
    found = extract(samples(model, request), request.samples, extractor, checkpoint.name)
    if model.num_classes and extractor.names_classes_of(SetId.of(checkpoint)):
        found = dataclasses.replace(found, labels=labels_of(model, request))
    return with_model(found, checkpoint, extractor, request)


def with_model(
    found: FeatureSet, checkpoint: Checkpoint, extractor: Extractor, request: Request
) -> FeatureSet:
    """And what they see of the model itself: how its images change along paths, and what is lost
    of held-out images, where it encodes and they are at hand."""
    speeds = path_length.squared_speeds(
        checkpoint.model, extractor, path_pairs(request), request.seed, request.truncation,
        checkpoint.name,
    )
    real = reconstruction.held_out(checkpoint)
    if real is None:
        return dataclasses.replace(found, speeds=speeds)
    count = min(request.samples, reconstruction.MOST_IMAGES)
    chosen = real.images[part := random_part(real, count, 0)], real.labels[part]
    errors = reconstruction.errors(checkpoint, *chosen, extractor)
    return dataclasses.replace(found, speeds=speeds, reconstruction=errors)


def score(
    generated: FeatureSet, reference: Reference, protocol: Protocol
) -> dict[str, ScoreRecord]:
    """All metrics of METRICS, with intervals. EvaluationError where features or scores are not
    finite, or of another shape than the reference's."""
    _check_features(generated, reference)
    scores = _scores(generated, reference, protocol)
    if protocol.repeats:
        of_part = intervals.part_protocol(protocol)
        parts = generated.parts(protocol.repeats, protocol.rng_seed)
        scores = intervals.with_intervals(
            scores, [_scores(part, reference, of_part) for part in parts]
        )
    return scores


def _scores(
    generated: FeatureSet, reference: Reference, protocol: Protocol
) -> dict[str, ScoreRecord]:
    scores: dict[str, ScoreRecord] = {}
    for metric in METRICS:
        scores |= metric(generated, reference.features, protocol)
    broken = [key for key, score in scores.items() if not math.isfinite(score.value)]
    if broken:
        raise EvaluationError(f"{', '.join(broken)}: not a finite number came out")
    return scores


def _check_features(generated: FeatureSet, reference: Reference) -> None:
    ours, theirs = generated.features, reference.features.features
    if ours.shape[1] != theirs.shape[1]:
        raise EvaluationError(
            f"features have {ours.shape[1]} dimensions, those of the reference {theirs.shape[1]}; "
            "make the reference anew: python -m evaluation reference"
        )
    for side, features in (("the images", ours), ("the reference", theirs)):
        if not features.isfinite().all():
            raise EvaluationError(f"features of {side} are not finite; extract them anew")


def measure_held_out(
    images: ImageSet, extractor: Extractor, reference: Reference, repeats: int = intervals.REPEATS,
    equal_parts: bool = True,
) -> Measurement:
    """Score the real images of a test split: the floor of every table; the rest as in Request."""
    found = extract_set(images, extractor)
    about = reference.about
    if extractor.names_classes_of(SetId(about.data, about.images_sha256)):
        found = dataclasses.replace(found, labels=images.labels)
    request = Request(len(images), repeats=repeats, equal_parts=equal_parts)
    return record(found, extractor, reference, request, images.sha256)


def check_fit(origin: Checkpoint | ImageSet, extractor: Extractor) -> None:
    """EvaluationError where an extractor cannot see the images of a checkpoint or a set."""
    shape = origin.model.image_shape if isinstance(origin, Checkpoint) else origin.image_shape
    if extractor.image_shape not in (None, shape):
        verb = "draws" if isinstance(origin, Checkpoint) else "holds"
        raise EvaluationError(
            f"extractor {extractor.name} takes images of {extractor.image_shape}, "
            f"{origin.name} {verb} {shape}; choose another --extractor"
        )


def measure(
    checkpoint: Checkpoint, extractor: Extractor, reference: Reference, request: Request
) -> Measurement:
    """Generate, extract, score."""
    found = generate(checkpoint, extractor, request)
    return record(found, extractor, reference, request, checkpoint.weights_sha256)


def record(
    found: FeatureSet, extractor: Extractor, reference: Reference, request: Request,
    subject_sha256: str,
) -> Measurement:
    """Score features, and tell all that is needed to get the scores again."""
    protocol = protocol_of(request, extractor, reference)
    return Measurement(
        scores=sharding.by_main(lambda: score(found, reference, protocol)),
        protocol=protocol,
        subject_sha256=subject_sha256,
        device=str(extractor.device),
        versions=library_versions(LIBRARIES),
        warnings=cautions.of(found, reference.features, protocol),
    )
