"""The whole training state in one safetensors file: networks, averages, Adam's moments, the step.

No random state is in it: every step's is derived from (seed, step), so that a resumed run goes on
bit for bit as an unbroken one.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from duet.core.tensors import TensorFileError, load_tensors, save_tensors
from training.config import TrainConfig, TrainingError, flag
from training.objective import Objective


@dataclass(frozen=True)
class Progress:
    """How far a run is: steps done, and the seconds they took over all its sittings."""

    step: int = 0
    seconds: float = 0.0


def save_state(path: Path, objective: Objective, config: TrainConfig, progress: Progress) -> None:
    tensors = {f"network.{key}": value for key, value in objective.state_dict().items()}
    for name, optimizer in objective.optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"optimizer.{name}.{index}.{key}"] = value
    about = {"recipe": config.weight_settings(), "step": progress.step, "seconds": progress.seconds}
    save_tensors(path, tensors, {"duet": json.dumps(about)})


def load_state(path: Path, objective: Objective, config: TrainConfig) -> Progress:
    """Put a saved state into `objective`; TrainingError where it is of another configuration."""
    try:
        tensors, texts = load_tensors(path)
        about = json.loads(texts["duet"])
    except (TensorFileError, KeyError) as error:
        raise TrainingError(f"--resume: {path} holds no training state ({error})") from error
    _check_same(about["recipe"], config, path)
    networks = {key: value for key, value in tensors.items() if key.startswith("network.")}
    objective.load_state_dict({key.removeprefix("network."): v for key, v in networks.items()})
    for name, optimizer in objective.optimizers.items():
        _load_optimizer(optimizer, f"optimizer.{name}.", tensors)
    return Progress(about["step"], about["seconds"])


def _load_optimizer(
    optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, torch.Tensor]
) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix):
            index, moment = key.removeprefix(prefix).split(".")
            state.setdefault(int(index), {})[moment] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _check_same(saved: dict[str, Any], config: TrainConfig, path: Path) -> None:
    now = config.weight_settings()
    differing = [key for key in saved | now if saved.get(key) != now.get(key)]
    if differing:
        was = " ".join(f"{flag(key)} {saved.get(key)}" for key in differing)
        raise TrainingError(
            f"--resume: {path.parent} was trained with {was}; pass the same, or another --out"
        )
