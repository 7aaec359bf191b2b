"""The clock: from the start of a process to each checkpoint that it has saved."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path


class Failed(Exception):
    """A contender's process that did not end well; the message names its log."""


def stamped(
    command: Sequence[str], log: Path, threads: int, cwd: Path
) -> Iterator[tuple[float, str]]:
    """Run a command, and pair each line of its stdout with the seconds since its process began. A
    contender prints a line when a checkpoint is whole on disk, and may read $RACE_STARTED, the
    start on the machine's monotonic clock. stderr is added to `log`."""
    with log.open("a", encoding="utf-8") as errors:
        errors.write(f"$ {' '.join(command)}\n")
        errors.flush()
        started = time.monotonic()
        environment = os.environ | {
            "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1", "RACE_STARTED": str(started)
        }
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment, cwd=cwd
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                yield time.monotonic() - started, line.strip()
    if process.returncode:
        raise Failed(f"exit code {process.returncode}; why stands in {log}")


def outside(command: Sequence[str], log: Path, threads: int, cwd: Path) -> str:
    """Run a command off the clock; what it wrote to stdout."""
    return "\n".join(line for _, line in stamped(command, log, threads, cwd))
