"""Checkpoint folders: config.json and model.safetensors, written whole and read strictly.

PyTorchModelHubMixin reads the same layout but accepts missing tensors and misspelt keys in
silence; here nothing is loaded that is not exactly what the configuration declares.
"""

import dataclasses
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from duet.core.checkout import SHIPPED as SHIPPED
from duet.core.errors import DuetError
from duet.core.files import FileError, read_object, sha256, write_json
from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from duet.models.base import LatentModel, ModelError
from duet.models.registry import MODELS
from duet.store import records
from duet.store.metrics import MetricsRecord
from duet.store.records import Record, RecordError
from duet.store.training import TrainingRecord

SCHEMA = 1
CONFIG, WEIGHTS, TRAINING, METRICS, PREVIEW, CARD = (
    "config.json", "model.safetensors", "training.json", "metrics.json", "preview.png", "README.md",
)
MAX_JSON_BYTES = 2**20
MAX_WEIGHT_BYTES = 2**30
MAX_WEIGHT = 1e6  # larger ones overflow to NaN within a few layers, and NaN draws black
MAX_BYTES = {  # every file that a checkpoint may have; others are never looked at
    CONFIG: MAX_JSON_BYTES, WEIGHTS: MAX_WEIGHT_BYTES, TRAINING: MAX_JSON_BYTES,
    METRICS: MAX_JSON_BYTES, PREVIEW: 2**24, CARD: MAX_JSON_BYTES,
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


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
    data: str
    class_names: tuple[str, ...]
    weights_sha256: str
    training: TrainingRecord | None = None
    metrics: MetricsRecord = field(default_factory=MetricsRecord)
    problems: tuple[str, ...] = ()

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


def save(
    folder: Path, model: LatentModel, *, name: str, data: str, class_names: tuple[str, ...]
) -> None:
    """Write config.json and model.safetensors of a registered model into an existing folder."""
    architecture = next(key for key, kind in MODELS.items() if type(model) is kind)
    save_tensors(folder / WEIGHTS, model.state_dict())
    write_json(
        folder / CONFIG,
        {
            "schema": SCHEMA,
            "name": name,
            "architecture": architecture,
            "config": dataclasses.asdict(model.config),
            "data": data,
            "class_names": list(class_names),
            "weights_sha256": sha256(folder / WEIGHTS),
        },
    )


def load(folder: Path, links_within: Path | None = None) -> Checkpoint:
    """Load a checkpoint folder. A link in it may lead only to somewhere below `links_within`, by
    default the folder itself: what it shows might be published.

    Raises CheckpointError where it is of an unknown architecture, or where weights and
    configuration do not agree to the last key, shape, type and bit.
    """
    _check_links(folder, links_within or folder.resolve())
    config = read_config(folder)
    model = _build(folder, config)
    _load_weights(folder / WEIGHTS, model, config["weights_sha256"])
    problems: list[str] = []
    return Checkpoint(
        name=config["name"],
        folder=folder,
        architecture=config["architecture"],
        model=model.eval().requires_grad_(False),
        data=config["data"],
        class_names=tuple(config["class_names"]),
        weights_sha256=config["weights_sha256"],
        training=_read_record(TrainingRecord, folder / TRAINING, problems),
        metrics=_read_record(MetricsRecord, folder / METRICS, problems) or MetricsRecord(),
        problems=tuple(problems),
    )


def _read_record(kind: type[Record], path: Path, problems: list[str]) -> Record | None:
    """A record, or None and one more of `problems`: it must not stop what is good beside it."""
    try:
        return records.read(kind, path)
    except RecordError as error:
        problems.append(str(error))
        return None


def read_config(folder: Path) -> dict[str, Any]:
    """config.json, its keys, names and architecture checked."""
    config = _read_object(folder / CONFIG)
    expected = {"schema", "name", "architecture", "config", "data", "class_names", "weights_sha256"}
    if config.get("schema") != SCHEMA or set(config) != expected:
        raise CheckpointError(
            f"{folder / CONFIG}: not a Duet checkpoint of schema {SCHEMA}; "
            f"missing {sorted(expected - set(config))}, unknown {sorted(set(config) - expected)}"
        )
    _check_texts(folder, config)
    if not isinstance(config["architecture"], str) or config["architecture"] not in MODELS:
        raise CheckpointError(
            f"{folder / CONFIG}: unknown architecture {config['architecture']!r:.100}; "
            f"known: {', '.join(MODELS)}"
        )
    return config


def shipped_names() -> list[str]:
    """Names of the checkpoints that came with the repository."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def weight_bytes(folder: Path) -> int:
    """How many bytes of tensors the configuration in a folder makes."""
    return _weight_bytes(_build(folder, read_config(folder)))


def _check_links(folder: Path, allowed: Path) -> None:
    for link in (folder / name for name in MAX_BYTES):
        if link.is_symlink() and not link.resolve().is_relative_to(allowed):
            raise CheckpointError(f"{link} is a link out of its folder; put a copy there")


def _weight_bytes(model: LatentModel) -> int:
    return sum(value.nbytes for value in model.state_dict().values())


def _read_object(path: Path) -> dict[str, Any]:
    try:
        return read_object(path, MAX_JSON_BYTES)
    except FileError as error:
        raise CheckpointError(str(error)) from error


def _check_texts(folder: Path, config: dict[str, Any]) -> None:
    for key in ("name", "data"):
        if not isinstance(config[key], str) or not NAME.fullmatch(config[key]):
            raise CheckpointError(f"{folder / CONFIG}: {key} must be a plain name")
    names = config["class_names"]
    if not isinstance(names, list) or not all(isinstance(n, str) and len(n) < 100 for n in names):
        raise CheckpointError(f"{folder / CONFIG}: class_names must be a list of short texts")


def _build(folder: Path, config: dict[str, Any]) -> LatentModel:
    """The network without storage, so that a hostile configuration costs nothing."""
    kind = MODELS[config["architecture"]]
    if not isinstance(config["config"], dict):
        raise CheckpointError(f"{folder / CONFIG}: config must be a JSON object")
    try:
        with torch.device("meta"), _NoInitialValues():
            model = kind(kind.Config.from_dict(config["config"]))
    except (ModelError, TypeError) as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from error
    if model.num_classes and len(config["class_names"]) != model.num_classes:
        raise CheckpointError(f"{folder / CONFIG}: {model.num_classes} class_names are wanted")
    return model


class _NoInitialValues(TorchFunctionMode):
    """Constructors leave their tensors as they are. The meta device has nothing to fill, and doing
    so would import torch's compiler: six seconds at the start of every program."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if getattr(func, "__module__", None) == "torch.nn.init" or func in _FILLING:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


_FILLING = (torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.zero_, torch.Tensor.fill_)


def _load_weights(path: Path, model: LatentModel, expected_sha256: str) -> None:
    """Compare the file's header with the network, then its hash, then read the tensors."""
    wanted = {key: (value.dtype, list(value.shape)) for key, value in model.state_dict().items()}
    header, data_bytes = _read_header(path)
    found = {key: (_DTYPES.get(entry["dtype"]), entry["shape"]) for key, entry in header.items()}
    if found != wanted or data_bytes != _weight_bytes(model):
        wrong = sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
        raise CheckpointError(
            f"{path} does not fit its configuration: {len(wrong)} tensors are missing, unknown or "
            f"of another shape, e.g. {wrong[:3]}"
        )
    if sha256(path) != expected_sha256:
        raise CheckpointError(f"{path} is not the file that {CONFIG} describes (SHA-256 differs)")
    try:
        tensors, _ = load_tensors(path)
    except TensorFileError as error:
        raise CheckpointError(str(error)) from error
    broken = [
        key for key, value in tensors.items()
        if value.is_floating_point() and not (value.abs() <= MAX_WEIGHT).all()
    ]
    if broken:
        raise CheckpointError(
            f"{path} holds values that are not finite, or beyond ±{MAX_WEIGHT:g} as no trained "
            f"network's are, in {broken[:3]}"
        )
    model.load_state_dict(tensors, strict=True, assign=True)


_DTYPES = {"F32": torch.float32, "I64": torch.int64}


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """A safetensors file's table of tensors, and how many bytes follow it."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if size > MAX_WEIGHT_BYTES or length > min(MAX_JSON_BYTES, size - 8):
                raise ValueError("its sizes are implausible")
            header = json.loads(file.read(length))
            if not all(isinstance(entry, dict) for entry in header.values()):
                raise ValueError("its table of tensors is of another form")
        header.pop("__metadata__", None)
        for entry in header.values():
            entry["shape"], _DTYPES.get(entry["dtype"])
    except (
        OSError, struct.error, ValueError, KeyError, TypeError, AttributeError, RecursionError,
    ) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    return header, size - 8 - length
