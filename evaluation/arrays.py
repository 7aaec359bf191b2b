"""Pictures as NumPy stores them: an array in .npy, or images and perhaps labels in .npz. Nobody
vouches for such a file: it is judged by its header before memory is taken, and never unpickled."""

import contextlib
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.lib import format as npy

from duet.data import WHOLE, ImageSet, set_name
from duet.data.classes import MOST_CLASSES
from evaluation.errors import EvaluationError

SUFFIXES = (".npy", ".npz")
IMAGES, LABELS = ("images", "arr_0"), ("labels", "arr_1")  # as named, or as np.savez numbers them
MOST_BYTES = 2**32
CHANNELS = (1, 3)
PIXELS, NUMBERS = "B", np.typecodes["AllInteger"]  # NumPy's letters for types
HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def load(path: Path) -> ImageSet:
    """The pictures of an array, uint8 [N, H, W], [N, H, W, C] or [N, C, H, W] with one or three
    channels; of an .npz the array called "images" or "arr_0", and "labels" or "arr_1", whole
    numbers [N], where there are such: their classes are called "0", "1", … Raises
    EvaluationError."""
    if not path.is_file():
        raise EvaluationError(f"{path} does not exist, or is not a file")
    with _readable(path):
        images, labels = _npz(path) if path.suffix.lower() == ".npz" else (_npy(path), None)
    pixels = torch.from_numpy(_channels_first(images, str(path)))
    if len(pixels) == 0:
        raise EvaluationError(f"{path} holds no pictures: its array is of {list(images.shape)}")
    numbers, class_names = _classes(labels, len(pixels), str(path))
    return ImageSet(set_name(str(path)), WHOLE, pixels, numbers, class_names)


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except EvaluationError:
        raise
    except Exception as error:  # whatever a crafted file provokes
        raise EvaluationError(
            f"{path} is damaged, or not what its name says ({str(error)[:100]}); save it again by "
            "numpy.save or numpy.savez"
        ) from error


def _npy(path: Path) -> np.ndarray:
    _check_header(lambda: path.open("rb"), str(path), PIXELS)
    return np.load(path, mmap_mode="c", allow_pickle=False)


def _npz(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    with zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        images = next((name for name in IMAGES if name in names), None)
        if images is None:
            raise EvaluationError(
                f"{path} holds {', '.join(names)[:100] or 'nothing'}; its pictures have to be "
                f"called {' or '.join(IMAGES)}"
            )
        labels = next((name for name in LABELS if name in names), None)
        return (
            _member(archive, images, str(path), PIXELS),
            None if labels is None else _member(archive, labels, str(path), NUMBERS),
        )


def _member(archive: zipfile.ZipFile, name: str, title: str, types: str) -> np.ndarray:
    def opened() -> IO[bytes]:
        return archive.open(f"{name}.npy")

    _check_header(opened, f"{title}, {name}", types)
    with opened() as file:
        return np.asarray(npy.read_array(file, allow_pickle=False))


def _check_header(opened: Callable[[], IO[bytes]], title: str, types: str) -> None:
    """EvaluationError where an array is of another type or larger than can be meant."""
    with opened() as file:
        version = npy.read_magic(file)
        if version not in HEADERS:
            raise EvaluationError(f"{title}: format {version} is not known")
        shape, _, dtype = HEADERS[version](file)
    if dtype.hasobject:
        raise EvaluationError(
            f"{title} holds Python objects, which are pickles and never loaded; save a plain array "
            "of uint8"
        )
    if dtype.char not in types:
        wanted = "uint8, 0..255" if types == PIXELS else "class numbers"
        raise EvaluationError(f"{title} holds {dtype}, wanted is {wanted}; convert it, and save it")
    if math.prod(shape) * dtype.itemsize > MOST_BYTES:
        raise EvaluationError(f"{title} of {list(shape)} is larger than {MOST_BYTES} bytes")


def _channels_first(images: np.ndarray, title: str) -> np.ndarray:
    """uint8 [N, C, H, W], contiguous: an extractor rounds otherwise where the pixels lie
    otherwise."""
    if images.ndim == 3:
        return np.ascontiguousarray(images[:, None])
    first, last = (images.ndim == 4 and images.shape[axis] in CHANNELS for axis in (1, 3))
    if first == last:
        raise EvaluationError(
            f"{title} is of {list(images.shape)}; wanted is [N, H, W], [N, H, W, C] or "
            "[N, C, H, W] with one or three channels"
        )
    return np.ascontiguousarray(images if first else np.moveaxis(images, 3, 1))


def _classes(
    labels: np.ndarray | None, count: int, title: str
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Labels int64 [count], all 0 where there are none, and the names of their classes."""
    if labels is None:
        return torch.zeros(count, dtype=torch.int64), ()
    if labels.shape != (count,):
        raise EvaluationError(
            f"{title}: labels of {list(labels.shape)}, wanted is one a picture, [{count}]"
        )
    low, high = int(labels.min()), int(labels.max())
    if not 0 <= low <= high < MOST_CLASSES:
        raise EvaluationError(
            f"{title}: labels from {low} to {high}; they have to lie in 0..{MOST_CLASSES - 1}"
        )
    return torch.from_numpy(labels.astype(np.int64)), tuple(map(str, range(high + 1)))
