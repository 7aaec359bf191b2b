"""The only door to safetensors: files of named tensors and short texts, no code in them."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from duet.core.errors import DuetError
from duet.core.files import parse_json, replacing


class TensorFileError(DuetError):
    """A file of tensors is absent, damaged, or lacks what is asked of it."""


def save_tensors(
    path: Path, tensors: dict[str, torch.Tensor], about: dict[str, str] | None = None
) -> None:
    """Write tensors, from any device and in any memory format, whole or not at all; else
    TensorFileError."""
    # One text: safetensors writes several in an order that changes from run to run, and with it the
    # file's hash.
    texts = {"about": json.dumps(about, sort_keys=True)} if about else None
    plain = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    with replacing(path) as scratch:
        try:
            save_file(plain, scratch, metadata=texts)
        except SafetensorError as error:  # of a full disk too, which it does not call an OSError
            raise TensorFileError(f"{path} cannot be written: {error}") from error


def misfits(
    found: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]
) -> list[str]:
    """The names, sorted, that only one side has, or of which shape or type differ."""
    forms = [
        {key: (value.dtype, value.shape) for key, value in side.items()} for side in (found, wanted)
    ]
    return sorted(
        key for key in forms[0].keys() | forms[1].keys() if forms[0].get(key) != forms[1].get(key)
    )


def load_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """A file's tensors, on the CPU, and its texts."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # no dict
            about = parse_json((file.metadata() or {}).get("about", "{}").encode())
    except (SafetensorError, OSError, ValueError) as error:
        raise TensorFileError(f"{path} cannot be read: {error}") from error
    if not isinstance(about, dict):
        raise TensorFileError(f"{path} cannot be read: its texts are no JSON object")
    return tensors, about
