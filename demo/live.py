"""Training while somebody looks on: a GAN and a VAE from scratch, for a minute, on the CPU here.

Each is the training command itself, a process of its own (demo/child.py), and what it writes into
its run folder is what is shown. One visitor's pair trains at a time, the others wait in a queue.
Whoever does not look any more is taken for gone. Nobody outside chooses more than whose pictures.
"""

import atexit
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from demo import pictures, temporary
from duet.core.checkout import ROOT
from duet.core.checks import whole
from duet.core.errors import DuetError
from duet.store import evolution
from duet.store.checkpoint import EVOLUTION
from duet.store.config import DataRecord
from duet.store.run import LOG, LogRow, read_log

RECIPES = ("gan", "vae")
CHILD = (sys.executable, "-m", "demo.child")
# Small enough to come to something in a minute on a thread. Steps without end: the time is the
# bound; and no state on the way, since nobody goes on from it.
OPTIONS = (
    "--width", "24", "--batch-size", "32", "--steps", "1000000", "--save-every", "1000000",
    "--show-every", "10", "--device", "cpu",
)
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
MOST_ROWS = 400  # a side's
WAITING, STARTING, TRAINING, DONE, STOPPED, FAILED = (
    "waiting", "starting", "training", "done", "stopped", "failed",
)
UNDER_WAY = (STARTING, TRAINING)


class LiveError(DuetError):
    """A training cannot begin, or is no longer there; the message says why."""


@dataclass(frozen=True)
class Bounds:
    """`start_seconds`: for the libraries and the pictures, which may have to be downloaded;
    `gone_seconds`: after which whoever has not looked is gone."""

    train_seconds: float = 60
    start_seconds: float = 120
    gone_seconds: float = 15
    most_waiting: int = 8
    niceness: int = 10
    look_seconds: float = 0.3


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
    """One visitor's pair, waiting, training or over. `asked`: when it was last looked at."""

    owner: str
    data: DataRecord
    asked: float
    state: str = WAITING
    said: str = ""
    seconds: float = 0.0
    sides: tuple[Side, ...] = field(default_factory=lambda: tuple(map(Side, RECIPES)))
    wish: threading.Event = field(default_factory=threading.Event)  # that it ends


class Live:
    """All visits, by their tickets, which only their visitors know, in the order in which they
    came. Every method may be called from any thread."""

    def __init__(self, bounds: Bounds | None = None, command: Sequence[str] = CHILD) -> None:
        self.bounds = bounds or Bounds()
        self.command = command
        self._lock = threading.Lock()
        self._visits: dict[str, Visit] = {}
        self._thread: threading.Thread | None = None
        self._closed = False
        atexit.register(self.close)

    def start(self, data: DataRecord, owner: str) -> str:
        """A ticket for a new pair, trained on pictures of that set. LiveError where it is nobody's
        published one, where the owner has a pair that is not over, or too many wait."""
        if not (data.origin or data.hub_id):
            raise LiveError(
                "The pictures of these models are somebody's own, and not on this server; choose "
                "models of a published data set, like MNIST."
            )
        with self._lock:
            ahead = [v for v in self._visits.values() if v.state in (WAITING, *UNDER_WAY)]
            if self._closed:
                raise LiveError("The app is ending.")
            if any(visit.owner == owner for visit in ahead):
                raise LiveError("Your training is not over yet; stop it first.")
            if sum(visit.state == WAITING for visit in ahead) >= self.bounds.most_waiting:
                raise LiveError("Too many wait for a training already; come back in some minutes.")
            ticket = secrets.token_urlsafe(16)
            self._visits[ticket] = Visit(owner, data, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="live", daemon=True)
                self._thread.start()
            return ticket

    def look(self, ticket: Any, seen: Any) -> dict[str, Any]:
        """How a visit stands. `seen`: the last step that the visitor has of each side, -1 for none;
        `place`: 1 for who comes next, 0 for who waits no more."""
        if not isinstance(seen, list) or len(seen) != len(RECIPES):
            raise LiveError(f"Seen must be {len(RECIPES)} steps.")
        steps = [whole("seen", step, -1, 2**53) for step in seen]
        with self._lock:
            visit = self._find(ticket)
            visit.asked = time.monotonic()
            waiting = [v for v in self._visits.values() if v.state == WAITING]
            return {
                "state": visit.state,
                "place": waiting.index(visit) + 1 if visit in waiting else 0,
                "seconds": round(visit.seconds, 1),
                "of_seconds": self.bounds.train_seconds,
                "said": visit.said,
                "sides": [s.as_json(step) for s, step in zip(visit.sides, steps, strict=True)],
            }

    def stop(self, ticket: Any) -> None:
        """End a visit, wherever it stands; what it has shown can still be looked at."""
        with self._lock:
            visit = self._find(ticket)
            visit.wish.set()
            if visit.state == WAITING:
                visit.state = STOPPED

    def close(self) -> None:
        """End all of it; nothing begins any more."""
        with self._lock:
            self._closed = True
            thread = self._thread
            for visit in self._visits.values():
                visit.wish.set()
        if thread is not None:
            thread.join(10)
        atexit.unregister(self.close)

    def _find(self, ticket: Any) -> Visit:
        visit = self._visits.get(ticket) if isinstance(ticket, str) else None
        if visit is None:
            raise LiveError("This training is over and forgotten, or was never begun.")
        return visit

    def _work(self) -> None:
        """The thread that trains one pair after the other, until nobody is there."""
        while True:
            with self._lock:
                self._forget_the_gone()
                visit = next((v for v in self._visits.values() if v.state == WAITING), None)
                if self._closed or not self._visits:
                    self._thread = None
                    return
                if visit is not None:
                    visit.state = STARTING
            if visit is None:
                time.sleep(self.bounds.look_seconds)
                continue
            try:
                visit.state = self._train(visit)
            except (DuetError, OSError) as error:  # a full disk, say
                visit.state, visit.said = FAILED, str(error)

    def _forget_the_gone(self) -> None:
        self._visits = {ticket: v for ticket, v in self._visits.items() if not self._gone(v)}

    def _gone(self, visit: Visit) -> bool:
        return time.monotonic() - visit.asked > self.bounds.gone_seconds

    def _train(self, visit: Visit) -> str:
        """Both recipes, from their start to their end; how it ended."""
        place = os.environ.get(temporary.VARIABLE)
        with tempfile.TemporaryDirectory(
            prefix="live-", dir=place, ignore_cleanup_errors=True
        ) as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            running = [
                stack.enter_context(self._started(recipe, visit.data, folder)) for recipe in RECIPES
            ]
            asked_at, began = time.monotonic(), None
            while True:
                over = visit.wish.wait(self.bounds.look_seconds)
                codes = [process.poll() for process in running]
                for side in visit.sides:
                    side.look(folder / side.recipe)
                now = time.monotonic()
                if began is None and all(side.rows for side in visit.sides):
                    began, visit.state = now, TRAINING
                visit.seconds = 0.0 if began is None else now - began
                if over or self._gone(visit):
                    return STOPPED
                if any(codes):
                    visit.said = _last_words(folder)
                    return FAILED
                if visit.seconds >= self.bounds.train_seconds or codes == [0] * len(codes):
                    return DONE
                if began is None and now - asked_at > self.bounds.start_seconds:
                    visit.said = "It did not begin in time; the server is too busy."
                    return FAILED

    @contextlib.contextmanager
    def _started(
        self, recipe: str, data: DataRecord, folder: Path
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A recipe's process, which has ended when this is left."""
        most = self.bounds.start_seconds + self.bounds.train_seconds + 10
        with (folder / f"{recipe}.txt").open("wb") as said, subprocess.Popen(
            [*self.command, str(most), str(self.bounds.niceness), recipe, "--data", data.name,
             "--out", str(folder / recipe), *OPTIONS],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said,
            env=os.environ | THREADS | {"PYTHONPATH": str(ROOT)}, start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and whatever it has started; there is nothing that it should save."""
    if process.poll() is None:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()


def _last_words(folder: Path) -> str:
    """What the commands say of why they ended."""
    lines = [
        line for recipe in RECIPES
        for line in (folder / f"{recipe}.txt").read_text(errors="replace").splitlines()
    ]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["It ended without a word."])[-1][:600]
