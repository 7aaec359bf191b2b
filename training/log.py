"""What a run tells: a progress bar for now, log.jsonl and curves.png for later."""

import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from tqdm import tqdm

from duet.core.files import replacing
from duet.store.run import LogRow
from training.config import TrainingError
from training.state import Progress

LOG_EVERY_STEPS = 50


class RunLog:
    """Means of the losses over LOG_EVERY_STEPS steps, on the bar and in `path`. `before` are the
    rows of earlier sittings; `rows` are all."""

    def __init__(
        self, path: Path, before: Sequence[LogRow], progress: Progress, steps: int, batch_size: int
    ) -> None:
        self.path = path
        self.step = progress.step
        self.batch_size = batch_size
        self._seconds_before = progress.seconds
        self._started = time.monotonic()
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0
        # Rows written after the state that we go on from belong to steps that are done again.
        self.rows = [row for row in before if row.step <= progress.step]
        with replacing(path) as scratch:
            scratch.write_text("".join(row.to_line() for row in self.rows))
        self.bar = tqdm(
            total=steps, initial=progress.step, unit="img", unit_scale=batch_size,
            mininterval=0.5 if sys.stderr.isatty() else 30, dynamic_ncols=True,
        )

    @property
    def progress(self) -> Progress:
        return Progress(self.step, self._seconds_before + time.monotonic() - self._started)

    def add(self, losses: dict[str, torch.Tensor]) -> None:
        """Count one finished step. Losses stay on the device until the row is written."""
        for name, value in losses.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1
        self.step += 1
        self.bar.update()
        if self.step % LOG_EVERY_STEPS == 0:
            self.flush()

    def flush(self) -> None:
        """Write the row of the steps since the last one. TrainingError where it is not finite, so
        that no broken state is ever saved."""
        if not self._count:
            return
        means = {name: (total / self._count).item() for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        broken = {name: value for name, value in means.items() if not math.isfinite(value)}
        if broken:
            raise TrainingError(
                f"the loss is no longer finite within {LOG_EVERY_STEPS} steps of step {self.step}: "
                f"{broken}; try a lower --learning-rate or --precision float32. The last good "
                "state is kept in the run folder"
            )
        row = LogRow(self.step, round(self.progress.seconds, 3), means)
        with self.path.open("a") as file:
            file.write(row.to_line())
        self.rows.append(row)
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})

    def close(self) -> None:
        self.bar.close()


def draw_curves(rows: Sequence[LogRow], path: Path) -> None:
    """One panel a loss, over the steps, as a PNG; nothing of no rows."""
    if not rows:
        return
    names = list(rows[-1].losses)
    figure = Figure(figsize=(3.2 * len(names), 2.6), layout="constrained")
    for position, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), position)
        axes.plot([row.step for row in rows], [row.losses[name] for row in rows], linewidth=1)
        axes.set(title=name, xlabel="step")
        axes.grid(alpha=0.3)
    with replacing(path) as scratch:
        figure.savefig(scratch, dpi=110)
