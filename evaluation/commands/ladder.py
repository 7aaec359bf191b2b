"""ladder: do the metrics see what they are meant to?"""

import sys
from json import dumps
from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import AsJson, DataDir, DeviceName
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation import ladder_views, plots
from evaluation.commands.flags import DataName, Space
from evaluation.commands.verify import Mismatch
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.harness import MIN_SAMPLES
from evaluation.ladder import climb
from evaluation.reference import open_reference
from evaluation.sets import SetId, both_splits


def ladder_command(
    data_name: DataName = "mnist", images: int = 5_000, seed: int = 0, extractor: Space = AUTO,
    data_dir: DataDir = None, image_size: ImageSize = None, colour: PictureColour = "auto",
    skip_broken: SkipBroken = False, weights: Path | None = None, device: DeviceName = "auto",
    json: AsJson = False, plot: Path | None = None,
) -> None:
    """Score real held-out images as they are, and with growing blur, noise, specks, shift, dropped
    classes, duplicates; exit 1 where a score that is meant to see one does not get worse by it.

    Args:
        images: Held-out images, at most as many as there are.
        seed: Of the choice of images, of noise and of specks.
        weights: Another weights file for the extractor.
        plot: Draw all scores into this file (.png, .svg, .pdf).
    """
    if plot is not None:
        plots.check(plot)
    train, test = both_splits(data_name, data_dir, image_size, colour, skip_broken)
    if min(images, len(test)) < MIN_SAMPLES:
        raise EvaluationError(
            f"the ladder wants at least {MIN_SAMPLES} images, not {min(images, len(test))}"
        )
    opened = OpenExtractors(pick_device(device), extractor, weights).serving(SetId.of(train))
    reference = open_reference(SetId.of(train), opened)
    ladder = climb(test, opened, reference, images, seed)
    if plot is not None:
        ladder_views.plot(ladder, plot)
    if json:
        print(dumps(ladder_views.as_json(ladder), indent=2))
    else:
        print(ladder_views.values_table(ladder), ladder_views.sight_table(ladder), sep="\n\n")
    failures = ladder.failures()
    for words in failures:
        print(words, file=sys.stderr)
    if failures:
        raise Mismatch(f"{len(failures)} scores do not see what they are meant to")
