"""The protocol, and one measurement by it: samples -> features -> scores."""

import dataclasses
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from duet.store.checkpoint import Checkpoint
from evaluation import fidelity
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.metrics import IS_SPLITS, METRICS, FeatureSet
from evaluation.reference import BATCH, Reference, extract

LIBRARIES = ("torch", "torch-fidelity", "numpy")
MIN_SAMPLES = 100
MANIFOLD_IMAGES = 10_000  # precision and recall: at most so many on either side


@dataclass(frozen=True)
class Protocol:
    """All that decides a number, but for the model and the files that are cited by hash."""

    samples: int = 50_000
    seed: int = 0
    truncation: float = 1.0
    extractor: str = "mnist"

    def __post_init__(self) -> None:
        if self.samples < MIN_SAMPLES:
            raise EvaluationError(f"--samples must be at least {MIN_SAMPLES}, not {self.samples}")
        if not 0 <= self.truncation <= 1:
            raise EvaluationError(f"--truncation must lie in 0..1, not {self.truncation}")
        if not 0 <= self.seed < 2**63:
            raise EvaluationError(f"--seed must lie in 0..2^63-1, not {self.seed}")


def generate(checkpoint: Checkpoint, extractor: Extractor, protocol: Protocol) -> FeatureSet:
    """Features of samples 0 .. protocol.samples-1 of the protocol's seed."""
    model = checkpoint.model.to(extractor.device)
    batches = (
        model.sample(
            min(BATCH, protocol.samples - first), seed=protocol.seed, first=first,
            truncation=protocol.truncation,
        )
        for first in range(0, protocol.samples, BATCH)
    )
    return extract(batches, protocol.samples, extractor, checkpoint.name)


def score(generated: FeatureSet, reference: Reference) -> dict[str, float]:
    """All metrics of METRICS. Where a metric compares equal counts, as many as both sides have."""
    real = reference.features
    limit = min(MANIFOLD_IMAGES, len(generated.features), len(real.features))
    scores: dict[str, float] = {}
    for metric in METRICS:
        scores |= metric(generated, real, limit)
    return scores


def check_fit(checkpoint: Checkpoint, extractor: Extractor) -> None:
    """EvaluationError where an extractor cannot see a checkpoint's images."""
    if extractor.image_shape not in (None, checkpoint.model.image_shape):
        raise EvaluationError(
            f"extractor {extractor.name} takes images of {extractor.image_shape}, "
            f"{checkpoint.name} draws {checkpoint.model.image_shape}; choose another --extractor"
        )


def record(
    scores: dict[str, float], protocol: Protocol, extractor: Extractor, reference: Reference,
    weights_sha256: str | None, seconds: float,
) -> dict[str, Any]:
    """One entry of metrics.json: the scores and everything that is needed to get them again."""
    return {
        "scores": scores,
        "protocol": dataclasses.asdict(protocol),
        "weights_sha256": weights_sha256,
        "extractor_sha256": extractor.weights_sha256,
        "reference": {**reference.about, "sha256": reference.sha256},
        "rng_seed": fidelity.RNG_SEED,
        "inception_score_splits": IS_SPLITS,
        "device": str(extractor.device),
        "versions": {"python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
        "seconds": round(seconds, 1),
    }


def measure(
    checkpoint: Checkpoint, extractor: Extractor, reference: Reference, protocol: Protocol
) -> dict[str, Any]:
    """Generate, extract, score: one entry of metrics.json."""
    started = time.monotonic()
    scores = score(generate(checkpoint, extractor, protocol), reference)
    seconds = time.monotonic() - started
    return record(scores, protocol, extractor, reference, checkpoint.weights_sha256, seconds)
