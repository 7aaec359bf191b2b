"""MNIST and the sets in its form: grey 28x28 images in IDX files, 60,000 + 10,000 of them."""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from duet.data.base import DataError, DataSet, Facts
from duet.data.published import Pair, published_set

COUNTS = {"train": 60_000, "test": 10_000}
PREFIXES = {"train": "train", "test": "t10k"}
SIDE = 28


def idx_set(facts: Facts, class_name: str) -> DataSet:
    """A row of DATASETS; `class_name` is torchvision's, and the name of the folder."""
    files = {
        split: tuple(f"{class_name}/raw/{prefix}-{kind}-ubyte"
                     for kind in ("images-idx3", "labels-idx1"))
        for split, prefix in PREFIXES.items()
    }
    read = functools.partial(_read, files, facts.title)
    return published_set(facts, class_name, 1, SIDE, files, read)


def _read(files: Mapping[str, tuple[str, ...]], title: str, root: Path, split: str) -> Pair:
    """Images uint8 [N, 1, 28, 28] and labels int64 [N]."""
    images, labels = (root / name for name in files[split])
    count = COUNTS[split]
    pixels = read_idx(images, (count, SIDE, SIDE), title)
    classes = read_idx(labels, (count,), title)
    return torch.from_numpy(pixels).unsqueeze(1), torch.from_numpy(classes.astype(np.int64))


def read_idx(path: Path, shape: tuple[int, ...], title: str) -> np.ndarray:
    """The bytes of an IDX file as uint8 of `shape`; DataError where it holds anything else.

    A header of big-endian words (0x08 for bytes and the number of dimensions, then their sizes),
    then the bytes themselves (LeCun et al., "The MNIST database").
    """
    header = np.array([0x800 + len(shape), *shape], ">u4").tobytes()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{title}: {path} cannot be read ({error.strerror or error})") from error
    if not content.startswith(header) or len(content) != len(header) + np.prod(shape):
        raise DataError(
            f"{title}: {path} cannot be read: it does not hold {' x '.join(map(str, shape))} "
            "bytes in IDX form; delete it and fetch the set again"
        )
    # A bytearray, because PyTorch wants memory that may be written to.
    return np.frombuffer(bytearray(content), np.uint8, offset=len(header)).reshape(shape)
