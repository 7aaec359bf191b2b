"""Checkpoint folders: config.json and model.safetensors, written whole and read strictly, and the
records beside them. Nothing is loaded that is not exactly what the configuration declares."""

import dataclasses
import os
from dataclasses import dataclass, field
from pathlib import Path

import torch

from duet.core.checkout import SHIPPED as SHIPPED
from duet.core.errors import DuetError
from duet.core.files import MOST_JSON_BYTES, sha256
from duet.core.names import NAME
from duet.core.tensors import TensorFileError, save_tensors
from duet.data import DATASETS
from duet.models import MODELS, LatentModel, ModelError
from duet.store import evolution, neighbours, records
from duet.store.config import ConfigRecord, DataRecord
from duet.store.evolution import Sheet
from duet.store.metrics import MetricsRecord
from duet.store.neighbours import Neighbours
from duet.store.records import Record, RecordError
from duet.store.training import TrainingRecord
from duet.store.weights import (
    MAX_WEIGHT_BYTES,
    WeightsError,
    load_weights,
    tensor_bytes,
    without_storage,
)

CONFIG, WEIGHTS, TRAINING, METRICS, PREVIEW, EVOLUTION, NEIGHBOURS, CARD = (
    "config.json", "model.safetensors", "training.json", "metrics.json", "preview.png",
    "evolution.png", "neighbours.png", "README.md",
)
MAX_BYTES = {  # every file that a checkpoint may have; others are never looked at
    CONFIG: MOST_JSON_BYTES, WEIGHTS: MAX_WEIGHT_BYTES, TRAINING: MOST_JSON_BYTES,
    METRICS: MOST_JSON_BYTES, PREVIEW: 2**24, EVOLUTION: 2**24, NEIGHBOURS: 2**24,
    CARD: MOST_JSON_BYTES,
}


class CheckpointError(DuetError):
    """A checkpoint is absent or not what it says it is; the message names it and the mend."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: the model in eval mode on the CPU, and what its folder says of it. A
    record that cannot be read is left out, and `problems` says so in words."""

    name: str
    folder: Path
    architecture: str
    model: LatentModel
    made_from: DataRecord
    weights_sha256: str
    training: TrainingRecord | None = None
    metrics: MetricsRecord = field(default_factory=MetricsRecord)
    evolution: Sheet | None = None
    neighbours: Neighbours | None = None
    problems: tuple[str, ...] = ()

    @property
    def data(self) -> str:
        """Its data set's name."""
        return self.made_from.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Its data set's classes, which the model knows where its `num_classes` is not 0."""
        return self.made_from.class_names

    def sample(
        self, count: int, *, seed: int = 0, first: int = 0, label: int | None = None,
        truncation: float = 1.0,
    ) -> torch.Tensor:
        """`LatentModel.sample` of its model: uint8 [count, C, H, W]."""
        return self.model.sample(
            count, seed=seed, first=first, label=label, truncation=truncation
        )

    @property
    def parameters(self) -> int:
        """How many numbers the weights file holds."""
        return sum(tensor.numel() for tensor in self.model.state_dict().values())

    def check_records(self) -> None:
        """Raise CheckpointError where a record was left out: what works on it must not go on."""
        if self.problems:
            raise CheckpointError("; ".join(self.problems))


def save(folder: Path, model: LatentModel, *, name: str, made_from: DataRecord) -> None:
    """Write config.json and model.safetensors of a registered model into an existing folder."""
    architecture = next(key for key, kind in MODELS.items() if type(model) is kind)
    save_tensors(folder / WEIGHTS, model.state_dict())
    record = ConfigRecord(
        name=name, architecture=architecture, config=dataclasses.asdict(model.config),
        data=made_from, weights_sha256=sha256(folder / WEIGHTS),
    )
    records.write(folder / CONFIG, record)


def load(folder: Path, links_within: Path | None = None) -> Checkpoint:
    """Load a checkpoint folder. A link in it may lead only to somewhere below `links_within`, by
    default the folder itself: what it shows might be published.

    Raises CheckpointError where it is of an unknown architecture, or where weights and
    configuration do not agree to the last key, shape, type and bit.
    """
    _check_links(folder, links_within or folder.resolve())
    config = read_config(folder)
    model = _build(folder, config)
    try:
        load_weights(folder / WEIGHTS, model, config.weights_sha256)
    except (WeightsError, TensorFileError) as error:
        raise CheckpointError(str(error)) from error
    problems: list[str] = []
    training = _read_record(TrainingRecord, folder / TRAINING, problems)
    return Checkpoint(
        name=config.name,
        folder=folder,
        architecture=config.architecture,
        model=model.eval().requires_grad_(False),
        made_from=config.data,
        weights_sha256=config.weights_sha256,
        training=training,
        metrics=_read_record(MetricsRecord, folder / METRICS, problems) or MetricsRecord(),
        evolution=_read_evolution(folder / EVOLUTION, training, model, problems),
        neighbours=_read_neighbours(folder / NEIGHBOURS, model, config, problems),
        problems=tuple(problems),
    )


def _read_record(kind: type[Record], path: Path, problems: list[str]) -> Record | None:
    """A record, or None and one more of `problems`: it must not stop what is good beside it."""
    try:
        return records.read(kind, path)
    except RecordError as error:
        problems.append(str(error))
        return None


def _read_evolution(
    path: Path, training: TrainingRecord | None, model: LatentModel, problems: list[str]
) -> Sheet | None:
    """The sheet of the run that `training` tells of, or None and one more of `problems`."""
    try:
        sheet = evolution.read(path)
        if sheet is not None:
            evolution.check(path, sheet, training.evolution if training else (), model)
        return sheet
    except RecordError as error:
        problems.append(str(error))
        return None


def _read_neighbours(
    path: Path, model: LatentModel, config: ConfigRecord, problems: list[str]
) -> Neighbours | None:
    """The sheet of these weights, or None and one more of `problems`."""
    try:
        return neighbours.read(path, model, config.weights_sha256)
    except RecordError as error:
        problems.append(str(error))
        return None


def read_config(folder: Path) -> ConfigRecord:
    """config.json, of whatever schema, its architecture a known one."""
    path = folder / CONFIG
    try:
        config = records.read(ConfigRecord, path)
    except RecordError as error:
        raise CheckpointError(str(error)) from error
    if config is None:
        raise CheckpointError(f"there is no {path}")
    if config.architecture not in MODELS:
        raise CheckpointError(
            f"{path}: unknown architecture {config.architecture!r}; known: {', '.join(MODELS)}"
        )
    return config


def weight_bytes(folder: Path) -> int:
    """How many bytes of tensors the configuration in a folder makes."""
    return tensor_bytes(_build(folder, read_config(folder)))


def is_shipped(name: str) -> bool:
    """Whether a checkpoint of that name came with the repository."""
    return NAME.fullmatch(name) is not None and (SHIPPED / name / CONFIG).is_file()


def shipped_names() -> list[str]:
    """Names of the checkpoints that came with the repository, by data set as DATASETS has them; in
    the end those that cannot be read, as `load` then says."""
    order = {name: place for place, name in enumerate(DATASETS)}

    def place(name: str) -> int:
        try:
            return order.get(read_config(SHIPPED / name).data.name, len(order))
        except CheckpointError:
            return len(order) + 1

    found = (path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    return sorted(found, key=lambda name: (place(name), name))


def _check_links(folder: Path, allowed: Path) -> None:
    for link in (folder / name for name in MAX_BYTES):
        if not Path(os.path.realpath(link)).is_relative_to(allowed):
            raise CheckpointError(f"{link} is a link out of its folder; put a copy there")


def _build(folder: Path, config: ConfigRecord) -> LatentModel:
    """The network, its tensors without storage."""
    kind = MODELS[config.architecture]
    try:
        model = without_storage(kind, kind.Config.from_dict(config.config))
    except (ModelError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    if model.num_classes and len(config.data.class_names) != model.num_classes:
        raise CheckpointError(f"{folder / CONFIG}: {model.num_classes} class_names are wanted")
    return model
