"""Many pictures, decoded in parallel into one array in a file: never all of them in memory."""

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from duet.core.progress import progress_bar
from duet.data.base import DataError
from duet.data.decode import Look, PictureError, decode, look, strict_pillow
from duet.data.sources import Source

CHUNK = 64  # files that a thread takes at a time
MOST_THREADS = 8


@dataclass(frozen=True)
class Gathered:
    """images: uint8 [N, C, H, W], mapped from a file; hashes: uint64 [N], of their pixels; kept:
    int64 [N], which of the names they are; problems: why the others are not there."""

    images: np.ndarray
    hashes: np.ndarray
    kept: np.ndarray
    problems: dict[str, str]


def survey(source: Source, names: tuple[str, ...]) -> dict[str, Look | PictureError]:
    """Each file's size and mode from its header alone, or why it has none."""
    found: list[Look | PictureError] = [PictureError("not looked at")] * len(names)

    def work(index: int) -> None:
        try:
            found[index] = look(source.read(names[index]))
        except PictureError as error:
            found[index] = error

    with strict_pillow():
        _in_parallel(work, len(names), "looking")
    return dict(zip(names, found, strict=True))


def gather(
    source: Source, names: tuple[str, ...], size: int, channels: int, folder: Path
) -> Gathered:
    """Decode `names` into a new file in `folder`."""
    images = new_array(folder / "decoded", (len(names), channels, size, size))
    hashes = np.zeros(len(names), np.uint64)
    whole = np.zeros(len(names), bool)
    problems: dict[str, str] = {}

    def work(index: int) -> None:
        try:
            images[index] = pixels = decode(source.read(names[index]), size, channels)
        except PictureError as error:
            problems[names[index]] = str(error)
            return
        digest = hashlib.blake2b(pixels.tobytes(), digest_size=8).digest()
        hashes[index], whole[index] = int.from_bytes(digest, "little"), True

    with strict_pillow():
        _in_parallel(work, len(names), "decoding")
    kept = np.flatnonzero(whole)
    return Gathered(images, hashes[kept], kept, dict(sorted(problems.items())))


def new_array(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A uint8 array in a new file; DataError where the disk has no room, which would otherwise be
    found out by a crash in the middle of the work."""
    wanted, free = int(np.prod(shape)), shutil.disk_usage(path.parent).free
    if wanted > free:
        raise DataError(
            f"{path.parent} has {free / 1e9:.1f} GB left, decoding wants {wanted / 1e9:.1f}; "
            "make room, or point DUET_CACHE at a larger disk"
        )
    return np.memmap(path, np.uint8, "w+", shape=shape)


def _in_parallel(work: Callable[[int], None], count: int, title: str) -> None:
    """`work(i)` for each i by threads: Pillow leaves Python's lock while it decodes."""
    def chunk(first: int) -> int:
        last = min(first + CHUNK, count)
        for index in range(first, last):
            work(index)
        return last - first

    pool = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1))
    try:
        with progress_bar(count, title, "img") as bar:
            for done in pool.map(chunk, range(0, count, CHUNK)):
                bar.update(done)
    finally:  # after Ctrl-C, too, what has not begun does not begin
        pool.shutdown(cancel_futures=True)
