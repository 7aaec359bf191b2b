"""A finished run becomes a checkpoint folder: weights, configuration, record, preview, card."""

import dataclasses
import math
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from duet.core import latents, ranks
from duet.core.checkout import git_commit
from duet.core.device import pick_device
from duet.core.files import replacing_folder
from duet.core.pixels import grid, to_pil
from duet.core.versions import library_versions
from duet.core.words import as_unicode
from duet.data import DATASETS, ImageSet
from duet.hub.card import write_card
from duet.models import LatentModel
from duet.store import checkpoint, records
from duet.store.config import DataRecord
from duet.store.evolution import drawn
from duet.store.run import LogRow, RunRecord
from duet.store.training import TrainingRecord
from training.config import TrainConfig, TrainingError
from training.evolution import Evolution
from training.state import Progress

CURVE_POINTS = 200
PREVIEW_ROWS, PREVIEW_COLUMNS = 8, 10
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors")


def data_record(images: ImageSet, config: TrainConfig) -> DataRecord:
    """What a run and its checkpoint keep of the pictures; RecordError where a name cannot be kept,
    which is found out before the long work."""
    owed = {"licence": config.licence, "credit": config.credit}
    told = {name: value for name, value in owed.items() if value is not None}
    if told and images.name in DATASETS:
        raise TrainingError(
            f"--{next(iter(told))} is for own pictures; {images.name}'s own are on record"
        )
    facts = images.facts or DATASETS[images.name].facts
    made_from = DataRecord.of(facts, images.sha256)
    return records.validate(DataRecord, dataclasses.asdict(made_from) | told)


def run_record(config: TrainConfig, command: str, made_from: DataRecord) -> RunRecord:
    """What is about to be run, by the code and the libraries as they are now."""
    return RunRecord(
        recipe=config.recipe,
        command=as_unicode(command),
        git_commit=git_commit(),
        settings=config.to_json(),
        versions=library_versions(LIBRARIES),
        threads=torch.get_num_threads(),
        data=made_from,
    )


def write_checkpoint(
    folder: Path, model: LatentModel, config: TrainConfig, made_from: DataRecord, *,
    images: int, run: RunRecord, progress: Progress, rows: Sequence[LogRow],
    scores: Sequence[LogRow], evolution: Evolution,
) -> None:
    """Write the folder whole, in the place of an earlier one. `images`: how many there are;
    `evolution`: as it was last written."""
    name = config.run_folder.resolve().name
    with replacing_folder(folder) as scratch:
        checkpoint.save(scratch, model, name=name, made_from=made_from)
        record = TrainingRecord(
            recipe=run.recipe,
            command=run.command,
            git_commit=run.git_commit,
            settings=config.weight_settings() | {"steps": progress.step},
            versions=run.versions,
            hardware=hardware(pick_device(config.device)),
            seconds=round(progress.seconds, 1),
            steps=progress.step,
            images_seen=progress.step * config.batch_size,
            epochs=round(progress.step * config.batch_size / images, 2),
            curves=downsampled(rows),
            threads=run.threads,
            evolution=evolution.steps,
            retries=progress.retries,
            scores=downsampled(scores),
        )
        shutil.copyfile(evolution.path, scratch / checkpoint.EVOLUTION)
        records.write(scratch / checkpoint.TRAINING, record)
        save_preview(model, scratch / checkpoint.PREVIEW)
        write_card(scratch)


def save_preview(model: LatentModel, path: Path) -> None:
    """The preview as a file, pixels large enough to be looked at."""
    to_pil(preview(model), scale=3).save(path)


def preview(model: LatentModel) -> torch.Tensor:
    """Samples 0.. of seed 0 as one picture uint8 [C, H, W]; one column a class where it has any."""
    count = PREVIEW_ROWS * PREVIEW_COLUMNS
    z, labels = latents.draw(0, range(count), model.latent_dim, model.num_classes)
    if model.num_classes:
        labels = torch.arange(count) % PREVIEW_COLUMNS % model.num_classes
    return grid(drawn(model, z, labels), PREVIEW_COLUMNS)


def downsampled(rows: Sequence[LogRow]) -> dict[str, tuple[float, ...]]:
    """The rows as columns, at most CURVE_POINTS long, four digits each."""
    stride = max(1, math.ceil(len(rows) / CURVE_POINTS))
    kept = [row.columns() for row in rows[::stride]]
    return {
        key: tuple(float(f"{row[key]:.4g}") for row in kept) for key in (kept[0] if kept else ())
    }


def hardware(device: torch.device) -> str:
    count = ranks.count()
    name = _name_of(device)
    return name if count == 1 else f"{count} processes, each {name}"


def _name_of(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cores = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    return f"CPU, {cores}, {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
