"""One process at a time: a lock on a folder that dies with the process that holds it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from duet.core.errors import DuetError

try:
    import fcntl
except ImportError:  # Windows: two runs in one folder are the user's to avoid
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


class Locked(DuetError):
    """Another process works in the folder."""


@contextlib.contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[None]:
    """Hold the lock of an existing folder; Locked where another process does, unless to `wait`."""
    with (folder / LOCK).open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except OSError as error:
                raise Locked(
                    f"another process is at work in {folder}; wait for its end, or choose another "
                    "folder"
                ) from error
        yield


@contextlib.contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Hold an existing folder, after whoever else does: for a moment, while a file in it is read
    and written again. The folder itself is locked, so that nothing is left in it; where its file
    system has no such locks, nobody waits."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
