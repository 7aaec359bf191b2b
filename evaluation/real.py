"""The very images that a checkpoint was made from, and those held out from it."""

from pathlib import Path

from duet import data
from duet.data import DATASETS, DataError, ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.config import DataRecord
from duet.store.studies import ImagesRecord
from evaluation.errors import EvaluationError

MIN_HELD_OUT = 40


def unlicensed(data: DataRecord) -> str:
    """Why pictures that may not be shown are not."""
    return (
        f"the licence of {data.title} ({data.licence}) is not known to allow its pictures to be "
        "passed on"
    )


def real_images(
    checkpoint: Checkpoint, name_or_path: str | None, data_dir: Path | None, skip_broken: bool,
    download: bool = True,
) -> tuple[ImageSet, ImageSet]:
    """The training and the held-out images of a checkpoint; of own pictures by the path that they
    lie at. EvaluationError where they are absent, others, or too few are held out."""
    made_from = checkpoint.made_from
    named = name_or_path or made_from.name
    if named == made_from.name and named not in DATASETS and not Path(named).exists():
        raise EvaluationError(
            f"{checkpoint.name} was made from pictures of somebody's own, {named}; say by --data "
            "PATH where they lie"
        )
    train = _split(checkpoint, named, "train", data_dir, skip_broken, download)
    known = made_from.images_sha256  # an old checkpoint does not tell it
    if train.sha256 != known if known else train.name != made_from.name:
        raise EvaluationError(
            f"{checkpoint.name} was not made from the training images of {named}, but from other "
            f"images of {made_from.name}"
        )
    test = _split(checkpoint, named, "test", data_dir, skip_broken, download)
    if len(test) < MIN_HELD_OUT:
        raise EvaluationError(
            f"{named} holds out {len(test)} images; at least {MIN_HELD_OUT} are wanted"
        )
    return train, test


def _split(
    checkpoint: Checkpoint, named: str, split: str, data_dir: Path | None, skip_broken: bool,
    download: bool,
) -> ImageSet:
    channels, side, _ = checkpoint.model.image_shape
    try:
        return data.load(
            named, split, data_dir, download, image_size=side,
            colour="grey" if channels == 1 else "rgb", skip_broken=skip_broken,
        )
    except DataError as error:
        title = "training" if split == "train" else "held-out"
        raise EvaluationError(
            f"the {title} images of {checkpoint.name} cannot be used: {error}"
        ) from error


def images_record(images: ImageSet) -> ImagesRecord:
    return ImagesRecord(images.name, images.split, len(images), images.sha256)
