"""References: what is kept of a training split, so that nobody needs the images to measure.

One safetensors file a (data set, extractor): float64 mean and covariance of all images' features,
float32 features of 10,000 of them, mean and covariance of each class where that is no large file,
what the patch distance needs of at most 50,000, and in its metadata the hashes that tie it to the
images and to the extractor's weights.

Which 10,000 is decided by the images themselves: within each class, as large a share of it as of
the whole, those with the smallest hash of (seed, pixels). That is a random choice which no order of
the file can bend: a stride of six kept one of the two groups of writers that MNIST's training file
interleaves (docs/log.md, 2026-11-24).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from duet.core.files import sha256
from duet.core.progress import progress_bar
from duet.core.ranks import is_main
from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from duet.data import DATASETS, ImageSet
from duet.store.metrics import ReferenceRecord
from evaluation import fidelity, patches, sharding
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.metrics import FeatureSet, Statistics, least_class_images
from evaluation.patches import PatchReference
from evaluation.sets import SetId

FOLDER = Path(__file__).parent / "reference"
STORED_FEATURES = 10_000
SEED = 0
RULE = "stratified-by-class-smallest-keyed-hash"
BATCH = 250
PATCHES = "patch_"  # before the names of a PatchReference's tensors
MOST_CLASS_VALUES = 2**20  # 8 MB of covariances


@dataclass(frozen=True)
class Reference:
    """An opened reference file: the split's features, and what a score must cite."""

    features: FeatureSet
    about: ReferenceRecord


def extract(
    batches: Iterable[torch.Tensor], count: int, extractor: Extractor, title: str
) -> FeatureSet:
    """What the metrics see, but for labels, of `count` images in batches of BATCH, uint8
    [N, C, H, W], of which `batches` are this process's share; a progress bar on stderr."""
    parts = []
    sizes = [min(BATCH, count - first) for first in range(0, count, BATCH)]
    sharding.check_enough(len(sizes))
    own = sum(sharding.share(sizes))
    with progress_bar(own, title, "img", disable=not is_main()) as bar:
        for batch in batches:
            parts.append((*extractor(batch), batch.cpu()))
            bar.update(len(batch))
    features, logits, images = (
        sharding.together(torch.cat(column), sizes) for column in zip(*parts, strict=True)
    )
    return FeatureSet(
        features, logits if extractor.knows_classes else None, fidelity.statistics(features), images
    )


def extract_set(images: ImageSet, extractor: Extractor) -> FeatureSet:
    """`extract` of a whole split."""
    title = f"{images.name} {images.split}"
    return extract(sharding.share(images.images.split(BATCH)), len(images), extractor, title)


def home(images: SetId, ending: str) -> Path:
    """Where what is kept of a data set lies: beside the code, somebody's own in the cache."""
    return images.path(FOLDER, "references", ending)


def reference_path(images: SetId, extractor: str) -> Path:
    return home(images, f"{extractor}.safetensors")


def build(images: ImageSet, extractor: Extractor) -> Path:
    """Extract a training split's features and store them; returns the file."""
    path = reference_path(SetId.of(images), extractor.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, images, extractor)
    return path


def write(path: Path, images: ImageSet, extractor: Extractor) -> None:
    """Extract a set's features into a file of an existing folder."""
    found = extract_set(images, extractor)
    chosen = random_part(images, STORED_FEATURES, SEED)
    tensors = {key: torch.from_numpy(value) for key, value in found.statistics.items()}
    tensors["features"] = found.features[chosen]
    tensors |= _class_tensors(found.features, images)
    described = patches.describe(images.images[random_part(images, patches.MOST_IMAGES, SEED)])
    tensors |= {f"{PATCHES}{key}": value for key, value in described._asdict().items()}
    about = {
        "data": images.name,
        "split": images.split,
        "images": str(len(images)),
        "images_sha256": images.sha256,
        "features": str(len(chosen)),
        "rule": RULE,
        "seed": str(SEED),
        "extractor": extractor.name,
        "extractor_sha256": extractor.weights_sha256,
    }
    save_tensors(path, tensors, about)


def _class_tensors(features: torch.Tensor, images: ImageSet) -> dict[str, torch.Tensor]:
    """Statistics of every class, and how many images it has, where that is no large file."""
    classes, dimensions = len(images.class_names), features.shape[1]
    if not 2 <= classes <= MOST_CLASS_VALUES // dimensions**2:
        return {}
    counts = images.labels.bincount(minlength=classes)
    found = [
        fidelity.statistics(features[images.labels == label]) if counts[label] > 1
        else {"mu": np.zeros(dimensions), "sigma": np.zeros((dimensions, dimensions))}
        for label in range(classes)
    ]
    return {"class_counts": counts} | {
        f"class_{key}": torch.from_numpy(np.stack([each[key] for each in found]))
        for key in ("mu", "sigma")
    }


def _class_statistics(tensors: dict[str, torch.Tensor]) -> tuple[Statistics | None, ...] | None:
    """What `_class_tensors` stored, None for a class of too few images."""
    if "class_counts" not in tensors:
        return None
    means, covariances = tensors["class_mu"].numpy(), tensors["class_sigma"].numpy()
    least = least_class_images(means.shape[1])
    return tuple(
        {"mu": mean, "sigma": covariance} if count >= least else None
        for count, mean, covariance in zip(
            tensors["class_counts"].tolist(), means, covariances, strict=True
        )
    )


def random_part(images: ImageSet, count: int, seed: int) -> torch.Tensor:
    """Indices int64 [count] of a random part of a split, of all where there are fewer, in random
    order, stratified by class; whatever order the images come in, the same ones."""
    key = seed.to_bytes(8, "little")
    hashes = np.array([
        int.from_bytes(hashlib.blake2b(image.tobytes(), key=key, digest_size=8).digest(), "little")
        for image in images.images.numpy()
    ], np.uint64)
    labels = images.labels.numpy()
    chosen = []
    for label, share in enumerate(_shares(np.bincount(labels), min(count, len(labels)))):
        members = np.flatnonzero(labels == label)
        chosen.append(members[np.argsort(hashes[members], kind="stable")][:share])
    together = np.concatenate(chosen)
    return torch.from_numpy(together[np.argsort(hashes[together], kind="stable")])


def _shares(sizes: np.ndarray, count: int) -> list[int]:
    """`count` divided in proportion to `sizes`, the rest to the largest remainders."""
    exact = sizes * (count / sizes.sum())
    shares = np.floor(exact).astype(int)
    rest = np.argsort(shares - exact, kind="stable")[: count - shares.sum()]
    shares[rest] += 1
    return [int(share) for share in shares]


def open_reference(images: SetId, extractor: Extractor) -> Reference:
    """Read the reference of a training split in an extractor's space; EvaluationError where it is
    absent, unreadable, or was made of other images or with other weights."""
    path = reference_path(images, extractor.name)
    argument = images.name if images.name in DATASETS else "PATH"
    make = f"python -m evaluation reference --data {argument} --extractor {extractor.name}"
    mend = f"make it anew: {make}"
    if not path.exists():
        raise EvaluationError(
            f"there is no reference of {images.name} in {extractor.name}'s space; "
            f"make it by: {make}"
        )
    found = read(path, extractor, mend)
    if images.images_sha256 not in (None, found.about.images_sha256):
        raise EvaluationError(f"{path} is of other images than {images.name}; {mend}")
    return found


def read(path: Path, extractor: Extractor, mend: str) -> Reference:
    """An existing reference file; EvaluationError, which ends in `mend`, where it is unreadable or
    was made with other weights."""
    try:
        tensors, about = load_tensors(path)
        record = ReferenceRecord(
            data=about["data"], split=about["split"], images=int(about["images"]),
            images_sha256=about["images_sha256"], features=int(about["features"]),
            rule=about["rule"], seed=int(about["seed"]), sha256=sha256(path),
        )
        statistics = {key: tensors[key].numpy() for key in ("mu", "sigma")}
        described = PatchReference(
            *(tensors[f"{PATCHES}{key}"] for key in PatchReference._fields)
        )
        features = FeatureSet(
            tensors["features"], None, statistics, patches=described,
            class_statistics=_class_statistics(tensors),
        )
        made_with = about["extractor_sha256"]
        count, dimensions = features.features.shape
        shapes = [value.shape for value in statistics.values()]
        if shapes != [(dimensions,), (dimensions, dimensions)] or count != record.features:
            raise ValueError("its features and their statistics do not fit together")
    except TensorFileError as error:
        raise EvaluationError(f"{error}; {mend}") from error
    except (KeyError, ValueError, TypeError) as error:
        raise EvaluationError(
            f"{path} is of another version of Duet ({error}); {mend}"
        ) from error
    if not all(tensor.isfinite().all() for tensor in tensors.values()):
        raise EvaluationError(f"{path} holds numbers that are not finite; {mend}")
    if made_with != extractor.weights_sha256:
        raise EvaluationError(
            f"{path} was made with other weights of extractor {extractor.name}; {mend}"
        )
    return Reference(features, record)
