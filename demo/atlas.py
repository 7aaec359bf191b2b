"""What the tab Latent space knows of a model: its directions, and maps of the encoder's latents of
held-out pictures. `python -m demo.atlas` writes that of the shipped models beside their
exported files; of others it is computed when it is asked for.

A map shows latents by their two principal components. It is a plane in latent space, so every place
in it is a latent: neighbour embeddings such as UMAP, which part the classes better, have no way
back. Where a model is told the class, its latents need not hold it, and all classes lie on one
heap; read as if all were of one class, they have to hold it, and part.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

import duet
from demo import facts, reconstruction
from demo.directions import REACH, directions
from demo.held_out import held_out
from duet.core import program
from duet.models.base import LatentModel
from duet.store import records
from duet.store.checkpoint import Checkpoint
from duet.store.records import STRICT, Digest, RecordError

ATLAS = "atlas.json"
DECIMALS = 4


@dataclass(frozen=True)
class Axis:
    """A direction of demo/directions.py."""

    __pydantic_config__ = STRICT

    vector: tuple[float, ...]
    name: str | None
    correlation: float | None


@dataclass(frozen=True)
class Map:
    """The latent at a place (x, y) is `mean` + x times the first of `axes` + y times the second.
    `places` are those of held-out pictures, `classes` theirs; they were read as class number
    `label`, or each as what it is where that is null."""

    __pydantic_config__ = STRICT

    label: int | None
    mean: tuple[float, ...]
    axes: tuple[tuple[float, ...], ...]
    places: tuple[tuple[float, float], ...]
    classes: tuple[int, ...]


@dataclass(frozen=True)
class Atlas:
    """`reach`: how many standard deviations a slider goes to either side. `maps`: none of a model
    that does not encode or whose latents are one number, or where no held-out picture is at hand.
    """

    __pydantic_config__ = STRICT

    weights_sha256: Digest
    reach: float
    directions: tuple[Axis, ...]
    maps: tuple[Map, ...]
    schema: int = 1


def compute(checkpoint: Checkpoint) -> Atlas:
    """The directions of its latent space, and the maps where it encodes."""
    axes = (
        Axis(_rounded(found.vector), found.name, found.correlation and round(found.correlation, 2))
        for found in directions(checkpoint.model)
    )
    return Atlas(checkpoint.weights_sha256, REACH, tuple(axes), tuple(_maps(checkpoint)))


def _maps(checkpoint: Checkpoint) -> list[Map]:
    """Each picture read as what it is, and all as the first class; one map without classes, none of
    a line."""
    model, pictures = checkpoint.model, held_out(checkpoint)
    if pictures is None or not reconstruction.encodes(model) or model.latent_dim < 2:
        return []
    images, labels = pictures.images, pictures.labels
    if not model.num_classes:
        return [_map(model, images, labels, 0)]
    return [_map(model, images, labels, label) for label in (0, None)]


def _map(
    model: LatentModel, images: torch.Tensor, classes: torch.Tensor, label: int | None
) -> Map:
    labels = classes if label is None else torch.full_like(classes, label)
    parts = zip(images.split(50), labels.split(50), strict=True)
    z = torch.cat([reconstruction.encode(model, *part) for part in parts])
    mean = z.mean(0)
    axes = torch.linalg.svd(z - mean, full_matrices=False).Vh[:2]
    places = ((z - mean) @ axes.T).tolist()
    return Map(
        label, _rounded(mean), tuple(map(_rounded, axes)),
        tuple((round(x, 2), round(y, 2)) for x, y in places), tuple(classes.tolist()),
    )


def _rounded(vector: torch.Tensor) -> tuple[float, ...]:
    return tuple(round(value, DECIMALS) for value in vector.tolist())


def stored(checkpoint: Checkpoint) -> Atlas | None:
    """That of a model from beside its exported file, where it has one."""
    folder = facts.folder_of(checkpoint, facts.exported())
    return None if folder is None else _read(folder, checkpoint)


def _read(folder: str, checkpoint: Checkpoint) -> Atlas | None:
    """What a folder below models/ holds, if it is of these weights."""
    try:
        found = records.read(Atlas, path_of(folder))
    except RecordError:
        return None
    return found if found and found.weights_sha256 == checkpoint.weights_sha256 else None


def path_of(folder: str) -> Path:
    """Where the atlas of an exported model is kept."""
    return facts.STAGE / facts.MODELS / folder / ATLAS


def make(checkpoint: Checkpoint) -> None:
    """Write a shipped model's atlas, unless what is there is of its weights."""
    if _read(checkpoint.name, checkpoint) is None:
        records.write(path_of(checkpoint.name), compute(checkpoint))


def write() -> None:
    """Write the atlas of every shipped model anew, and print the files."""
    for name in facts.exported():
        records.write(path_of(name), compute(duet.load(name)))
        print(path_of(name))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files; 0 done, 2 refused."""

    def work() -> int:
        tyro.cli(write, prog="python -m demo.atlas", description=__doc__, args=argv)
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
