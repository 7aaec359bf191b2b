"""The whole training state in one safetensors file: networks, averages, Adam's moments, the step.

No random state is in it: every step's is derived from (seed, step), so that a resumed run goes on
as an unbroken one, bit for bit where it computes with as many threads.
"""

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field

from duet.core import ranks
from duet.core.files import JsonError, parse_json
from duet.core.optimizers import load_moments, make_moments, moments_of
from duet.core.tensors import TensorFileError, load_tensors, misfits, save_tensors
from duet.store import records
from duet.store.records import STRICT, Count, RecordError, Setting, Word
from duet.store.training import Steps
from training.altered import ALTERED
from training.config import TrainConfig, TrainingError, flag
from training.objective import Objective

ABOUT = "duet"  # the text of a state file that holds a StateRecord
A_CENTURY = 3.2e9  # seconds


@dataclass(frozen=True)
class Progress:
    """How far a run is: steps done, the seconds they took over all its sittings, and the steps at
    which numbers were not finite and it went back."""

    step: int = 0
    seconds: float = 0.0
    retries: tuple[int, ...] = ()


@dataclass(frozen=True)
class StateRecord:
    """What a state file says of its tensors. `recipe`: the settings that decide the weights."""

    __pydantic_config__ = STRICT

    recipe: Annotated[dict[Word, Setting], Field(max_length=100)]
    step: Count
    seconds: Annotated[float, Field(ge=0, le=A_CENTURY)]
    threads: Count | None = None  # of the CPU that computed it
    retries: Steps = ()
    processes: Count = 1


def save_state(path: Path, objective: Objective, config: TrainConfig, progress: Progress) -> None:
    """Replace the state; TrainingError where it is not finite, which no later loss has told yet."""
    tensors = _tensors(objective)
    if broken := [key for key, value in tensors.items() if not value.isfinite().all()]:
        raise TrainingError(
            f"no longer finite at step {progress.step}: {broken[:3]}; try a lower --learning-rate "
            "or --precision float32. The last good state is kept in the run folder"
        )
    record = StateRecord(
        config.weight_settings(), progress.step, progress.seconds, torch.get_num_threads(),
        progress.retries, ranks.count(),
    )
    save_tensors(path, tensors, {ABOUT: json.dumps(dataclasses.asdict(record))})


def load_state(path: Path, objective: Objective, config: TrainConfig) -> Progress:
    """Put a saved state into `objective`. TrainingError where it is damaged, incomplete or of
    another configuration: then `objective` is not to be used."""
    record, tensors = _read(path)
    _check_same(record.recipe, config, path)
    for optimizer in objective.optimizers.values():
        optimizer.state.clear()  # of a run that goes back
        if record.step:
            make_moments(optimizer)
    _check_tensors(path, tensors, _tensors(objective), record.step)
    networks = {key: value for key, value in tensors.items() if key.startswith("network.")}
    objective.load_state_dict({key.removeprefix("network."): v for key, v in networks.items()})
    for name, optimizer in objective.optimizers.items():
        load_moments(optimizer, f"optimizer.{name}", tensors)
    _warn_of_others(record, objective)
    return Progress(record.step, record.seconds, record.retries)


def _tensors(objective: Objective) -> dict[str, torch.Tensor]:
    """All that is kept: network.KEY, and optimizer.NAME.INDEX.MOMENT."""
    tensors = {f"network.{key}": value for key, value in objective.state_dict().items()}
    for name, optimizer in objective.optimizers.items():
        tensors |= moments_of(optimizer, f"optimizer.{name}")
    return tensors


def _read(path: Path) -> tuple[StateRecord, dict[str, torch.Tensor]]:
    try:
        tensors, texts = load_tensors(path)
        return records.validate(StateRecord, parse_json(texts[ABOUT].encode())), tensors
    except (TensorFileError, JsonError, RecordError, KeyError, AttributeError) as error:
        raise TrainingError(
            f"--resume: {path} holds no training state that this version of Duet knows ({error})"
        ) from error


def _check_tensors(
    path: Path, tensors: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], step: int
) -> None:
    """TrainingError unless the tensors are those wanted, finite, and of `step`."""
    if wrong := misfits(tensors, wanted):
        raise TrainingError(
            f"--resume: {path} does not fit its recipe: {len(wrong)} tensors are missing, unknown, "
            f"or of another shape or type, e.g. {wrong[:3]}. Was it saved by another version of "
            "Duet? run.json beside it names the commit"
        )
    broken = [
        key for key, value in tensors.items()
        if not value.isfinite().all() or (key.endswith(".step") and value.item() != step)
    ]
    if broken:
        raise TrainingError(
            f"--resume: {path} is damaged: not finite, or of another step, are {broken[:3]}"
        )


def _check_same(saved: dict[str, Any], config: TrainConfig, path: Path) -> None:
    now = config.weight_settings()
    # What it does not know, or leaves open, had no other value when it was saved; images were left
    # as they are then.
    known = {key: getattr(TrainConfig, key) for key in ALTERED} | saved
    differing = [
        key for key, was in known.items()
        if was != now.get(key) and (was is not None or key in ALTERED)
    ]
    if differing:
        was = " ".join(
            f"no {flag(key)}" if known[key] is None else f"{flag(key)} {known[key]}"
            for key in differing
        )
        raise TrainingError(
            f"--resume: {path.parent} was trained with {was}; pass the same, or another --out"
        )


def _warn_of_others(record: StateRecord, objective: Objective) -> None:
    """A warning and no refusal: a run may move to a machine with other cores, or to other
    processes, and is then as good, but no longer the same to the last bit."""
    if record.processes != (count := ranks.count()):
        print(
            f"warning: computed by {record.processes} processes until now, by {count} from here: "
            "the weights will differ from those of a run that had as many throughout",
            file=sys.stderr,
        )
    threads = torch.get_num_threads()
    on_cpu = next(objective.parameters()).device.type == "cpu"
    if on_cpu and record.threads not in (None, threads):
        print(
            f"warning: computed with {record.threads} threads until now, {threads} from here: the "
            "weights will differ in their last bits from an unbroken run's; "
            f"OMP_NUM_THREADS={record.threads} keeps them", file=sys.stderr,
        )
