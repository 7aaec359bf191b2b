"""sheet: held-out images as one picture, which the page ships."""

from pathlib import Path

import torch

from duet.core.files import replacing, sha256
from duet.core.flags import DataDir, Seed
from duet.core.pixels import grid, to_pil
from duet.data import ImageSet
from duet.data.flags import SkipBroken
from duet.store import records
from duet.store.checkpoint import Checkpoint
from duet.store.sheet import SheetRecord
from evaluation import measuring
from evaluation.commands.flags import OwnData, Sources
from evaluation.errors import EvaluationError
from evaluation.real import real_images, unlicensed
from evaluation.sets import SetId

STAGE = Path("demo/stage/real")
COLUMNS = 10


def sheet_command(
    checkpoints: Sources, /, out: Path = STAGE, images: int = 100, seed: Seed = 0,
    own_data: OwnData = None, data_dir: DataDir = None, skip_broken: SkipBroken = False,
) -> None:
    """Draw held-out images of the checkpoints' data sets, chosen at random, into one picture a set,
    with a record of what they are: the page's game shows them beside generated ones. Sets whose
    licence is not known to allow that are refused. Wants the images (DUET_DATA).

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub; one a data set is enough.
        out: Folder to write NAME.png and NAME.json into.
        images: Held-out images to show, at most 1,000.
    """
    if not 1 <= images <= 1000:
        raise EvaluationError(f"--images must be from 1 to 1,000, not {images}")
    of_sets: dict[SetId, Checkpoint] = {}
    for _, checkpoint in measuring.load_all(checkpoints):
        if not checkpoint.made_from.may_be_shown:
            raise EvaluationError(f"{checkpoint.name}: {unlicensed(checkpoint.made_from)}")
        of_sets.setdefault(SetId.of(checkpoint), checkpoint)
    for checkpoint in of_sets.values():
        train, test = real_images(checkpoint, own_data, data_dir, skip_broken)
        print(_write(out, checkpoint, train, test, images, seed))


def _write(
    out: Path, checkpoint: Checkpoint, train: ImageSet, test: ImageSet, count: int, seed: int
) -> Path:
    """The picture and its record; the picture's path."""
    dice = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(test), generator=dice)[:count]
    domain, data = checkpoint.model.domain, checkpoint.made_from
    pictures = domain.to_pixels(test.images[chosen])
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{data.name}.png"
    with replacing(path) as scratch:
        to_pil(grid(pictures, COLUMNS, gap=0)).save(scratch, "PNG", optimize=True)
    _, channels, height, width = pictures.shape
    records.write(path.with_suffix(".json"), SheetRecord(
        data=data.name, title=data.title, licence=data.licence, credit=data.credit,
        images_sha256=train.sha256, held_out_sha256=test.sha256, indices=tuple(chosen.tolist()),
        labels=tuple(test.labels[chosen].tolist()), columns=COLUMNS,
        image_shape=(channels, height, width), picture_sha256=sha256(path),
    ))
    return path
