"""Which rows of evolution.png (duet/store/evolution.py) a run draws, and when they are written."""

import math
import sys
from pathlib import Path

import torch

from duet.models import LatentModel
from duet.store import evolution
from duet.store.evolution import Sheet
from duet.store.records import RecordError

POINTS_A_DECADE = 10


def is_point(step: int) -> bool:
    """Whether a row is kept of a step: of 0, and of ten a decade, in equal ratios. A run changes
    about as much from step 100 to 200 as from 1,000 to 2,000, and no horizon is needed."""
    if step < 1:
        return step == 0
    power = round(POINTS_A_DECADE * math.log10(step)) / POINTS_A_DECADE
    return round(10**power) == step


class Evolution:
    """The rows, by step: uint8 [C, H, COLUMNS * W] each. What is in `path` of up to step `done` is
    kept."""

    def __init__(self, path: Path, done: int) -> None:
        self.path = path
        self._rows = {step: row for step, row in _read(path).items() if step <= done}

    @property
    def steps(self) -> tuple[int, ...]:
        return tuple(sorted(self._rows))

    def go_back(self, step: int) -> None:
        """Forget what comes after a step."""
        self._rows = {known: row for known, row in self._rows.items() if known <= step}

    def see(self, step: int, model: LatentModel) -> None:
        """Draw a row, if one is kept of this step."""
        if is_point(step):
            self._rows[step] = evolution.row(model)

    def write(self, step: int, model: LatentModel) -> None:
        """Write the sheet, its last row the present one, which goes when the run goes on unless it
        is of a point."""
        self._rows = {known: row for known, row in self._rows.items() if is_point(known)}
        self._rows[step] = evolution.row(model)
        rows = torch.stack([self._rows[known] for known in self.steps])
        evolution.write(self.path, Sheet(self.steps, rows))


def _read(path: Path) -> dict[int, torch.Tensor]:
    """The rows of a sheet; none where there is none, or where it cannot be used, which is said."""
    try:
        sheet = evolution.read(path)
    except RecordError as error:
        print(f"warning: {error}. It begins anew", file=sys.stderr)
        return {}
    return {} if sheet is None else dict(zip(sheet.steps, sheet.rows, strict=True))
