"""The training command as a process of its own, within demo/child.py's bounds, for who looks on."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from duet.core.checkout import ROOT
from duet.store.config import DataRecord

CHILD = (sys.executable, "-m", "demo.child")
# Small enough to come to something in a minute on a thread. Steps without end: the time is the
# bound; and no state on the way, since nobody goes on from it.
OPTIONS = (
    "--width", "24", "--batch-size", "32", "--steps", "1000000", "--save-every", "1000000",
    "--show-every", "10", "--device", "cpu",
)
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
LONGEST = 600  # characters of what a process says in the end


@contextlib.contextmanager
def training(
    command: Sequence[str], recipe: str, data: DataRecord, folder: Path, seconds: float,
    niceness: int,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A recipe's process, which has ended when this is left. It works in `folder`/recipe, and
    `last_words` knows what it says."""
    with (folder / f"{recipe}.txt").open("wb") as said, subprocess.Popen(
        [*command, str(seconds), str(niceness), recipe, "--data", data.name,
         "--out", str(folder / recipe), *OPTIONS],
        cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said,
        env=os.environ | THREADS | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def last_words(folder: Path, recipes: Sequence[str]) -> str:
    """What the commands in a folder say of why they ended."""
    lines = [
        line for recipe in recipes
        for line in (folder / f"{recipe}.txt").read_text(errors="replace").splitlines()
    ]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["It ended without a word."])[-1][:LONGEST]


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process and whatever it has started; there is nothing that it should save."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
