"""Pictures decoded once, in parallel, into a cache, then mapped into memory.

A file of the cache is named by what it depends on: the contents and names of all files, and the
settings. It is made beside its place and moved there, under a lock, so that it is whole or absent
and runs that start together decode once. Being mapped, a set may be larger than memory.

The held-out tenth of own pictures is the tenth with the smallest hashes of decoded pixels, exact
duplicates counted once and kept on one side: neither names nor order decide.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import PIL
import torch

from duet.core.files import scratch_folder
from duet.core.lock import locked
from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from duet.core.words import as_unicode
from duet.data.base import DataError, Facts, cache_root
from duet.data.classes import Arrangement, arrange
from duet.data.decode import BACKGROUND, Decoding, Look
from duet.data.gather import gather, new_array, survey
from duet.data.sources import Source, content_sha256, open_source

FILE = "set.safetensors"
HELD_OUT = 0.1
SHOWN_PROBLEMS = 5
COPIED = 1024  # pictures at a time
RULE = 1  # goes up when the same pictures and settings would give other pixels or another order


def decoded(
    path: Path, decoding: Decoding, facts: Facts | None
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """All pictures at a path, decoded now or before.

    Returns tensors: images uint8 [N, C, H, W], labels int64 [N], files (their names as JSON in
    UTF-8); and texts: class_names (JSON), held_out (how many images, the last ones), problems
    (what was left out). Of a registered set, `facts` give the classes, and none is held out.
    Raises DataError.
    """
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
        _report(path, about["problems"], decoding)
    return tensors, about


def _make(folder: Path, source: Source, decoding: Decoding, facts: Facts | None) -> None:
    """Decode into the cache, unless another process does so first."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, wait=True):
            if (folder / FILE).exists():
                return
            with scratch_folder(folder) as scratch:
                _decode(scratch, source, decoding, facts)
                os.replace(scratch / FILE, folder / FILE)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror or error}); point DUET_CACHE at a folder "
            "that can"
        ) from error


def _decode(scratch: Path, source: Source, decoding: Decoding, facts: Facts | None) -> None:
    """Write FILE in `scratch`, the held-out pictures last."""
    arrangement = arrange(source, facts)
    names, problems, looks = arrangement.names, dict(arrangement.problems), []
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

    labels, class_names = _classes(arrangement, names, own=facts is None)
    last = held_out(source.path, gathered.hashes) if facts is None else np.zeros(len(names), bool)
    order = np.argsort(last, kind="stable")
    files = json.dumps([as_unicode(names[index]) for index in order]).encode()
    save_tensors(
        scratch / FILE,
        {
            "images": torch.from_numpy(_reordered(gathered.images, gathered.kept[order], scratch)),
            "labels": labels[torch.from_numpy(order)],
            "files": torch.from_numpy(np.frombuffer(bytearray(files), np.uint8)),
        },
        {
            "class_names": json.dumps(class_names), "held_out": str(int(last.sum())),
            "problems": _in_words(problems, len(names)) if problems else "",
        },
    )


def _classes(
    arrangement: Arrangement, names: tuple[str, ...], own: bool
) -> tuple[torch.Tensor, tuple[str, ...]]:
    """Labels int64 [N] of the pictures that are left, and the classes; of own pictures, a class
    that was left out whole is none."""
    label = dict(zip(arrangement.names, arrangement.labels, strict=True))
    labels = torch.tensor([label[name] for name in names], dtype=torch.int64)
    if not own or not arrangement.class_names:
        return labels, arrangement.class_names
    used, labels = labels.unique(return_inverse=True)
    return labels, tuple(arrangement.class_names[label] for label in used.tolist())


def held_out(path: Path, hashes: np.ndarray) -> np.ndarray:
    """Which of the pictures with these hashes (uint64 [N]) are held out: bool [N]. A tenth of the
    distinct ones, at least one; DataError where that would leave none."""
    distinct = np.unique(hashes)
    if len(distinct) < 2:
        raise DataError(
            f"{path} holds {len(hashes)} picture(s) that do not differ; a tenth is held out, so at "
            "least two different ones are needed"
        )
    count = max(1, round(HELD_OUT * len(distinct)))
    return hashes <= distinct[count - 1]


def _reordered(images: np.ndarray, order: np.ndarray, scratch: Path) -> np.ndarray:
    """images[order], in a file of its own: neither is ever whole in memory."""
    ordered = new_array(scratch / "ordered", (len(order), *images.shape[1:]))
    for first in range(0, len(order), COPIED):
        part = order[first : first + COPIED]
        ordered[first : first + len(part)] = images[part]
    return ordered


def _check(
    path: Path, problems: dict[str, str], names: tuple[str, ...], decoding: Decoding
) -> None:
    """Refuse what is broken, unless it is to be left out and something is left."""
    if problems and not (names and decoding.skip_broken):
        _report(path, _in_words(problems, len(names)), decoding)
    if not names:
        raise DataError(
            f"{path} holds no picture that can be used; put pictures there, or a folder a class"
        )


def _in_words(problems: dict[str, str], others: int) -> str:
    shown = [f"{as_unicode(name)} ({why})" for name, why in list(problems.items())[:SHOWN_PROBLEMS]]
    rest = [f"and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
    count = f"{len(problems)} of {len(problems) + others} entries cannot be used"
    return f"{count}: " + ", ".join([*shown, *rest])


def _report(path: Path, problems: str, decoding: Decoding) -> None:
    said = f"{path}: {problems}"
    if not decoding.skip_broken:
        raise DataError(f"{said}. Mend or remove them, or leave them out by skip_broken")
    print(f"{said}. They are left out", file=sys.stderr)
