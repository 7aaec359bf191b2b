"""--log-with: the log's rows for a tracker on this machine too. log.jsonl and scores.jsonl stay the
record; nothing here decides anything. To add one: a context manager, a row of TRACKERS."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from training.config import TrainingError

Tell = Callable[[int, dict[str, float]], None]  # (step, values by name)
# With one of them set, trackio would send the run elsewhere.
AWAY = ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_BUCKET_ID", "TRACKIO_DATASET_ID",
        "TRACKIO_WEBHOOK_URL")


@contextlib.contextmanager
def _tensorboard(folder: Path, step: int) -> Iterator[Tell]:
    """Event files in the run folder's tensorboard/; what is there of later steps is passed over."""
    from torch.utils.tensorboard import SummaryWriter

    def tell(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    with SummaryWriter(str(folder / "tensorboard"), purge_step=step or None) as writer:
        yield tell


@contextlib.contextmanager
def _trackio(folder: Path, step: int) -> Iterator[Tell]:
    """The project "duet" of trackio's own local store, a run of the folder's name."""
    import trackio

    trackio.init(
        project="duet", name=folder.resolve().name, resume="allow", embed=False,
        auto_log_cpu=False, auto_log_gpu=False,
    )
    try:
        yield lambda step, values: trackio.log(values, step=step)
    finally:
        trackio.finish()


TRACKERS: dict[str, Any] = {"tensorboard": _tensorboard, "trackio": _trackio}


@contextlib.contextmanager
def telling(name: str | None, folder: Path, step: int) -> Iterator[Tell]:
    """Where rows go: to the tracker of that name, of a run in `folder` that is at `step`; to nobody
    of none."""
    if name is None:
        yield lambda step, values: None
        return
    with TRACKERS[name](folder, step) as tell:
        yield tell


def check_tracker(name: str | None) -> None:
    """TrainingError where a tracker is not installed, or would send what it is told elsewhere."""
    if name is None:
        return
    try:
        __import__(name)
    except ImportError as error:
        raise TrainingError(
            f"--log-with {name}: it is not installed ({error}); run pip install {name}, or leave "
            "the flag out"
        ) from error
    if name == "trackio" and (set_ := [key for key in AWAY if os.environ.get(key)]):
        raise TrainingError(
            f"--log-with trackio: {set_[0]} is set, and would send the run elsewhere; unset it"
        )
