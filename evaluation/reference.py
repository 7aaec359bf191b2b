"""References: what is kept of a training split, so that nobody needs the images to measure.

One safetensors file a (data set, extractor): float64 mean and covariance of all images' features,
float32 features of 10,000 of them spread evenly over the split, and in its metadata the hashes
that tie it to the images and to the extractor's weights.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from duet.core.files import sha256
from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from duet.data import ImageSet
from evaluation import fidelity
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.metrics import FeatureSet

FOLDER = Path(__file__).resolve().parent / "reference"
STORED_FEATURES = 10_000
BATCH = 250


@dataclass(frozen=True)
class Reference:
    """An opened reference file: the split's features, and what a score must cite."""

    features: FeatureSet
    about: dict[str, str]
    sha256: str


def extract(
    batches: Iterable[torch.Tensor], count: int, extractor: Extractor, title: str
) -> FeatureSet:
    """Features, logits and statistics of `count` images, in batches of uint8 [N, C, H, W], a
    progress bar on stderr."""
    parts = []
    with tqdm(total=count, desc=title, unit="img", leave=False) as bar:
        for batch in batches:
            parts.append(extractor(batch))
            bar.update(len(batch))
    features, logits = (torch.cat(column) for column in zip(*parts, strict=True))
    return FeatureSet(features, logits, fidelity.statistics(features))


def extract_set(images: ImageSet, extractor: Extractor) -> FeatureSet:
    """`extract` of a whole split."""
    title = f"{images.name} {images.split}"
    return extract(images.images.split(BATCH), len(images), extractor, title)


def reference_path(data: str, extractor: str) -> Path:
    return FOLDER / f"{data}-{extractor}.safetensors"


def build(images: ImageSet, extractor: Extractor) -> Path:
    """Extract a training split's features and store them; returns the file."""
    found = extract_set(images, extractor)
    stride = max(1, len(images) // STORED_FEATURES)
    tensors = {key: torch.from_numpy(value) for key, value in found.statistics.items()}
    tensors["features"] = found.features[::stride][:STORED_FEATURES].contiguous()
    about = {
        "data": images.name,
        "split": images.split,
        "images": str(len(images)),
        "images_sha256": hashlib.sha256(images.images.numpy().tobytes()).hexdigest(),
        "extractor": extractor.name,
        "extractor_sha256": extractor.weights_sha256,
    }
    path = reference_path(images.name, extractor.name)
    save_tensors(path, tensors, about)
    return path


def open_reference(data: str, extractor: Extractor) -> Reference:
    """Read the reference of a data set in an extractor's space; EvaluationError where it is absent,
    unreadable, or was made with other weights."""
    path = reference_path(data, extractor.name)
    make = f"python -m evaluation reference --data {data} --extractor {extractor.name}"
    if not path.exists():
        raise EvaluationError(
            f"there is no reference of {data} in {extractor.name}'s space; make it by: {make}"
        )
    try:
        tensors, about = load_tensors(path)
    except TensorFileError as error:
        raise EvaluationError(f"{error}; make it anew: {make}") from error
    if about["extractor_sha256"] != extractor.weights_sha256:
        raise EvaluationError(
            f"{path} was made with other weights of extractor {extractor.name}; "
            f"make it anew: {make}"
        )
    statistics = {key: tensors[key].numpy() for key in ("mu", "sigma")}
    return Reference(FeatureSet(tensors["features"], None, statistics), about, sha256(path))
