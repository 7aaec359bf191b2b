"""What a run tells: a progress bar for now, log.jsonl and curves.png for later."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from duet.core.files import replacing
from duet.core.progress import progress_bar
from duet.store.run import LogRow
from duet.store.scores import SCORES
from training.driver import Step
from training.health import Health
from training.state import Progress
from training.trackers import Tell

LOG_EVERY_STEPS = 50


class RunLog:
    """Means of the losses over LOG_EVERY_STEPS steps, on the bar and in `path` (None: nowhere).
    `before` are the rows of earlier sittings; `rows` are all; `tell` hears each new one."""

    def __init__(
        self, path: Path | None, before: Sequence[LogRow], progress: Progress, steps: int,
        batch_size: int, tell: Tell = lambda step, values: None,
    ) -> None:
        self.path = path
        self.batch_size = batch_size
        self.tell = tell
        self._seconds_before = progress.seconds
        self._started = time.monotonic()
        self._off_the_clock = 0.0
        self._begin(before, progress)
        self.bar = progress_bar(
            steps, None, "img", leave=True, initial=progress.step, unit_scale=batch_size
        )

    def _begin(self, before: Sequence[LogRow], progress: Progress) -> None:
        self.step, self.retries = progress.step, progress.retries
        self._health = Health()
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0
        # Rows written after the state that we go on from belong to steps that are done again.
        self.rows = [row for row in before if row.step <= progress.step]
        if self.path is not None:
            with replacing(self.path) as scratch:
                scratch.write_text("".join(row.to_line() for row in self.rows))

    def go_back(self, progress: Progress) -> None:
        """Be at an earlier state again. The time goes on."""
        self._begin(self.rows, progress)
        self.bar.reset()
        self.bar.update(progress.step)

    @property
    def progress(self) -> Progress:
        seconds = time.monotonic() - self._started - self._off_the_clock
        return Progress(self.step, self._seconds_before + seconds, self.retries)

    @contextlib.contextmanager
    def off_the_clock(self) -> Iterator[None]:
        """What is done here is no training: its time does not count."""
        began = time.monotonic()
        yield
        self._off_the_clock += time.monotonic() - began

    def add(self, told: Step) -> None:
        """Count one finished step; NotFiniteError where its numbers, on a CPU, or those of the
        steps before are not finite. They stay on the device until the row is written."""
        losses = {f"loss {name}": value for name, value in told.losses.items()}
        norms = {f"gradient of {name}": value for name, value in told.norms.items()}
        self._health.note(self.step + 1, losses | norms)
        for name, value in told.losses.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
        self._count += 1
        self.step += 1
        self.bar.update()
        if self.step % LOG_EVERY_STEPS == 0:
            self.flush()

    def flush(self) -> None:
        """Write the row of the steps since the last one. NotFiniteError where a number of them was
        not finite, so that no broken state is ever saved."""
        if not self._count:
            return
        self._health.check()
        means = {name: (total / self._count).item() for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        row = LogRow(self.step, round(self.progress.seconds, 3), means)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(row.to_line())
        self.rows.append(row)
        self.tell(row.step, means)
        told = {name: f"{value:.3g}" for name, value in means.items()}
        self.bar.set_postfix(told, refresh=False)  # it is drawn when it is time

    def say(self, words: str) -> None:
        """A line of its own above the bar."""
        self.bar.write(words, file=sys.stderr)

    def close(self) -> None:
        self.bar.close()


def draw_curves(rows: Sequence[LogRow], scores: Sequence[LogRow], path: Path) -> None:
    """One panel a loss, and below one a score, over the steps, as a PNG; nothing of no rows."""
    from matplotlib.figure import Figure  # takes half a second, which no other work needs

    told = [kind for kind in (rows, scores) if kind]
    if not told:
        return
    columns = max(len(kind[-1].losses) for kind in told)
    figure = Figure(figsize=(3.2 * columns, 2.6 * len(told)), layout="constrained")
    for line, kind in enumerate(told):
        for place, name in enumerate(kind[-1].losses, start=1):
            axes = figure.add_subplot(len(told), columns, line * columns + place)
            axes.plot([row.step for row in kind], [row.losses[name] for row in kind], linewidth=1)
            title = SCORES[name].heading if kind is scores else name
            axes.set(title=title, xlabel="step")
            axes.grid(alpha=0.3)
    with replacing(path) as scratch:
        figure.savefig(scratch, dpi=110)
