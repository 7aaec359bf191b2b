"""The temporary folder that Gradio serves pictures from: bounded while the app runs, gone after it.

Gradio writes every picture into a file there. Left to itself it keeps them all for an hour or more,
and some for ever.
"""

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from duet.core.files import replacing
from duet.core.lock import Locked, locked

VARIABLE = "GRADIO_TEMP_DIR"  # read by Gradio when a component is made
PREFIX = "duet-app-"
PICTURE = "image.png"  # in a folder for each, named by its content
# Of the newest files: a picture must stay until its reader has fetched it.
KEPT, KEPT_BYTES = 1500, 2**29


def use_own_folder() -> Path:
    """Let Gradio use a new folder, which is deleted when this process ends; delete those of earlier
    processes that were killed before they could do so."""
    parent = Path(os.environ.get(VARIABLE) or tempfile.gettempdir())
    parent.mkdir(parents=True, exist_ok=True)
    held = contextlib.ExitStack()
    folder = _locked_folder(parent, held)
    for other in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Locked):  # its own process may delete it meanwhile
            if other != folder and other.lstat().st_uid == folder.lstat().st_uid:
                with locked(other):
                    shutil.rmtree(other, ignore_errors=True)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(held.close)
    os.environ[VARIABLE] = str(folder)
    return folder


def _locked_folder(parent: Path, held: contextlib.ExitStack) -> Path:
    """A new folder, locked as long as `held` is. Another process that starts at once may take it
    for a dead one's before it is locked, and delete it: then the next."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        with contextlib.suppress(FileNotFoundError, Locked):
            held.enter_context(locked(folder))
            if folder.exists():
                return folder


def keep(folder: Path, content: bytes) -> Path:
    """A picture's file in Gradio's folder, written whole or there already, the newest of all."""
    path = folder.resolve() / hashlib.sha256(content).hexdigest() / PICTURE
    try:
        os.utime(path)
    except FileNotFoundError:
        with replacing(path) as scratch:
            scratch.write_bytes(content)
    return path


def trim(folder: Path, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
    """Delete all but the newest pictures, so many at most, of so many bytes together."""
    files = sorted(map(_Written.of, folder.glob(f"*/{PICTURE}")), reverse=True)
    for place, file in enumerate(files):
        kept_bytes -= file.bytes
        if place >= kept or kept_bytes < 0:
            with contextlib.suppress(OSError):
                file.path.unlink()
                file.path.parent.rmdir()


class _Written(NamedTuple):
    """A file with the time of its writing, 0 where it is gone in the meantime."""

    seconds: float
    bytes: int
    path: Path

    @classmethod
    def of(cls, path: Path) -> "_Written":
        try:
            found = path.stat()
        except OSError:
            return cls(0, 0, path)
        return cls(found.st_mtime, found.st_size, path)
