"""neighbours: samples beside their nearest training pictures, which the page and the card show."""

import sys

from duet.core.flags import DataDir
from duet.data import ImageSet
from duet.data.flags import SkipBroken
from duet.hub import client
from duet.store import neighbours
from duet.store.checkpoint import NEIGHBOURS
from evaluation import measuring, stored
from evaluation.commands.flags import OwnData, Sources
from evaluation.errors import EvaluationError
from evaluation.neighbours import neighbours_of, texts_of
from evaluation.real import real_images, unlicensed
from evaluation.sets import SetId


def neighbours_command(
    checkpoints: Sources, /, own_data: OwnData = None, data_dir: DataDir = None,
    skip_broken: SkipBroken = False,
) -> None:
    """Draw samples of checkpoints, and held-out pictures, each beside the training pictures nearest
    to it, into neighbours.png of each folder. Sets whose licence is not known to allow that their
    pictures are passed on are left out. Wants the images (DUET_DATA).

    Args:
        checkpoints: Folders, or names of shipped ones.
    """
    real: dict[SetId, tuple[ImageSet, ImageSet]] = {}
    for source, checkpoint in measuring.load_all(checkpoints):
        data = checkpoint.made_from
        if not data.may_be_shown:
            print(f"{source}: left out, since {unlicensed(data)}", file=sys.stderr)
            continue
        if client.is_cached(checkpoint.folder):
            raise EvaluationError(f"{source} is on the Hub; pull it, and name that folder")
        stored.check_folder(checkpoint.folder)
        images = SetId.of(checkpoint)
        if images not in real:
            real[images] = real_images(checkpoint, own_data, data_dir, skip_broken)
        path = checkpoint.folder / NEIGHBOURS
        found = neighbours_of(checkpoint, *real[images])
        neighbours.write(path, found, texts_of(checkpoint, *real[images]))
        print(path)
