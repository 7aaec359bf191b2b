"""train-extractor: a network whose features serve a data set."""

import shlex
from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName
from duet.data import Colour
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation.commands.flags import DataName
from evaluation.errors import EvaluationError
from evaluation.extractors import entry_of, own, serving
from evaluation.extractors.training import train_entry
from evaluation.sets import both_splits


def train_extractor_command(
    data_name: DataName = "mnist", epochs: int | None = None, seed: int = 0, resume: bool = False,
    out: Path | None = None, data_dir: DataDir = None, image_size: ImageSize = None,
    colour: PictureColour = "auto", skip_broken: SkipBroken = False, device: DeviceName = "auto",
) -> None:
    """Train the network whose features serve a data set, and write its weights: of a registered
    one beside the code, of own pictures into the cache, where --extractor auto finds them.

    Args:
        epochs: Passes over the training images (default: the extractor's own number).
        seed: Seed of weights, order and distortions.
        resume: Go on with the unfinished training in --out.
        out: Folder of the unfinished training (default: runs/extractor-DATA).
    """
    train, test = both_splits(data_name, data_dir, image_size, colour, skip_broken)
    row = serving(train.name)
    entry = own.entry_for(train) if row is None else entry_of(row)
    if row is not None and train.name != entry.serves[0]:
        raise EvaluationError(
            f"{train.name} is measured by the extractor {row}, which is trained on "
            f"{entry.serves[0]}; pass --data {entry.serves[0]}"
        )
    folder = out or Path("runs") / f"extractor-{train.name}"
    chosen = pick_device(device)
    found = train_entry(entry, train, test, folder, chosen, seed, epochs, resume)
    print(
        f"test accuracy {found:.4f}; {entry.weights}. "
        "Now: python -m evaluation reference --data "
        + shlex.join([str(data_name), *_decoding_flags(image_size, colour, skip_broken)])
    )


def _decoding_flags(image_size: int | None, colour: Colour, skip_broken: bool) -> list[str]:
    """The words that give a command these values, where they are not its defaults."""
    words = [] if image_size is None else ["--image-size", str(image_size)]
    words += [] if colour == "auto" else ["--colour", colour]
    return words + (["--skip-broken"] if skip_broken else [])
