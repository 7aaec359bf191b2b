"""Progress on stderr: a bar that moves on a terminal, a line now and then in a log."""

import sys
from typing import Any

from tqdm import tqdm

LOG_SECONDS = 30


def progress_bar(total: int, title: str | None, unit: str, **options: Any) -> "tqdm[Any]":
    """A bar over `total` units, gone at its end where it moves."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total, desc=title, unit=unit, leave=not terminal, dynamic_ncols=True,
        mininterval=0.5 if terminal else LOG_SECONDS, **options,
    )
