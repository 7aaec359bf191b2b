"""One visitor's pair in training, and what it has shown so far (demo/live.py)."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from demo import pictures
from duet.store import evolution
from duet.store.checkpoint import EVOLUTION
from duet.store.config import DataRecord
from duet.store.run import LOG, LogRow, read_log

RECIPES = ("gan", "vae")
MOST_ROWS = 400  # a side's
WAITING, STARTING, TRAINING, DONE, STOPPED, FAILED = (
    "waiting", "starting", "training", "done", "stopped", "failed",
)
UNDER_WAY = (STARTING, TRAINING)


@dataclass
class Side:
    """What one recipe has shown so far: `rows` uint8 [C, H, 16 W] by step, and its log."""

    recipe: str
    rows: dict[int, torch.Tensor] = field(default_factory=dict)
    log: Sequence[LogRow] = ()

    def look(self, folder: Path) -> None:
        """Take in what stands in the run folder."""
        sheet = evolution.read(folder / EVOLUTION)
        self.log = read_log(folder / LOG)
        found = dict(zip(sheet.steps, sheet.rows, strict=True)) if sheet else {}
        if len(self.rows) < MOST_ROWS:
            self.rows = found | self.rows  # a new one: others read the old one meanwhile

    def as_json(self, seen: int) -> dict[str, Any]:
        """The rows of after step `seen`, one below the other, and all of the curves."""
        rows = self.rows
        new = sorted(step for step in rows if step > seen)
        columns = [row.columns() for row in self.log]
        return {
            "recipe": self.recipe,
            "steps": new,
            "sheet": pictures.data_url(torch.stack([rows[step] for step in new])) if new
            else None,
            "curves": {key: [row[key] for row in columns] for key in columns[0]} if columns else {},
        }


@dataclass
class Visit:
    """A pair, waiting, training or over. `asked`: when it was last looked at."""

    owner: str
    data: DataRecord
    asked: float
    state: str = WAITING
    said: str = ""
    seconds: float = 0.0
    sides: tuple[Side, ...] = field(default_factory=lambda: tuple(map(Side, RECIPES)))
    wish: threading.Event = field(default_factory=threading.Event)  # that it ends

    @property
    def is_over(self) -> bool:
        return self.state not in (WAITING, *UNDER_WAY)
