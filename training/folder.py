"""A run folder: the files in it, and who may work there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from duet.core.files import SCRATCH
from duet.core.lock import LOCK, locked
from duet.core.names import NAME
from duet.core.tensors import TensorFileError
from duet.core.words import as_unicode
from duet.store.checkpoint import EVOLUTION as EVOLUTION
from duet.store.run import LOG as LOG
from training.config import TrainingError

STATE, SCORE_LOG, RUN, SAMPLES, CURVES, BEST, CHECKPOINT = (
    "state.safetensors", "scores.jsonl", "run.json", "samples.png", "curves.png", "best",
    "checkpoint",
)


def check_folder(folder: Path, resume: bool) -> None:
    """TrainingError where a run may not begin, or go on, in a folder. Nothing is written."""
    place = os.path.realpath(folder)
    if as_unicode(place) != place:
        raise TrainingError(f"--out {as_unicode(place)} is no UTF-8, which safetensors asks for")
    if not NAME.fullmatch(Path(place).name):
        raise TrainingError(
            f"--out {folder}: its last part becomes the model's name and may hold letters, digits, "
            "'.', '_' and '-' only"
        )
    state = folder / STATE
    if resume and not state.exists():
        raise TrainingError(
            f"--resume: there is no {STATE} in {folder}; without --resume a run begins there"
        )
    if not resume and state.exists():
        raise TrainingError(
            f"--out {folder} holds another run; go on with it by --resume, or choose another --out"
        )
    if not resume and folder.exists() and not _is_free(folder):
        raise TrainingError(f"--out {folder} exists and is not empty; choose another")


def _is_free(folder: Path) -> bool:
    """Whether nothing is there, or only what a run writes before its first state, which it saves
    before its first step. What a killed one left half written goes with the next write."""
    if not folder.is_dir():
        return False
    log = folder / LOG
    begun = {LOCK, RUN, EVOLUTION} | ({LOG} if log.is_file() and not log.stat().st_size else set())
    return all(path.name in begun or SCRATCH.fullmatch(path.name) for path in folder.iterdir())


@contextlib.contextmanager
def working_in(folder: Path, resume: bool) -> Iterator[None]:
    """Hold the lock of a folder, which is made. TrainingError where it cannot be written, then or
    later."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder):
            check_folder(folder, resume)  # once more: another run may have been quicker
            yield
    except BrokenPipeError:  # of the terminal, which is no file of ours
        raise
    except (OSError, TensorFileError) as error:
        kept = "; the last state saved there is kept, to go on from by --resume"
        raise TrainingError(
            f"--out {folder} cannot be written: {error}{kept if (folder / STATE).exists() else ''}"
        ) from error
