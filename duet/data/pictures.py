"""Pictures of one's own, and published sets in zips, as sets: their splits, names and facts."""

import json
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from duet.data.base import SPLITS, WHOLE, Facts, ImageSet
from duet.data.cache import decoded
from duet.data.classes import arrange, clean
from duet.data.decode import Decoding, Look
from duet.data.gather import survey
from duet.data.sources import open_source


def load_split(path: Path, split: str, decoding: Decoding, facts: Facts) -> ImageSet:
    """A zip (or folder) of class folders that is one split of the set `facts` is about."""
    tensors, _ = decoded(path, decoding, facts)
    return ImageSet(
        facts.name, split, tensors["images"], tensors["labels"], facts.class_names, facts.domain,
        facts, _files(tensors),
    )


def load_own(path: Path, split: str, decoding: Decoding, name: str) -> ImageSet:
    """A folder of pictures, a folder a class, or a zip of either, called `name`; "test" is its
    held-out tenth, the last ones, "all" is everything."""
    tensors, about = decoded(path, decoding, None)
    images, class_names = tensors["images"], tuple(json.loads(about["class_names"]))
    first = len(images) - int(about["held_out"])
    train, test = SPLITS
    part = {train: slice(first), test: slice(first, None), WHOLE: slice(None)}[split]
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
    looks = sorted(_looks(path), key=lambda look: look.side)
    smallest, median, largest = (
        (look.width, look.height) for look in (looks[0], looks[len(looks) // 2], looks[-1])
    )
    modes = Counter(look.mode for look in looks).most_common()
    return Originals(
        smallest, median, largest, sum(look.side < size for look in looks), dict(modes)
    )


def sizes(path: Path) -> Counter[tuple[int, int]]:
    """How many of the pictures at a path are of each (width, height), by their headers; those that
    have none are not counted."""
    return Counter((look.width, look.height) for look in _looks(path))


def _looks(path: Path) -> list[Look]:
    with open_source(path) as source:
        seen = survey(source, arrange(source, None).names).values()
    return [look for look in seen if isinstance(look, Look)]


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


def _files(tensors: dict[str, torch.Tensor]) -> tuple[str, ...]:
    return tuple(json.loads(tensors["files"].numpy().tobytes()))
