"""What the page does, as plain functions: a checkpoint and options in, pictures and words out."""

import secrets
from dataclasses import dataclass

import torch
from PIL import Image

from demo import pictures
from demo.class_names import ANY, SAME, to_class_name
from duet.core import latents
from duet.models import LatentModel
from duet.store.checkpoint import Checkpoint

DICE_SIDES = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """Where an interpolation starts or ends: image 0 of `seed`, of the class that `chosen` says."""

    seed: int
    chosen: str = ANY

    def __str__(self) -> str:
        name = to_class_name(self.chosen)
        return f"seed {self.seed}" + ("" if name is None else f", class {name}")


@dataclass(frozen=True)
class Samples:
    """`images` uint8 [N, C, H, W], the same as one picture, and what to write under it."""

    images: torch.Tensor
    picture: Image.Image
    caption: str


@dataclass(frozen=True)
class Interpolation:
    """`frames` uint8 [steps, C, H, W], the same as film strip and animated PNG, and a caption."""

    frames: torch.Tensor
    strip: Image.Image
    animation: bytes
    caption: str


def sample(
    checkpoint: Checkpoint, chosen: str = ANY, count: int = 16, seed: int = 0,
    truncation: float = 1.0,
) -> Samples:
    """Images 0 .. count-1 of `seed`, of the class that `chosen` says (demo/class_names.py); the
    first image of a seed is the same whatever the count."""
    images = checkpoint.model.sample(
        count, seed=seed, label=label_of(checkpoint, chosen), truncation=truncation
    )
    which = f"images 0–{count - 1}" if count > 1 else "image 0"
    caption = f"{checkpoint.name}: {which} of seed {seed}"
    return Samples(images, pictures.sheet(images), caption + class_note(checkpoint, chosen))


def interpolate(
    checkpoint: Checkpoint, start: Endpoint, end: Endpoint, steps: int = 16,
    path: str = "spherical", truncation: float = 1.0,
) -> Interpolation:
    """Images along a path through latent space from `start` to `end`, both included.

    Labels are discrete and have no in-between: the latent moves all the way, but the class changes
    at once, half-way, unless the end says SAME.
    """
    (z_start, label_start), (z_end, label_end) = (
        _latent(checkpoint, endpoint, truncation) for endpoint in (start, end)
    )
    if end.chosen == SAME:
        label_end = label_start
    drawn = frames(checkpoint.model, (z_start, label_start), (z_end, label_end), steps, path)
    caption = f"{checkpoint.name}: {start} → {end}"
    return Interpolation(
        drawn, pictures.film_strip(drawn), pictures.animation(drawn),
        caption + class_note(checkpoint, start.chosen, end.chosen),
    )


def frames(
    model: LatentModel, start: tuple[torch.Tensor, torch.Tensor],
    end: tuple[torch.Tensor, torch.Tensor], steps: int, path: str,
) -> torch.Tensor:
    """Images uint8 [steps, C, H, W] between two latents, each z [latent_dim] with its label int64
    []; the second's label takes over half-way."""
    z = latents.INTERPOLATIONS[path](start[0], end[0], steps)
    second_half = 2 * torch.arange(steps) >= steps
    return model.render(z, torch.where(second_half, end[1], start[1]))


def label_of(checkpoint: Checkpoint, chosen: str) -> int | None:
    """The model's label for a class; None where it leaves the choice to the seed."""
    name = to_class_name(chosen)
    known = checkpoint.class_names if checkpoint.model.num_classes else ()
    return known.index(name) if name is not None and name in known else None


def class_note(checkpoint: Checkpoint, *chosen: str) -> str:
    """A sentence for the caption where the model cannot draw what was asked for, else nothing."""
    unknown = [
        name for value in chosen
        if (name := to_class_name(value)) is not None and label_of(checkpoint, value) is None
    ]
    if not unknown:
        return ""
    if not checkpoint.model.num_classes:
        return ". This model knows no classes, so it ignores the choice."
    return f". This model does not know “{unknown[0]}” and lets the seed choose."


def new_seed() -> int:
    """A throw of the dice."""
    return secrets.randbelow(DICE_SIDES)


def _latent(
    checkpoint: Checkpoint, endpoint: Endpoint, truncation: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """z [latent_dim] and the label int64 [] of an endpoint."""
    model = checkpoint.model
    z, labels = latents.draw(endpoint.seed, [0], model.latent_dim, model.num_classes)
    label = label_of(checkpoint, endpoint.chosen)
    return latents.truncate(z[0], truncation), labels[0] if label is None else torch.tensor(label)
