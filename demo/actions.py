"""What the page does, as plain functions: a checkpoint and options in, pictures and words out."""

import secrets
from dataclasses import dataclass

import torch
from PIL import Image

from demo import pictures
from duet.core import latents
from duet.store.checkpoint import Checkpoint

ANY = "any"  # leaves the digit to the seed
SAME = "same"  # keeps the digit that an interpolation starts with
DICE_SIDES = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """Where an interpolation starts or ends: image 0 of `seed`, of class `digit`."""

    seed: int
    digit: str = ANY

    def __str__(self) -> str:
        return f"seed {self.seed}" + ("" if self.digit in (ANY, SAME) else f", digit {self.digit}")


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
    checkpoint: Checkpoint, digit: str = ANY, count: int = 16, seed: int = 0,
    truncation: float = 1.0,
) -> Samples:
    """Images 0 .. count-1 of `seed`; the first image of a seed is the same whatever the count."""
    images = checkpoint.model.sample(
        count, seed=seed, label=label_of(checkpoint, digit), truncation=truncation
    )
    which = f"images 0–{count - 1}" if count > 1 else "image 0"
    caption = f"{checkpoint.name}: {which} of seed {seed}"
    return Samples(images, pictures.sheet(images), caption + ignored(checkpoint, digit))


def interpolate(
    checkpoint: Checkpoint, start: Endpoint, end: Endpoint, steps: int = 16,
    path: str = "spherical", truncation: float = 1.0,
) -> Interpolation:
    """Images along a path through latent space from `start` to `end`, both included.

    Labels are discrete and have no in-between: the latent moves all the way, but the class changes
    at once, half-way, unless the end's digit is SAME.
    """
    (z_start, label_start), (z_end, label_end) = (
        _latent(checkpoint, endpoint, truncation) for endpoint in (start, end)
    )
    z = latents.INTERPOLATIONS[path](z_start, z_end, steps)
    if end.digit == SAME:
        label_end = label_start
    second_half = 2 * torch.arange(steps) >= steps
    frames = checkpoint.model.render(z, torch.where(second_half, label_end, label_start))
    caption = f"{checkpoint.name}: {start} → {end}" + ignored(checkpoint, start.digit, end.digit)
    return Interpolation(
        frames, pictures.film_strip(frames), pictures.animation(frames), caption
    )


def label_of(checkpoint: Checkpoint, digit: str) -> int | None:
    """The model's label for a class name; None where it leaves the choice to the seed."""
    known = checkpoint.class_names if checkpoint.model.num_classes else ()
    return known.index(digit) if digit in known else None


def ignored(checkpoint: Checkpoint, *digits: str) -> str:
    """A sentence for the caption where the model cannot draw what was asked for, else nothing."""
    unknown = [d for d in digits if d not in (ANY, SAME) and label_of(checkpoint, d) is None]
    if not unknown:
        return ""
    if not checkpoint.model.num_classes:
        return ". This model knows no classes, so it ignores the digit."
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
    label = label_of(checkpoint, endpoint.digit)
    return latents.truncate(z[0], truncation), labels[0] if label is None else torch.tensor(label)
