"""Image sets in, uint8 NCHW tensors out. To add a set: one file, one row of DATASETS."""

from pathlib import Path

from duet.data import mnist
from duet.data.base import DataError, DataSet, Facts, ImageSet, data_root

__all__ = ["DATASETS", "DataError", "DataSet", "Facts", "ImageSet", "load"]

DATASETS: dict[str, DataSet] = {
    "mnist": mnist.MNIST,
}


def load(
    name: str, split: str = "train", data_dir: str | Path | None = None, download: bool = True
) -> ImageSet:
    """Load one split ("train" or "test") of a registered data set into memory.

    Raises DataError where the name or split is unknown, or the files are absent or damaged.
    """
    if name not in DATASETS:
        raise DataError(f"unknown data set {name!r}; known: {', '.join(DATASETS)}")
    if split not in ("train", "test"):
        raise DataError(f"unknown split {split!r} of {name}; known: train, test")
    return DATASETS[name].load(data_root(data_dir), split, download)
