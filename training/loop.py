"""THE loop: one for every recipe, read from top to bottom."""

import contextlib
import functools
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
import torch

from duet import data
from duet.core.checkout import git_commit
from duet.core.device import pick_device
from duet.core.domains import DOMAINS
from duet.core.files import replacing, write_json
from duet.core.lock import LOCK, locked
from duet.core.names import NAME
from duet.core.pixels import to_pil
from duet.models import LatentModel, ModelError
from training.config import TrainConfig, TrainingError
from training.log import RunLog, draw_curves, read_rows
from training.recipes import RECIPES
from training.record import preview, write_checkpoint
from training.state import Progress, load_state, save_state

STATE, LOG, CONFIG, SAMPLES, CURVES, CHECKPOINT = (
    "state.safetensors", "log.jsonl", "run.json", "samples.png", "curves.png", "checkpoint",
)


class Interrupted(Exception):
    """A signal stopped the run after a whole step; its number is in `signum`."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum


def train(config: TrainConfig, command: str) -> Path:
    """Train one recipe to the end and return its checkpoint folder.

    Raises TrainingError or DataError for settings that cannot work, before anything is written;
    TrainingError where a loss is not finite; Interrupted after Ctrl-C or SIGTERM, the state saved.
    """
    # Everything that can fail cheaply.
    folder = config.run_folder
    _check_folder(folder, config.resume)
    device = pick_device(config.device)
    images = data.load(config.data, "train", config.data_dir)
    domain = DOMAINS[images.domain]
    if config.batch_size > len(images):
        raise TrainingError(
            f"--batch-size {config.batch_size} is more than the {len(images)} images "
            f"of {config.data}"
        )

    # Networks, all random numbers from the seed.
    torch.manual_seed(step_seed(config.seed, step=-1))
    try:
        build = RECIPES[config.recipe].objective
        objective = build(config, images.image_shape, len(images.class_names))
    except ModelError as error:
        reason = f"--data {config.data} does not suit {config.recipe}: {error}"
        raise TrainingError(reason) from error
    objective.to(device=device, memory_format=torch.channels_last)
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        _check_folder(folder, config.resume)  # once more: another run may have been quicker
        progress = load_state(folder / STATE, objective, config) if config.resume else Progress()
        if progress.step > config.steps:
            already = f"{folder} is already at step {progress.step}"
            raise TrainingError(f"--steps {config.steps}: {already}")

        origin = {"command": command, "git_commit": git_commit()}  # as it is now, not at the end
        write_json(folder / CONFIG, {**origin, **config.to_json()})
        pixels, labels = images.images.to(device), images.labels.to(device)
        log = RunLog(folder / LOG, progress, config.steps, config.batch_size)
        with _stop_signals() as stop, contextlib.closing(log):
            while True:
                # Maintenance comes first, so that step 0 and the last one are treated alike.
                done = log.step == config.steps
                last = done or bool(stop)  # asked once: a signal may come between two looks
                if last or log.step % config.save_every == 0:
                    log.flush()
                    save_state(folder / STATE, objective, config, log.progress)
                    _save_pictures(folder, objective.shipped)
                if last:
                    break

                # One step. Its random numbers are its own, whatever came before.
                torch.manual_seed(step_seed(config.seed, log.step))
                chosen = batch_indices(config.seed, log.step, config.batch_size, len(images))
                chosen = chosen.to(device)
                log.add(objective.step(log.step, domain.to_network(pixels[chosen]), labels[chosen]))

        if not done:
            raise Interrupted(
                f"stopped at step {log.step} of {config.steps}, all saved in {folder}; "
                "go on with the same command and --resume", stop[0],
            )
        write_checkpoint(
            folder / CHECKPOINT, objective.shipped, config, images, origin=origin,
            progress=log.progress, rows=read_rows(folder / LOG),
        )
        return folder / CHECKPOINT


def step_seed(seed: int, step: int) -> int:
    """The seed of one step's random numbers (step -1: of the initial weights)."""
    state = np.random.SeedSequence([seed, step + 1]).generate_state(1, np.uint64)
    return int(state[0])


def batch_indices(seed: int, step: int, batch_size: int, count: int) -> torch.Tensor:
    """Which images step number `step` sees: int64 [batch_size].

    The data are one endless stream, a fresh permutation of all images after the other; batches
    are cut from it without regard to where a permutation ends.
    """
    position = torch.arange(step * batch_size, (step + 1) * batch_size)
    epochs = torch.div(position, count, rounding_mode="floor")
    chosen = torch.empty_like(position)
    for epoch in epochs.unique().tolist():
        inside = epochs == epoch
        chosen[inside] = _permutation(seed, epoch, count)[position[inside] - epoch * count]
    return chosen


@functools.lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, count: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng([seed, epoch]).permutation(count))


def _check_folder(folder: Path, resume: bool) -> None:
    if not NAME.fullmatch(folder.resolve().name):
        raise TrainingError(
            f"--out {folder}: its last part becomes the model's name and may hold letters, digits, "
            "'.', '_' and '-' only"
        )
    state = folder / STATE
    if resume and not state.exists():
        raise TrainingError(f"--resume: there is no {STATE} in {folder}")
    if not resume and state.exists():
        raise TrainingError(
            f"--out {folder} holds another run; go on with it by --resume, or choose another --out"
        )
    others = set(os.listdir(folder)) - {LOCK} if folder.is_dir() else set()
    if (folder.exists() and not folder.is_dir()) or (others and not resume):
        raise TrainingError(f"--out {folder} exists and is not empty; choose another")


def _save_pictures(folder: Path, model: LatentModel) -> None:
    with replacing(folder / SAMPLES) as scratch:
        to_pil(preview(model), scale=3).save(scratch)
    draw_curves(read_rows(folder / LOG), folder / CURVES)


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """A list that Ctrl-C or SIGTERM adds its number to; a second one ends the process at once."""
    stop: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if stop:
            raise Interrupted("stopped at once, the last steps not saved", signum)
        stop.append(signum)
        print("\nstopping after this step; once more to quit at once", file=sys.stderr)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, note) for number in signals]
    try:
        yield stop
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
