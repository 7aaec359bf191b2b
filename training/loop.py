"""THE loop: one for every recipe, read from top to bottom."""

import contextlib
import dataclasses
import signal
from collections.abc import Sequence
from pathlib import Path

import torch

from duet import data
from duet.core import ranks
from duet.core.device import pick_device
from duet.core.domains import DOMAINS
from duet.core.files import replacing
from duet.core.stop import Interrupted, stop_signals
from duet.models import LatentModel, ModelError
from duet.store import records
from duet.store.config import DataRecord
from duet.store.run import LogRow, RunRecord, read_log
from training import processes
from training.altered import altered
from training.config import TrainConfig, TrainingError
from training.driver import train_step
from training.evolution import Evolution
from training.folder import (
    CHECKPOINT,
    CURVES,
    EVOLUTION,
    LOG,
    RUN,
    SAMPLES,
    STATE,
    check_folder,
    working_in,
)
from training.health import NotFiniteError
from training.log import RunLog, draw_curves
from training.objective import Objective
from training.randomness import batch_indices, noise_seed, weights_seed
from training.recipes import RECIPES
from training.record import data_record, run_record, save_preview, write_checkpoint
from training.scoring import ScoreLog
from training.state import Progress, load_state, save_state
from training.trackers import check_tracker, telling


def train(config: TrainConfig, command: str) -> Path:
    """Train one recipe to the end and return its checkpoint folder.

    Raises a DuetError for whatever cannot work, settings, data, device, folder or what is in it,
    before anything there is changed; TrainingError where a loss is not finite or the folder can no
    longer be written, the last state kept; Interrupted after Ctrl-C or SIGTERM, the state saved.
    """
    # Everything that can fail cheaply.
    folder = config.run_folder
    rank, world, main = ranks.rank(), ranks.count(), ranks.is_main()
    if main:  # the one that writes
        check_folder(folder, config.resume)
        check_tracker(config.log_with)
    config = config.resolved()
    device = pick_device(config.device)
    with processes.main_first():
        images = data.load(
            config.data, "train", config.data_dir, image_size=config.image_size,
            colour=config.colour, skip_broken=config.skip_broken,
        ).as_taught()
    made_from = data_record(images, config)
    images = altered(images, config)
    config = _as_it_began(config.suited(images), made_from)
    _check_batch(config, len(images))
    processes.check_batch(config)
    domain = DOMAINS[images.domain]

    # Networks, all random numbers from the seed.
    torch.manual_seed(weights_seed(config.seed))
    try:
        build = RECIPES[config.recipe].objective
        objective = build(config, images.image_shape, len(images.class_names), images.domain)
    except ModelError as error:
        reason = f"--data {config.data} does not suit {config.recipe}: {error}"
        raise TrainingError(reason) from error
    objective.to(device=device, memory_format=torch.channels_last)
    processes.normalise_together(objective)
    with working_in(folder, config.resume) if main else contextlib.nullcontext():
        # What is there is judged before any of it is replaced.
        rows: Sequence[LogRow] = ()
        progress = Progress()
        if config.resume:
            progress, rows = _load_run(folder, objective, config, made_from)
        run = run_record(config, command, made_from)  # as it is now, not at the end
        scores = ScoreLog(folder, config, progress.step)
        evolution = Evolution(folder / EVOLUTION, progress.step)
        processes.wait()  # until all have read what was there
        if main:
            records.write(folder / RUN, run)

        def checkpoint_in(place: Path) -> None:
            write_checkpoint(
                place, objective.shipped, config, made_from, images=len(images), run=run,
                progress=log.progress, rows=log.rows, scores=scores.rows, evolution=evolution,
            )

        pixels, labels = images.images.to(device), images.labels.to(device)
        tracker = config.log_with if main else None
        with stop_signals() as stop, telling(tracker, folder, progress.step) as tell, \
                contextlib.closing(RunLog(
                    folder / LOG if main else None, rows, progress, config.steps,
                    config.batch_size, tell,
                )) as log:
            while True:
                try:
                    # Maintenance comes first, so that step 0 and the last one are treated alike.
                    if main:
                        evolution.see(log.step, objective.shipped)
                    done = log.step == config.steps
                    # Asked once: a signal may come between two looks.
                    last = done or processes.agreed(bool(stop), log.step)
                    due = scores.is_due(log.step) and (done or not last)
                    if last or due or log.step % config.save_every == 0:
                        log.flush()
                        if main:
                            # Before the state: no row is missing where a run goes on from it.
                            evolution.write(log.step, objective.shipped)
                            save_state(folder / STATE, objective, config, log.progress)
                            if due and not scores.has(log.step):
                                with log.off_the_clock():
                                    log.say(scores.measure(log.progress, checkpoint_in))
                                    tell(log.step, scores.rows[-1].losses)
                            _save_pictures(folder, objective.shipped, log.rows, scores.rows)
                    elif config.show_every and log.step % config.show_every == 0:
                        log.flush()
                        if main:
                            evolution.write(log.step, objective.shipped)
                    if last:
                        break

                    # One step. Its random numbers are its own, whatever came before.
                    attempt = len(log.retries)
                    torch.manual_seed(noise_seed(config.seed, log.step, attempt=attempt))
                    chosen = batch_indices(
                        config.seed, log.step, config.batch_size, len(images), rank, world, attempt
                    ).to(device)
                    told = train_step(
                        objective, log.step, domain.to_network(pixels[chosen]), labels[chosen],
                        own_seed=noise_seed(config.seed, log.step, rank, attempt) if rank else None,
                        parts=config.accumulate,
                    )
                    log.add(told)
                except NotFiniteError as error:
                    _go_back(error, folder / STATE, objective, config, log)
                    scores.go_back(log.step)
                    evolution.go_back(log.step)

        if not done:
            raise Interrupted(
                f"stopped at step {log.step} of {config.steps}, all saved in {folder}; "
                "go on with the same command and --resume", stop[0] if stop else signal.SIGTERM,
            )
        if main:
            checkpoint_in(folder / CHECKPOINT)
        return folder / CHECKPOINT


def _as_it_began(config: TrainConfig, made_from: DataRecord) -> TrainConfig:
    """A suited configuration; that of a run which goes on calls its pictures as it did at first,
    where they are the same and only their folder is called otherwise now."""
    before = records.read(RunRecord, config.run_folder / RUN) if config.resume else None
    if before is None or before.data is None or made_from.images_sha256 is None:
        return config
    same = [(data.images_sha256, data.class_names) for data in (before.data, made_from)]
    if same[0] != same[1]:
        return config
    return dataclasses.replace(config, data=str(before.settings["data"]))


def _check_batch(config: TrainConfig, images: int) -> None:
    """Refused and not made smaller: a batch's size decides the weights, and whoever asks for one,
    or compares two runs of it, shall get it."""
    if config.batch_size > images:
        fitting = 2 ** (images.bit_length() - 1)
        raise TrainingError(
            f"--batch-size {config.batch_size} is more than the {images} images of {config.data} "
            f"to train on; pass --batch-size {fitting}, or add pictures"
        )


def _load_run(
    folder: Path, objective: Objective, config: TrainConfig, made_from: DataRecord
) -> tuple[Progress, Sequence[LogRow]]:
    """What the sittings before left: the state, put into `objective`, and the log."""
    before = records.read(RunRecord, folder / RUN)
    if before is not None and before.recipe != config.recipe:
        raise TrainingError(
            f"--resume: {folder} was trained by the recipe {before.recipe}, not {config.recipe}"
        )
    if before is not None and _other_pictures(before, config, made_from):
        raise TrainingError(
            f"--resume: {folder} was trained on other pictures than {config.data} holds now; put "
            "those back, or choose another --out"
        )
    rows = read_log(folder / LOG)
    progress = load_state(folder / STATE, objective, config)
    if progress.step > config.steps:
        raise TrainingError(f"--steps {config.steps}: {folder} is already at step {progress.step}")
    return progress, rows


def _go_back(
    error: NotFiniteError, state: Path, objective: Objective, config: TrainConfig, log: RunLog
) -> None:
    """To the last good state, which remembers from now on that it was gone back to; the error
    again where that was done often enough."""
    if len(log.retries) >= config.retry:
        raise error
    saved = load_state(state, objective, config)
    retries = (*log.retries, error.step)
    log.go_back(dataclasses.replace(saved, seconds=log.progress.seconds, retries=retries))
    processes.wait()  # until all have read it
    if ranks.is_main():
        save_state(state, objective, config, log.progress)
    names = ", ".join(error.names)
    log.say(
        f"not finite at step {error.step}: {names}; on from step {saved.step} with other random "
        f"numbers, attempt {len(retries)} of {config.retry}"
    )


def _other_pictures(before: RunRecord, config: TrainConfig, made_from: DataRecord) -> bool:
    """Whether a run was made from others than are there now; where they are only decoded in another
    way, the settings' own check has the better words."""
    decoded = {key: getattr(config, key) for key in ("image_size", "colour")}
    alike = {key: before.settings.get(key) for key in decoded} == decoded
    was = None if before.data is None else before.data.images_sha256
    return alike and was not in (None, made_from.images_sha256)


def _save_pictures(
    folder: Path, model: LatentModel, rows: Sequence[LogRow], scores: Sequence[LogRow]
) -> None:
    with replacing(folder / SAMPLES) as scratch:
        save_preview(model, scratch)
    draw_curves(rows, scores, folder / CURVES)
