"""What a data set is to the rest of Duet: one uint8 tensor of images, one of labels."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

from duet.core.domains import DOMAINS, PIXELS
from duet.core.errors import DuetError

SPLITS = ("train", "test")
WHOLE = "all"  # both, of own pictures
OTHER_LICENCE = "other"  # the Hub's word for one that it has no identifier for


class DataError(DuetError):
    """A data set is missing or not what it says it is; the message names it and the mend."""


@dataclass(frozen=True)
class Facts:
    """What is known of a data set without reading it; cards, pages and tables quote it.

    `licence` is the Hub's identifier of one ("cc-by-sa-3.0", "other"), `hub_id` where the Hub keeps
    the set, None where it does not; `origin` is the address of whoever publishes it; `about`,
    `credit` and `ethics` are sentences for a card. `domain` says what its values are, a name in
    DOMAINS. `classes_are_modes`: models have to find the classes unaided, and measurements count
    them.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    about: str
    licence: str = OTHER_LICENCE
    credit: str = ""
    hub_id: str | None = None
    ethics: str = ""
    domain: str = PIXELS
    origin: str = ""
    classes_are_modes: bool = False


@dataclass(frozen=True)
class DataSet:
    """A registered data set: its facts, `load(root, split, download)`, and where it may lie: groups
    of files below the data folder, any one of which is a split, {"train": (("a", "b"), ("c",))}."""

    facts: Facts
    load: Callable[[Path, str, bool], "ImageSet"]
    places: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageSet:
    """One split of a data set.

    images: uint8 [N, C, H, W], values of `domain`, perhaps a file mapped into memory and larger
    than that: index it, do not copy it whole. labels: int64 [N] in [0, num_classes), all 0 where
    there are no classes. files: the pictures' names where each has its own, else empty.
    """

    name: str
    split: str
    images: torch.Tensor
    labels: torch.Tensor
    class_names: tuple[str, ...]
    domain: str = PIXELS
    facts: Facts | None = None
    files: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        title = f"data set {self.name}/{self.split}"
        if self.domain not in DOMAINS:
            raise DataError(f"{title}: unknown domain {self.domain!r}; known: {', '.join(DOMAINS)}")
        if self.images.dtype != torch.uint8 or self.images.dim() != 4:
            raise DataError(
                f"{title}: images must be uint8 [N, C, H, W], "
                f"not {self.images.dtype} {list(self.images.shape)}"
            )
        if len(self.images) == 0:
            raise DataError(f"{title} is empty")
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != torch.int64:
            raise DataError(f"{title}: labels must be int64, one an image")
        last = max(len(self.class_names) - 1, 0)
        if not 0 <= int(self.labels.min()) <= int(self.labels.max()) <= last:
            raise DataError(f"{title}: labels must lie in 0..{last}")

    def __len__(self) -> int:
        return len(self.images)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    def as_taught(self) -> "ImageSet":
        """What models learn from: the same pictures, without labels where the classes are modes."""
        if self.facts is None or not self.facts.classes_are_modes:
            return self
        return dataclasses.replace(self, labels=torch.zeros_like(self.labels), class_names=())

    @functools.cached_property
    def sha256(self) -> str:
        """The hash by which a score names these images: of their bytes, in their order."""
        digest = hashlib.sha256()
        for part in self.images.split(1024):
            digest.update(part.numpy().tobytes())
        return digest.hexdigest()


def cache_root() -> Path:
    """Duet's cache folder: $DUET_CACHE, else duet/ below $XDG_CACHE_HOME or ~/.cache."""
    own, common = os.environ.get("DUET_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return path_of(own or Path(common or "~/.cache") / "duet")


def data_root(data_dir: str | Path | None = None) -> Path:
    """The folder that holds the data sets: the argument, else $DUET_DATA, else a cache folder."""
    return path_of(data_dir or os.environ.get("DUET_DATA") or cache_root() / "data")


def path_of(text: str | Path) -> Path:
    """A path as a user writes it: ~ is his home, and a mere name where nobody has such a home."""
    return Path(os.path.expanduser(text))
