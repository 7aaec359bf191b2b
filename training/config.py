"""What every recipe's configuration has in common. A field is a flag; its default lives here."""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

from typing_extensions import Doc, Self

from duet.core.device import pick_device
from duet.core.errors import DuetError
from duet.core.flags import DataDir, DeviceName
from duet.core.latents import check_seed
from duet.core.words import as_unicode
from duet.data import Colour, ImageSet, set_name
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from duet.models.networks import recommended_stages
from training.precision import pick_precision


class TrainingError(DuetError):
    """A setting or a state that training refuses; the message names it and the mend."""


MOST = 2**53  # of anything counted: every reader of JSON takes so much

# Marks a field that decides how a run is carried out, and not which weights come of it.
OPERATIONAL = "operational"

Steps = Annotated[
    int, OPERATIONAL,
    Doc("Optimiser steps in all; with --resume, a larger number goes on training."),
]
BatchSize = Annotated[int, Doc("Images a step.")]


@dataclass(frozen=True)
class TrainConfig:
    """Each field's docstring is its flag's help text. A field decides the weights, and has to be
    the same in a resumed run, unless it is marked OPERATIONAL."""

    recipe: ClassVar[str]
    least_batch_size: ClassVar[int] = 1

    data: str = "mnist"
    """Data set to train on: a registered name, or the path of a folder of pictures, a folder a
    class, or a zip of either."""
    data_dir: Annotated[DataDir, OPERATIONAL] = None
    image_size: ImageSize = None
    colour: PictureColour = "auto"
    skip_broken: SkipBroken = False
    licence: Annotated[str | None, OPERATIONAL] = None
    """Licence of own pictures, which holds for the weights too, as the Hub calls it: cc-by-4.0."""
    credit: Annotated[str | None, OPERATIONAL] = None
    """Whom the model card has to name for own pictures."""
    out: Annotated[Path | None, OPERATIONAL] = None
    """Run folder: state, log, pictures, and the finished checkpoint/ (default: runs/DATA-RECIPE).
    Its name becomes the model's name."""
    train_images: int | None = None
    """Train on so many of the images, chosen at random (default: on all)."""
    wrong_labels: float = 0.0
    """Share of the images that get a wrong label, on purpose."""
    duplicates: float = 0.0
    """Share of the images that are replaced by repeats of others, on purpose."""
    steps: Steps = 10_000
    batch_size: BatchSize = 64
    accumulate: int = 1
    """Parts in which a batch is taken, one after the other: less memory, the same step. Statistics
    of a batch (the DCGAN's normalisation, the VAE's variance) become those of a part."""
    seed: int = 0
    """Seed of everything random: weights, order of the data, noise."""
    device: Annotated[DeviceName, OPERATIONAL] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the convolutions; auto: bfloat16 where the GPU or CPU has it, else float32."""
    save_every: Annotated[int, OPERATIONAL] = 500
    """Steps between two saves of the state, the sample grid and the loss curves."""
    show_every: Annotated[int | None, OPERATIONAL] = None
    """Steps between two writings of evolution.png and log.jsonl, for who looks on (default: with
    each save)."""
    eval_every: Annotated[int | None, OPERATIONAL] = None
    """Steps between two measurements of 2,000 samples (FID and others, into scores.jsonl and
    curves.png), the best checkpoint and its state kept in best/ (default: none)."""
    log_with: Annotated[Literal["tensorboard", "trackio"] | None, OPERATIONAL] = None
    """Tracker on this machine that is told losses and scores too, if it is installed."""
    resume: Annotated[bool, OPERATIONAL] = False
    """Go on from the state saved in the run folder."""
    retry: Annotated[int, OPERATIONAL] = 0
    """How often in all the run may go on from its last good state, with other random numbers, when
    losses or gradients are no longer finite."""
    push_to_hub: Annotated[str | None, OPERATIONAL] = None
    """Publish the finished checkpoint on the Hugging Face Hub as USER/NAME."""
    dry_run: Annotated[bool, OPERATIONAL] = False
    """Print the resolved configuration as JSON and stop; null is what the pictures would decide."""

    def __post_init__(self) -> None:
        for name in (
            "steps", "batch_size", "save_every", "accumulate", "show_every", "eval_every",
            "train_images", "width", "stages", "latent_dim",
        ):
            value = getattr(self, name, None)
            if value is not None and value < 1:
                raise TrainingError(f"{flag(name)} must be at least 1, not {value}")
            if value is not None and value > MOST:
                raise TrainingError(f"{flag(name)} must be at most {MOST}, not {value!s:.40}")
        for name in ("wrong_labels", "duplicates"):
            if not 0 <= (share := getattr(self, name)) < 1:
                raise TrainingError(f"{flag(name)} must be a share from 0 to below 1, not {share}")
        if self.retry < 0:
            raise TrainingError(f"--retry must not be negative, like {self.retry}")
        if (self.batch_size or self.least_batch_size) < self.least_batch_size:
            raise TrainingError(
                f"--batch-size must be at least {self.least_batch_size} for {self.recipe}, whose "
                "batch normalisation has no variance of a single image"
            )
        check_seed(self.seed, "--seed")
        learning_rate = getattr(self, "learning_rate", None)
        if learning_rate is not None and not 0 < learning_rate < math.inf:
            raise TrainingError("--learning-rate must be positive")

    def resolved(self) -> Self:
        """With what is left to this machine: the run folder, and "auto" as precision. DataError for
        data that are not there, DeviceError for a device that this machine has not got."""
        precision = pick_precision(self.precision, pick_device(self.device))
        return dataclasses.replace(self, precision=precision, out=self.run_folder)

    def suited(self, images: ImageSet) -> Self:
        """With what is left to the pictures of a resolved run, and their set's name instead of the
        place where it lies: what is recorded, and compared on resuming."""
        channels, side, _ = images.image_shape
        colours: dict[int, Colour] = {1: "grey", 3: "rgb"}
        return dataclasses.replace(
            self, data=images.name, image_size=side, colour=colours.get(channels, "auto")
        )

    @property
    def run_folder(self) -> Path:
        return self.out or Path("runs") / f"{set_name(self.data)}-{self.recipe}"

    def to_json(self) -> dict[str, Any]:
        values = dataclasses.asdict(self)
        return {
            key: as_unicode(str(v)) if isinstance(v, str | Path) else v for key, v in values.items()
        }

    def weight_settings(self) -> dict[str, Any]:
        """Only what decides the weights: the fields that a resumed run must share."""
        hints = get_type_hints(type(self), include_extras=True)
        return {
            key: value for key, value in self.to_json().items()
            if OPERATIONAL not in getattr(hints[key], "__metadata__", ())
        }


@dataclass(frozen=True)
class ResidualTraining(TrainConfig):
    """Recipes of the shared residual networks (duet/models/networks.py)."""

    # Channels for images up to a side: the most, in fours, with which a checkpoint of ten classes
    # stays below 10 MB, and no more than 48, with which two CPU cores still train (docs/log.md).
    # The last row, of 64 pixels, serves larger ones too.
    widths: ClassVar[dict[float, int]]

    width: int | None = None
    """Channels at half resolution, in both networks (default: suits the size)."""
    stages: int | None = None
    """How often the networks halve the side (default: as often as leaves 4 pixels or more)."""

    def suited(self, images: ImageSet) -> Self:
        shape = images.image_shape
        settled = super().suited(images)
        return dataclasses.replace(
            settled, width=self.width_for(shape), stages=self.stages_for(shape)
        )

    def width_for(self, image_shape: tuple[int, int, int]) -> int:
        """As asked, else of the first row of the table that reaches the larger side."""
        _, height, width = image_shape
        fitting = (w for s, w in self.widths_for(image_shape).items() if s >= max(height, width))
        return self.width or next(fitting)

    def widths_for(self, image_shape: tuple[int, int, int]) -> dict[float, int]:
        """The table of widths for networks of that shape."""
        return self.widths

    def stages_for(self, image_shape: tuple[int, int, int]) -> int:
        return self.stages or recommended_stages(image_shape)


def flag(field_name: str) -> str:
    return "--" + field_name.replace("_", "-")
