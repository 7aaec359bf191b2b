"""model.json: what is known of an exported model before anything large is fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from duet.store import records
from duet.store.checkpoint import Checkpoint
from duet.store.config import ClassName
from duet.store.records import STRICT, Count, Digest, Line, Name, RecordError, Word

ABOUT = "model.json"


@dataclass(frozen=True)
class File:
    """An ONNX file: its size and SHA-256, and in words what each of its tensors is."""

    __pydantic_config__ = STRICT

    name: Name
    bytes: Count
    sha256: Digest
    inputs: dict[Word, Line]
    outputs: dict[Word, Line]


@dataclass(frozen=True)
class About:
    """`files`: "decoder", and "encoder" where the model encodes. `weights_sha256` says which
    checkpoint they were made from."""

    __pydantic_config__ = STRICT

    name: Name
    architecture: Word
    title: Line
    role: Word
    data: Name
    domain: Word
    weights_sha256: Digest
    latent_dim: Count
    image_shape: tuple[Count, Count, Count]
    num_classes: Count
    class_names: Annotated[tuple[ClassName, ...], Field(max_length=10_000)]
    files: dict[Literal["decoder", "encoder"], File]
    schema: Literal[1] = 1

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "About":
        """The facts of a checkpoint that no file has been written of yet."""
        model = checkpoint.model
        return cls(
            name=checkpoint.name, architecture=checkpoint.architecture, title=model.title,
            role=model.role, data=checkpoint.data, domain=model.config.domain,
            weights_sha256=checkpoint.weights_sha256, latent_dim=model.latent_dim,
            image_shape=model.image_shape, num_classes=model.num_classes,
            class_names=checkpoint.class_names, files={},
        )


def read(folder: Path) -> About:
    """What `model.json` in a folder says; RecordError where there is none, or another thing."""
    about = records.read(About, folder / ABOUT)
    if about is None:
        raise RecordError(f"there is no {folder / ABOUT}; python -m training export writes it")
    return about
