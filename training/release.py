"""A run's checkpoint becomes a shipped one."""

import shutil
from pathlib import Path

import duet
from duet.core.files import replacing_folder
from duet.store.checkpoint import MAX_BYTES, SHIPPED
from training.config import TrainingError
from training.folder import CHECKPOINT


def release(run: Path, /) -> Path:
    """Copy the checkpoint of a finished run over the shipped one of its name, and print the folder.

    The scores of other weights do not come along: measure it next, or let `make release` do it all.

    Args:
        run: Run folder, e.g. runs/mnist-gan.
    """
    source = run / CHECKPOINT
    if not source.is_dir():
        raise TrainingError(f"{run} holds no finished checkpoint; end the run by --resume")
    loaded = duet.load(source)
    loaded.check_records()
    target = SHIPPED / loaded.name
    with replacing_folder(target) as scratch:
        for name in MAX_BYTES:
            if (source / name).is_file():
                shutil.copyfile(source / name, scratch / name)
    return target
