"""The temporary folder that Gradio serves pictures from: bounded while the app runs, gone after it.

Gradio writes every picture into a file there. Left to itself it keeps them all for an hour or more,
and some for ever.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from duet.core.lock import Locked, locked

VARIABLE = "GRADIO_TEMP_DIR"  # read by Gradio when a component is made
PREFIX = "duet-app-"
KEPT = 1500  # of the newest files: a picture must stay until its reader has fetched it


def use_own_folder() -> Path:
    """Let Gradio use a new folder, which is deleted when this process ends; delete those of earlier
    processes that were killed before they could do so."""
    parent = Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    for other in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Locked):  # its own process may delete it meanwhile
            if other != folder and other.lstat().st_uid == folder.lstat().st_uid:
                with locked(other):
                    shutil.rmtree(other, ignore_errors=True)
    held = contextlib.ExitStack()
    held.enter_context(locked(folder))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(held.close)
    os.environ[VARIABLE] = str(folder)
    return folder


def trim(folder: Path, kept: int = KEPT) -> None:
    """Delete all but the newest files, each of which Gradio puts into a folder of its own."""
    files = sorted(folder.glob("*/*"), key=_written, reverse=True)
    for file in files[kept:]:
        with contextlib.suppress(OSError):
            file.unlink()
            file.parent.rmdir()


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone in the meantime
        return 0.0
