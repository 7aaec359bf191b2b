"""The models on offer: those that $DUET_MODELS lists, or else the shipped ones, loaded once."""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duet
from demo import gpu
from duet.store import checkpoint
from duet.store.checkpoint import Checkpoint, CheckpointError

VARIABLE = "DUET_MODELS"
PROBLEM_LETTERS = 400


@dataclass(frozen=True)
class Catalogue:
    """Checkpoints by the name the page knows them by; what could not be loaded, in words."""

    checkpoints: Mapping[str, Checkpoint]
    problems: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.checkpoints)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Every class that some model knows, in the order of the models."""
        known = (c.class_names for c in self.checkpoints.values() if c.model.num_classes)
        return tuple(dict.fromkeys(name for names in known for name in names))

    def default_pair(self) -> tuple[str, str]:
        """Names for the left and the right: a GAN and a VAE where there are such."""
        left = self._first("gan", self.names)
        others = [name for name in self.names if name != left]
        return left, self._first("vae", others or [left])

    def _first(self, architecture: str, names: Sequence[str]) -> str:
        """The first of `names` with that architecture, or else the first of all."""
        fitting = (n for n in names if self.checkpoints[n].architecture == architecture)
        return next(fitting, names[0])


def load() -> Catalogue:
    """What the environment asks for."""
    wanted = [source for source in re.split(r"[,\s]+", os.environ.get(VARIABLE, "")) if source]
    return load_sources(wanted or checkpoint.shipped_names())


def load_sources(sources: Iterable[str]) -> Catalogue:
    """Load folders, shipped names or Hub ids; one that fails is left out and told of."""
    found: dict[str, Checkpoint] = {}
    problems = []
    for source in dict.fromkeys(sources):
        try:
            loaded = duet.load(source)
        except (CheckpointError, OSError, RecursionError, MemoryError) as error:
            problems.append(_words(error))
            continue
        problems += map(_words, loaded.problems)
        loaded.model.to(gpu.DEVICE)
        found[_free_name(loaded.name, found)] = loaded
    return Catalogue(found, tuple(problems))


def _words(problem: object) -> str:
    """A text that may hold a stranger's: short, and valid Unicode."""
    text = str(problem).encode("utf-8", "replace").decode()
    return text if len(text) <= PROBLEM_LETTERS else text[:PROBLEM_LETTERS] + "…"


def _free_name(name: str, taken: Mapping[str, Checkpoint]) -> str:
    """`name`, or `name-2` and so on where two checkpoints are called the same."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
