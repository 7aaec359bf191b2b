"""Scores on the way: the evaluation's own command, a process of its own, measures what would ship.

So the scores are those of `python -m evaluation measure`, no random number of the run is touched,
and training imports nothing of the evaluation. The time that it takes is not counted as the run's.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from duet.core.checkout import ROOT
from duet.core.files import replacing, replacing_folder, scratch_folder
from duet.store import records
from duet.store.checkpoint import METRICS
from duet.store.metrics import Measurement, MetricsRecord
from duet.store.run import LogRow, read_log
from duet.store.scores import SCORES
from training.config import TrainConfig, TrainingError
from training.folder import BEST, CHECKPOINT, SCORE_LOG, STATE
from training.state import Progress

SAMPLES = 2_000
CANDIDATE = "candidate"  # a scratch folder's name while it is measured
BY = "frechet_distance"  # what decides which is the best; lower is better
TOLD = (BY, "kernel_distance", "precision", "recall", "specks")
# Of a launcher: the evaluation of one process's model is no part of the run's processes.
OF_A_LAUNCHER = ("WORLD_SIZE", "RANK", "LOCAL_RANK")


class ScoreLog:
    """The scores of a run folder, a row each time, in scores.jsonl; the best checkpoint so far, and
    the state that it was made from, in best/. Rows of after step `done` are forgotten."""

    def __init__(self, folder: Path, config: TrainConfig, done: int) -> None:
        self.folder, self.config = folder, config
        self.rows: list[LogRow] = list(read_log(folder / SCORE_LOG))
        self.go_back(done)

    def go_back(self, step: int) -> None:
        """Forget what comes after a step."""
        self.rows = [row for row in self.rows if row.step <= step]

    def is_due(self, step: int) -> bool:
        """Whether a step is one of every so many, or the last."""
        every = self.config.eval_every
        return every is not None and (step % every == 0 or step == self.config.steps)

    def has(self, step: int) -> bool:
        """Whether it was measured already, by an earlier sitting."""
        return bool(self.rows) and self.rows[-1].step == step

    def measure(self, progress: Progress, write: Callable[[Path], None]) -> str:
        """Measure what `write` makes of a folder, a checkpoint of the state that was just saved,
        and say it in words. TrainingError where the evaluation refuses."""
        with scratch_folder(self.folder / CANDIDATE) as scratch:
            candidate = scratch / CHECKPOINT
            write(candidate)
            measured = measure(candidate, self.config, SAMPLES)
            best = is_better(measured, self.folder / BEST)
            if best:
                with replacing_folder(self.folder / BEST) as place:
                    shutil.copytree(candidate, place, dirs_exist_ok=True)
                    shutil.copyfile(self.folder / STATE, place / STATE)
        told = {key: measured.scores[key] for key in TOLD if key in measured.scores}
        values = {key: score.value for key, score in told.items()}
        self.rows.append(LogRow(progress.step, round(progress.seconds, 3), values))
        with replacing(self.folder / SCORE_LOG) as file:
            file.write_text("".join(row.to_line() for row in self.rows))
        words = ", ".join(f"{SCORES[key].title} {SCORES[key].text(told[key])}" for key in told)
        return f"step {progress.step}: {words}{' (the best so far)' if best else ''}"


def is_better(measured: Measurement, best: Path) -> bool:
    """Whether it beats the checkpoint in `best`, or that was measured by another protocol."""
    record = records.read(MetricsRecord, best / METRICS)
    if record is None or record.measurements[-1].protocol != measured.protocol:
        return True
    return measured.scores[BY].value < record.measurements[-1].scores[BY].value


def child_environment() -> dict[str, str]:
    """Of a command of ours that is started from here: this code, and none of a launcher's words."""
    environment = {key: value for key, value in os.environ.items() if key not in OF_A_LAUNCHER}
    paths = filter(None, (str(ROOT), environment.get("PYTHONPATH")))
    return environment | {"PYTHONPATH": os.pathsep.join(paths)}


def measure(checkpoint: Path, config: TrainConfig, samples: int) -> Measurement:
    """What the evaluation finds of a checkpoint folder, and leaves in its metrics.json."""
    command = [
        sys.executable, "-m", "evaluation", "measure", str(checkpoint), "--json",
        "--samples", str(samples), "--repeats", "0", "--device", config.device,
    ]
    if config.data_dir is not None:
        command += ["--data-dir", str(config.data_dir)]
    # A session of its own: Ctrl-C asks the run to stop, after this.
    done = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False,
        start_new_session=True,
    )
    record = records.read(MetricsRecord, checkpoint / METRICS)
    if done.returncode or record is None:
        reason = done.stderr.strip().rpartition("error: ")[2] or f"it ended by {done.returncode}"
        raise TrainingError(f"the evaluation could not be done: {reason}")
    return record.measurements[-1]
