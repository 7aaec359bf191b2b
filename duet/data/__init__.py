"""Image sets in, uint8 NCHW tensors out. To add a set: one file, one row of DATASETS."""

from pathlib import Path

from duet.data.base import (
    SPLITS,
    WHOLE,
    DataError,
    DataSet,
    Facts,
    ImageSet,
    cache_root,
    data_root,
    path_of,
)
from duet.data.cifar10 import CIFAR10
from duet.data.decode import Colour, Decoding
from duet.data.fashion_mnist import FASHION_MNIST
from duet.data.kmnist import KMNIST
from duet.data.mnist import MNIST
from duet.data.pictures import load_own, plain_name
from duet.data.stacked_mnist import STACKED_MNIST
from duet.data.svhn import SVHN

__all__ = [
    "DATASETS", "SPLITS", "WHOLE", "Colour", "DataError", "DataSet", "Facts", "ImageSet",
    "cache_root", "data_root", "load", "path_of", "set_name",
]

DATASETS: dict[str, DataSet] = {
    "mnist": MNIST,
    "fashion-mnist": FASHION_MNIST,
    "kmnist": KMNIST,
    "cifar10": CIFAR10,
    "svhn": SVHN,
    "stacked-mnist": STACKED_MNIST,
}


def load(
    name_or_path: str, split: str = "train", data_dir: str | Path | None = None,
    download: bool = True, *, image_size: int | None = None, colour: Colour = "auto",
    skip_broken: bool = False,
) -> ImageSet:
    """Load one split ("train" or "test") of a registered data set, or of a folder or zip of
    pictures, of which "test" is a held-out tenth and "all" both together.

    image_size, colour and skip_broken are for own pictures (duet.data.decode.Decoding says what
    they mean); a registered set has its own size and colour, and refuses others. Raises DataError
    where the name or split is unknown, or the files are absent or damaged.
    """
    known = SPLITS if name_or_path in DATASETS else (*SPLITS, WHOLE)
    if split not in known:
        raise DataError(f"unknown split {split!r} of {name_or_path}; known: {', '.join(known)}")
    decoding = Decoding(image_size, colour, skip_broken)
    name = set_name(name_or_path)
    if name_or_path not in DATASETS:
        return load_own(path_of(name_or_path), split, decoding, name)
    found = DATASETS[name].load(data_root(data_dir), split, download)
    decoding.check(name, found.image_shape)
    return found


def set_name(name_or_path: str) -> str:
    """The name of a data set: of a path, its last part made plain, which never
    passes for a registered set's. Raises DataError for what is neither."""
    if name_or_path in DATASETS:
        return name_or_path
    path = path_of(name_or_path)
    if not name_or_path or not path.exists():  # "" would be the current folder
        raise DataError(
            f"unknown data set {name_or_path!r}; known: {', '.join(DATASETS)}, or the path of a "
            "folder of pictures, a folder a class, or a zip of either"
        )
    plain = plain_name(path)
    return f"own-{plain}" if plain in DATASETS else plain
