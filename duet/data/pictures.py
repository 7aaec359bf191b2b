"""Pictures of one's own, and sets in zips: decoded once, in parallel, into a cache, then mapped.

A file of the cache is named by what it depends on: the contents and names of all files, and the
settings. It is made beside its place and moved there, under a lock, so that it is whole or absent
and runs that start together decode once. Reading maps it into memory: a set may be larger than
that.

The held-out tenth of own pictures is the tenth with the smallest hashes of decoded pixels, exact
duplicates counted once and kept on one side: neither names nor order decide.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL
import torch

from duet.core.lock import locked
from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from duet.data.base import DataError, Facts, ImageSet, cache_root
from duet.data.classes import arrange, clean
from duet.data.decode import BACKGROUND, Decoding, Look
from duet.data.gather import gather, new_array, survey
from duet.data.sources import Source, content_sha256, open_source

FILE = "set.safetensors"
HELD_OUT = 0.1
SHOWN_PROBLEMS = 5
COPIED = 1024  # pictures at a time
RULE = 1  # goes up when the same pictures and settings would give other pixels or another order


def load_split(path: Path, split: str, decoding: Decoding, facts: Facts) -> ImageSet:
    """A zip (or folder) of class folders that is one split of the set `facts` is about."""
    tensors, _ = _open(path, decoding, facts)
    return ImageSet(
        facts.name, split, tensors["images"], tensors["labels"], facts.class_names, facts.domain,
        facts, _files(tensors),
    )


def load_own(path: Path, split: str, decoding: Decoding, name: str) -> ImageSet:
    """A folder of pictures, a folder a class, or a zip of either, called `name`; "test" is its
    held-out tenth."""
    tensors, about = _open(path, decoding, None)
    images, class_names = tensors["images"], tuple(json.loads(about["class_names"]))
    first = len(images) - int(about["held_out"])
    part = slice(first) if split == "train" else slice(first, None)
    facts = own_facts(path, name, class_names, images)
    return ImageSet(
        name, split, images[part], tensors["labels"][part], class_names, facts.domain, facts,
        _files(tensors)[part],
    )


@dataclass(frozen=True)
class Originals:
    """What own pictures were before they became squares: (width, height) of the smallest, median
    and largest by the shorter side; how many were enlarged; how many are stored in each of
    Pillow's modes."""

    smallest: tuple[int, int]
    median: tuple[int, int]
    largest: tuple[int, int]
    enlarged: int
    modes: dict[str, int]


def originals(path: Path, size: int) -> Originals:
    """Look at the headers of all pictures at a path that became squares of `size` pixels."""
    with open_source(path) as source:
        seen = survey(source, arrange(source, None).names).values()
    looks = sorted((look for look in seen if isinstance(look, Look)), key=lambda look: look.side)
    smallest, median, largest = (
        (look.width, look.height) for look in (looks[0], looks[len(looks) // 2], looks[-1])
    )
    modes = Counter(look.mode for look in looks).most_common()
    return Originals(
        smallest, median, largest, sum(look.side < size for look in looks), dict(modes)
    )


def own_facts(
    path: Path, name: str, class_names: tuple[str, ...], images: torch.Tensor
) -> Facts:
    """What can be said of pictures that nobody has described."""
    count, channels, height, width = images.shape
    colour = "grey" if channels == 1 else "in colour"
    classes = f"{len(class_names)} classes" if class_names else "no classes"
    return Facts(
        name=name, title=clean(_last_part(path)) or name, class_names=class_names,
        about=f"{count:,} pictures, {height}×{width} pixels {colour}, {classes}, a "
        "tenth of them held out",
        licence="unknown",
    )


def plain_name(path: Path) -> str:
    """A set's name from the last part of its path: ASCII letters, digits and "._-" only."""
    ascii_part = unicodedata.normalize("NFKD", _last_part(path)).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_part).strip("._-")[:60] or "pictures"


def _last_part(path: Path) -> str:
    return path.resolve().stem if path.suffix.lower() == ".zip" else path.resolve().name


def held_out(hashes: np.ndarray) -> np.ndarray:
    """Which of the pictures with these hashes (uint64 [N]) are held out: bool [N]. A tenth of the
    distinct ones, at least one."""
    distinct = np.unique(hashes)
    count = max(1, round(HELD_OUT * len(distinct)))
    return hashes <= distinct[count - 1]


def _open(
    path: Path, decoding: Decoding, facts: Facts | None
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """The cache's tensors (images, labels, files) and texts for a path, made where it has none."""
    settings = [RULE, PIL.__version__, decoding.image_size, decoding.colour]
    owner = facts.name if facts else None
    key = json.dumps([content_sha256(path), *settings, owner]).encode()
    folder = cache_root() / "pictures" / hashlib.sha256(key).hexdigest()[:32]
    if not (folder / FILE).exists():
        with open_source(path) as source:
            _make(folder, source, decoding, facts)
    try:
        tensors, about = load_tensors(folder / FILE)
    except TensorFileError as error:
        raise DataError(f"{error}; delete it, and the pictures are decoded again") from error
    if about["problems"]:
        _report(about["problems"], decoding)
    return tensors, about


def _make(folder: Path, source: Source, decoding: Decoding, facts: Facts | None) -> None:
    """Decode into the cache, unless another process does so first."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, wait=True):
            if (folder / FILE).exists():
                return
            for leftover in folder.glob("making-*"):  # of a process that was killed
                shutil.rmtree(leftover, ignore_errors=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as scratch:
                _decode(Path(scratch), source, decoding, facts)
                os.replace(Path(scratch, FILE), folder / FILE)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror or error}); point DUET_CACHE at a folder "
            "that can"
        ) from error


def _decode(scratch: Path, source: Source, decoding: Decoding, facts: Facts | None) -> None:
    """Write FILE in `scratch`: images, labels and file names, the held-out ones last."""
    arrangement = arrange(source, facts)
    labels = dict(zip(arrangement.names, arrangement.labels, strict=True))
    names, problems, looks = arrangement.names, arrangement.problems, []
    if decoding.image_size is None or decoding.colour == "auto":
        seen = survey(source, names)
        looks = [look for look in seen.values() if isinstance(look, Look)]
        problems |= {name: str(why) for name, why in seen.items() if not isinstance(why, Look)}
        names = tuple(name for name in names if name not in problems)
    _check(source.path, problems, names, decoding)

    size, channels = decoding.settle(looks)
    print(
        f"{source.path}: {len(names):,} pictures become {size}×{size} pixels "
        f"{'grey' if channels == 1 else 'in colour'} (the centred square, resized by antialiased "
        f"bicubic; transparent parts show {BACKGROUND})", file=sys.stderr,
    )
    gathered = gather(source, names, size, channels, scratch)
    problems |= gathered.problems
    names = tuple(names[index] for index in gathered.kept)
    _check(source.path, problems, names, decoding)

    class_names, last = arrangement.class_names, np.zeros(len(names), bool)
    if facts is None:
        # A class that was left out whole is none.
        used = sorted({labels[name] for name in names})
        class_names = tuple(class_names[label] for label in used) if class_names else ()
        labels = {name: used.index(labels[name]) for name in names}
        last = _held_out_of(source.path, gathered.hashes)
    order = np.argsort(last, kind="stable")
    images = _reordered(gathered.images, gathered.kept[order], scratch)
    files = json.dumps([_shown(names[index]) for index in order]).encode()
    save_tensors(
        scratch / FILE,
        {
            "images": torch.from_numpy(images),
            "labels": torch.tensor([labels[names[index]] for index in order], dtype=torch.int64),
            "files": torch.from_numpy(np.frombuffer(bytearray(files), np.uint8)),
        },
        {
            "class_names": json.dumps(class_names), "held_out": str(int(last.sum())),
            "problems": _in_words(source.path, problems, len(names)) if problems else "",
        },
    )


def _reordered(images: np.ndarray, order: np.ndarray, scratch: Path) -> np.ndarray:
    """images[order], in a file of its own: neither is ever whole in memory."""
    ordered = new_array(scratch / "ordered", (len(order), *images.shape[1:]))
    for first in range(0, len(order), COPIED):
        part = order[first : first + COPIED]
        ordered[first : first + len(part)] = images[part]
    return ordered


def _shown(name: str) -> str:
    """A file's name as valid Unicode, which not every file system gives."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _held_out_of(path: Path, hashes: np.ndarray) -> np.ndarray:
    if len(np.unique(hashes)) < 2:
        raise DataError(
            f"{path} holds {len(hashes)} picture(s) that do not differ; a tenth is held out, so at "
            "least two different ones are needed"
        )
    return held_out(hashes)


def _check(
    path: Path, problems: dict[str, str], names: tuple[str, ...], decoding: Decoding
) -> None:
    """Refuse what is broken, unless it is to be left out and something is left."""
    if problems:
        _report(_in_words(path, problems, len(names)), decoding)
    if not names:
        raise DataError(
            f"{path} holds no picture that can be used; put pictures there, or a folder a class"
        )


def _in_words(path: Path, problems: dict[str, str], others: int) -> str:
    shown = [f"{name} ({why})" for name, why in list(problems.items())[:SHOWN_PROBLEMS]]
    rest = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
    return (
        f"{path}: {len(problems)} of {len(problems) + others} entries cannot be used: "
        + ", ".join([*shown, *rest])
    )


def _report(problems: str, decoding: Decoding) -> None:
    if not decoding.skip_broken:
        raise DataError(f"{problems}. Mend or remove them, or leave them out by --skip-broken")
    print(f"{problems}. They are left out", file=sys.stderr)


def _files(tensors: dict[str, torch.Tensor]) -> tuple[str, ...]:
    return tuple(json.loads(tensors["files"].numpy().tobytes()))
