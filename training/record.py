"""A finished run becomes a checkpoint folder: weights, configuration, record, preview, card."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from duet.core import latents
from duet.core.device import pick_device
from duet.core.files import replacing_folder
from duet.core.pixels import grid, to_pil
from duet.data import DATASETS, ImageSet
from duet.hub.card import write_card
from duet.models import LatentModel
from duet.store import checkpoint, records
from duet.store.config import DataRecord
from duet.store.training import TrainingRecord
from training.config import TrainConfig
from training.state import Progress

CURVE_POINTS = 200
PREVIEW_ROWS, PREVIEW_COLUMNS = 8, 10
LIBRARIES = ("torch", "torchvision", "numpy", "safetensors")


def write_checkpoint(
    folder: Path, model: LatentModel, config: TrainConfig, images: ImageSet, *,
    origin: dict[str, str | None], progress: Progress, rows: list[dict[str, Any]],
) -> None:
    """Write the folder whole, in the place of an earlier one. `origin`: command and git commit."""
    name = config.run_folder.resolve().name
    with replacing_folder(folder) as scratch:
        checkpoint.save(
            scratch, model, name=name,
            made_from=DataRecord.of(DATASETS[images.name].facts, images.sha256),
        )
        record = TrainingRecord(
            recipe=config.recipe,
            command=str(origin["command"]),
            git_commit=origin["git_commit"],
            settings=config.recipe_json() | {"steps": progress.step},
            versions={"python": platform.python_version()}
            | {library: version(library) for library in LIBRARIES},
            hardware=hardware(pick_device(config.device)),
            seconds=round(progress.seconds, 1),
            steps=progress.step,
            images_seen=progress.step * config.batch_size,
            epochs=round(progress.step * config.batch_size / len(images), 2),
            curves=thinned(rows),
            threads=torch.get_num_threads(),
        )
        records.write(scratch / checkpoint.TRAINING, record)
        to_pil(preview(model), scale=3).save(scratch / checkpoint.PREVIEW)
        write_card(scratch)


def preview(model: LatentModel) -> torch.Tensor:
    """Samples 0.. of seed 0 as one picture uint8 [C, H, W]; one column a class where it has any."""
    count = PREVIEW_ROWS * PREVIEW_COLUMNS
    z, labels = latents.draw(0, range(count), model.latent_dim, model.num_classes)
    if model.num_classes:
        labels = torch.arange(count) % PREVIEW_COLUMNS % model.num_classes
    was_training = model.training
    images = model.eval().render(z, labels)
    model.train(was_training)
    return grid(images, PREVIEW_COLUMNS)


def thinned(rows: list[dict[str, Any]]) -> dict[str, tuple[float, ...]]:
    """log.jsonl's rows as columns, at most CURVE_POINTS long, four digits each."""
    kept = rows[:: -(-len(rows) // CURVE_POINTS) or 1]
    keys = rows[0] if rows else ()
    return {key: tuple(float(f"{row[key]:.4g}") for row in kept) for key in keys}


def hardware(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cores = f"{torch.get_num_threads()} of {os.cpu_count()} cores"
    return f"CPU, {cores}, {platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
