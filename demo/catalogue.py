"""The models on offer: those that $DUET_MODELS lists, or else the shipped ones, loaded once."""

import dataclasses
import os
import re
import shlex
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duet
from demo import gpu
from duet.store import checkpoint
from duet.store.checkpoint import Checkpoint, CheckpointError
from duet.store.config import DataRecord

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

    def datasets(self) -> dict[str, list[str]]:
        """The data sets that the models were made from, each by a title of its own, with the names
        of its models, in the order of the models."""
        found: dict[str, list[str]] = {}
        for name, loaded in self.checkpoints.items():
            for models in found.values():
                if _same(loaded.made_from, self.checkpoints[models[0]].made_from):
                    models.append(name)
                    break
            else:
                found[_free_name(loaded.made_from.title, found)] = [name]
        return found

    def class_names(self, models: Sequence[str] | None = None) -> tuple[str, ...]:
        """Every class that one of `models` knows, by default of all, in the order of the models."""
        shown = [self.checkpoints[name] for name in self.names if models is None or name in models]
        known = (c.class_names for c in shown if c.model.num_classes)
        return tuple(dict.fromkeys(name for names in known for name in names))

    def default_pair(self, dataset: str | None = None) -> tuple[str, str]:
        """Names for the left and the right, both of one data set, by default the first: a GAN and a
        VAE where there are such."""
        datasets = self.datasets()
        names = datasets[next(iter(datasets)) if dataset is None else dataset]
        left = self._first("adversarial", names)
        others = [name for name in names if name != left]
        return left, self._first("variational", others or [left])

    def _first(self, role: str, names: Sequence[str]) -> str:
        """The first of `names` that has that role, or else the first of all."""
        fitting = (n for n in names if self.checkpoints[n].model.role == role)
        return next(fitting, names[0])


def load() -> Catalogue:
    """What the environment asks for."""
    return load_sources(listed(os.environ.get(VARIABLE, "")) or checkpoint.shipped_names())


def listed(text: str) -> list[str]:
    """The sources that a variable lists, between blanks, commas or line ends. Quotes as in a shell
    hold a path with blanks together: `mnist-gan 'my models/cats'`."""
    lexer = shlex.shlex(text, posix=True)
    lexer.whitespace += ","
    lexer.whitespace_split = True
    lexer.commenters = lexer.escape = ""
    try:
        return [source for source in lexer if source]
    except ValueError:  # a quote without its partner is part of a name
        return [source for source in re.split(r"[,\s]+", text) if source]


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
        name = _free_name(loaded.name, found)  # by which captions and cards call it too
        found[name] = dataclasses.replace(loaded, name=name)
    return Catalogue(found, tuple(problems))


def _same(one: DataRecord, other: DataRecord) -> bool:
    """Whether two models saw the same pictures; by the name alone where one kept no more."""
    hashes = {one.images_sha256, other.images_sha256}
    return one.name == other.name and (len(hashes) == 1 or None in hashes)


def _words(problem: object) -> str:
    """A text that may hold a stranger's: short, and valid Unicode."""
    text = str(problem).encode("utf-8", "replace").decode()
    return text if len(text) <= PROBLEM_LETTERS else text[:PROBLEM_LETTERS] + "…"


def _free_name(name: str, taken: Container[str]) -> str:
    """`name`, or `name-2` and so on where two are called the same."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free
