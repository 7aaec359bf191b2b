"""Training while somebody looks on: a GAN and a VAE from scratch, for a minute, on the CPU here.

Each is the training command itself, a process of its own (demo/processes.py), and what it writes
into its run folder is what is shown. One visitor's pair trains at a time, the others wait in a
queue. Whoever does not look any more is taken for gone. Nobody outside chooses more than whose
pictures.
"""

import atexit
import contextlib
import os
import secrets
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo import processes, temporary
from demo.app_blocks import FAILED as UNFORESEEN
from demo.visit import DONE, FAILED, RECIPES, STARTING, STOPPED, TRAINING, WAITING, Visit
from duet.core.checks import whole
from duet.core.errors import DuetError
from duet.store.config import DataRecord


class LiveError(DuetError):
    """A training cannot begin, or is no longer there; the message says why."""


@dataclass(frozen=True)
class Bounds:
    """`start_seconds`: for the libraries and the pictures, which may have to be downloaded;
    `gone_seconds`: after which whoever has not looked is gone; `most_over`: pairs that may still be
    looked at when they are over, some megabytes each."""

    train_seconds: float = 60
    start_seconds: float = 120
    gone_seconds: float = 15
    most_waiting: int = 8
    most_over: int = 4
    niceness: int = 10
    look_seconds: float = 0.3


class Live:
    """All visits, by their tickets, which only their visitors know, in the order in which they
    came. Every method may be called from any thread."""

    def __init__(
        self, bounds: Bounds | None = None, command: Sequence[str] = processes.CHILD
    ) -> None:
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
            self._forget()
            ahead = [visit for visit in self._visits.values() if not visit.is_over]
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
            stands = {
                "state": visit.state,
                "place": waiting.index(visit) + 1 if visit in waiting else 0,
                "seconds": round(visit.seconds, 1),
                "of_seconds": self.bounds.train_seconds,
                "said": visit.said,
            }
        # Pictures are packed here, while others look. What came since is shown a moment early.
        return stands | {
            "sides": [s.as_json(step) for s, step in zip(visit.sides, steps, strict=True)]
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
                self._forget()
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
                visit.said, visit.state = str(error), FAILED
            except Exception:  # the others shall still have their turn
                traceback.print_exc()
                visit.said, visit.state = UNFORESEEN, FAILED

    def _forget(self) -> None:
        """Those who are gone, and what is over longest: looking on keeps nothing for ever."""
        here = {ticket: v for ticket, v in self._visits.items() if not self._gone(v)}
        over = [ticket for ticket, visit in here.items() if visit.is_over]
        for ticket in over[: max(0, len(over) - self.bounds.most_over)]:
            del here[ticket]
        self._visits = here

    def _gone(self, visit: Visit) -> bool:
        return time.monotonic() - visit.asked > self.bounds.gone_seconds

    def _train(self, visit: Visit) -> str:
        """Both recipes, from their start to their end; how it ended."""
        place = os.environ.get(temporary.VARIABLE)
        most = self.bounds.start_seconds + self.bounds.train_seconds + 10
        with tempfile.TemporaryDirectory(
            prefix="live-", dir=place, ignore_cleanup_errors=True
        ) as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            running = [
                stack.enter_context(processes.training(
                    self.command, recipe, visit.data, folder, most, self.bounds.niceness
                ))
                for recipe in RECIPES
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
                    visit.said = processes.last_words(folder, RECIPES)
                    return FAILED
                if visit.seconds >= self.bounds.train_seconds or codes == [0] * len(codes):
                    return DONE
                if began is None and now - asked_at > self.bounds.start_seconds:
                    visit.said = "It did not begin in time; the server is too busy."
                    return FAILED
