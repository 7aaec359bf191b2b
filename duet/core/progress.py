"""Progress on stderr: a bar that moves on a terminal, a line now and then in a log."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

LOG_SECONDS = 30


def progress_bar(
    total: int, title: str | None, unit: str, leave: bool = False, **options: Any
) -> "tqdm[Any]":
    """A bar over `total` units, gone at its end where it moves, unless to be left there."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total, desc=title, unit=unit, leave=leave or not terminal, dynamic_ncols=True,
        mininterval=0.5 if terminal else LOG_SECONDS, **options,
    )


@contextlib.contextmanager
def others_bars() -> Iterator[None]:
    """The bars of a library, which would write ten lines a second into a log, on terminals only."""
    if sys.stderr.isatty():
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stderr(nowhere):
        yield
