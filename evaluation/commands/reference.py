"""reference: what is kept of a training split."""

import sys
from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation import stored
from evaluation.commands.flags import DataName, Space
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.harness import MIN_SAMPLES, measure_held_out
from evaluation.reference import build, open_reference
from evaluation.sets import SetId, both_splits


def reference_command(
    data_name: DataName = "mnist", extractor: Space = AUTO, data_dir: DataDir = None,
    image_size: ImageSize = None, colour: PictureColour = "auto", skip_broken: SkipBroken = False,
    weights: Path | None = None, device: DeviceName = "auto",
) -> None:
    """Extract a training split's features into evaluation/reference/ (own pictures': into the
    cache), and score the held-out split against them: the floor of every table.

    Args:
        weights: Another weights file for the extractor.
    """
    train, test = both_splits(data_name, data_dir, image_size, colour, skip_broken)
    images = SetId.of(train)
    opened = OpenExtractors(pick_device(device), extractor, weights).serving(images)
    print(build(train, opened))
    if len(test) < MIN_SAMPLES:
        print(f"{len(test)} held-out images are too few to be scored", file=sys.stderr)
        return
    floor = measure_held_out(test, opened, open_reference(images, opened))
    stored.store(stored.held_out_path(images), floor, force=True)
