"""The protocol, and one measurement by it: samples -> features -> scores."""

import dataclasses
from dataclasses import dataclass

from duet.core import latents
from duet.core.latents import check_seed, check_truncation
from duet.core.versions import library_versions
from duet.data import ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement, Protocol, ScoreRecord
from evaluation import fidelity, sharding
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.metrics import (
    KID_SUBSET_SIZE,
    KID_SUBSETS,
    METRICS,
    NEIGHBORHOOD,
    FeatureSet,
)
from evaluation.reference import BATCH, Reference, extract, extract_set
from evaluation.sets import SetId

LIBRARIES = ("torch", "torch-fidelity", "numpy")
MIN_SAMPLES = 100
MANIFOLD_IMAGES = 10_000  # precision and recall: at most so many on either side
# The Inception Score grows with the images a split: held equal, so that rows may be compared.
IS_SPLIT_IMAGES = 5_000


@dataclass(frozen=True)
class Request:
    """What a measurement is asked for: images 0 .. samples-1 of stream `seed`, at `truncation`."""

    samples: int = 50_000
    seed: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if self.samples < MIN_SAMPLES:
            raise EvaluationError(f"--samples must be at least {MIN_SAMPLES}, not {self.samples}")
        check_truncation(self.truncation, "--truncation")
        check_seed(self.seed, "--seed")


def protocol_of(request: Request, extractor: Extractor, reference: Reference) -> Protocol:
    """Everything that decides the scores of a request, counts limited to what there is."""
    limit = min(MANIFOLD_IMAGES, request.samples, reference.about.features)
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
    )


def generate(checkpoint: Checkpoint, extractor: Extractor, request: Request) -> FeatureSet:
    """What the metrics see of samples 0 .. request.samples-1 of the request's seed."""
    model = checkpoint.model.to(extractor.device)
    batches = (
        model.sample(
            min(BATCH, request.samples - first), seed=request.seed, first=first,
            truncation=request.truncation,
        )
        for first in sharding.share(range(0, request.samples, BATCH))
    )
    found = extract(batches, request.samples, extractor, checkpoint.name)
    if not (model.num_classes and extractor.names_classes_of(SetId.of(checkpoint))):
        return found
    numbers = range(request.samples)
    _, labels = latents.draw(request.seed, numbers, model.latent_dim, model.num_classes)
    return dataclasses.replace(found, labels=labels)


def score(
    generated: FeatureSet, reference: Reference, protocol: Protocol
) -> dict[str, ScoreRecord]:
    """All metrics of METRICS."""
    scores: dict[str, ScoreRecord] = {}
    for metric in METRICS:
        scores |= metric(generated, reference.features, protocol)
    return scores


def measure_held_out(images: ImageSet, extractor: Extractor, reference: Reference) -> Measurement:
    """Score the real images of a test split: the floor of every table."""
    found = extract_set(images, extractor)
    about = reference.about
    if extractor.names_classes_of(SetId(about.data, about.images_sha256)):
        found = dataclasses.replace(found, labels=images.labels)
    return record(found, extractor, reference, Request(len(images)), images.sha256)


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
    )
