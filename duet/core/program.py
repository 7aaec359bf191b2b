"""What every command line does around its work: one message for a refusal, never a traceback."""

import io
import os
import sys
from collections.abc import Callable

from duet.core.errors import DuetError


def run(work: Callable[[], int]) -> int:
    """`work()`, its exit code; 2 where it is refused or a file cannot be used (the reason is on
    stderr), 130 after Ctrl-C, 141 where the reader of what is said has gone, as for `| head`."""
    _prepare_streams()
    try:
        code = _answered(work)
    except BrokenPipeError:
        code = 141
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # Python flushes once more at its end: let it have somewhere to go
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return code


def _prepare_streams() -> None:
    """Streams that may be written to: one that was closed leads nowhere, and its number is taken,
    lest a file get it that is opened later; a terminal that is no UTF-8 gets \\u2191 for ↑."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115  # to the end
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _answered(work: Callable[[], int]) -> int:
    """The exit code; BrokenPipeError passes."""
    try:
        try:
            return work()
        finally:
            sys.stdout.flush()  # after --help too, which leaves by SystemExit
    except BrokenPipeError:
        raise
    except (DuetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
