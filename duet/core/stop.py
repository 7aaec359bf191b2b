"""Work that may be stopped: Ctrl-C or SIGTERM asks, the work ends after a whole step."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType


class Interrupted(Exception):
    """A signal stopped the work, what was done is saved; the signal's number is in `signum`."""

    def __init__(self, message: str, signum: int) -> None:
        super().__init__(message)
        self.signum = signum


@contextlib.contextmanager
def stop_signals() -> Iterator[list[int]]:
    """A list that Ctrl-C or SIGTERM adds its number to; a second one ends the process at once."""
    stop: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if stop:
            raise Interrupted("stopped at once, the last steps not saved", signum)
        stop.append(signum)
        print("\nstopping after this step; once more to quit at once", file=sys.stderr)

    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, note) for number in signals}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
