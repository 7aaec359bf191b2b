"""model.safetensors: read only where it is, to the last key, shape, type and bit, what its
configuration declares.

PyTorchModelHubMixin reads the same layout but accepts missing tensors and misspelt keys in
silence.
"""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from duet.core.errors import DuetError
from duet.core.files import parse_json, sha256
from duet.core.tensors import load_tensors
from duet.models import LatentModel, ModelConfig

MAX_HEADER_BYTES = 2**20
MAX_WEIGHT_BYTES = 2**30
MAX_WEIGHT = 1e6  # larger ones overflow to NaN within a few layers, and NaN draws black
DTYPES = {"F32": torch.float32, "I64": torch.int64}


class WeightsError(DuetError):
    """A weights file is not what its configuration declares; the message names it."""


def without_storage(kind: type[LatentModel], config: ModelConfig) -> LatentModel:
    """A network whose tensors have shapes and no memory, so that a hostile configuration costs
    nothing."""
    with torch.device("meta"), _NoInitialValues():
        return kind(config)


class _NoInitialValues(TorchFunctionMode):
    """Constructors leave their tensors as they are. The meta device has nothing to fill, and doing
    so would import torch's compiler: six seconds at the start of every program."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if getattr(func, "__module__", None) == "torch.nn.init" or func in _FILLING:
            return args[0] if args else named["tensor"]
        return func(*args, **named)


_FILLING = (torch.Tensor.normal_, torch.Tensor.uniform_, torch.Tensor.zero_, torch.Tensor.fill_)


def tensor_bytes(model: LatentModel) -> int:
    """How many bytes a network's tensors take."""
    return sum(value.nbytes for value in model.state_dict().values())


def load_weights(path: Path, model: LatentModel, expected_sha256: str) -> None:
    """Compare the file's header with the network, then its hash, then read the tensors into it.
    Raises WeightsError."""
    wanted = {key: (value.dtype, list(value.shape)) for key, value in model.state_dict().items()}
    header, data_bytes = _read_header(path)
    found = {key: (DTYPES.get(entry["dtype"]), entry["shape"]) for key, entry in header.items()}
    if found == wanted and data_bytes != tensor_bytes(model):
        raise WeightsError(
            f"{path} does not fit its configuration: it holds {data_bytes} bytes of tensors "
            f"instead of {tensor_bytes(model)}"
        )
    if found != wanted:
        wrong = sorted(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
        raise WeightsError(
            f"{path} does not fit its configuration: {len(wrong)} tensors are missing, unknown or "
            f"of another shape, e.g. {wrong[:3]!r:.300}"
        )
    if sha256(path) != expected_sha256:
        raise WeightsError(f"{path} is not the file that its configuration names (SHA-256 differs)")
    tensors, _ = load_tensors(path)
    broken = [
        key for key, value in tensors.items()
        if value.is_floating_point() and not (value.abs() <= MAX_WEIGHT).all()
    ]
    if broken:
        raise WeightsError(
            f"{path} holds values that are not finite, or beyond ±{MAX_WEIGHT:g} as no trained "
            f"network's are, in {broken[:3]}"
        )
    model.load_state_dict(tensors, assign=True)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """A safetensors file's table of tensors, and how many bytes follow it."""
    try:
        if not path.is_file():  # a pipe would be waited on for ever
            raise ValueError("it is absent, or no file")
        size = path.stat().st_size
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if size > MAX_WEIGHT_BYTES or length > MAX_HEADER_BYTES:
                raise ValueError("its sizes are implausible")
            header = parse_json(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its table of tensors is of another form")
        header.pop("__metadata__", None)
        for entry in header.values():
            if not isinstance(entry["dtype"], str) or not isinstance(entry["shape"], list):
                raise ValueError("its table of tensors is of another form")
    except (OSError, struct.error, ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is not a readable safetensors file: {error}") from error
    return header, size - 8 - length
