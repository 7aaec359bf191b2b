"""What every command line does around its work: one message for a refusal, never a traceback."""

import io
import os
import sys
from collections.abc import Callable

from duet.core.errors import DuetError


def run(work: Callable[[], int]) -> int:
    """`work()`, its exit code; 2 where it is refused or a file cannot be used (the reason is on
    stderr), 130 after Ctrl-C, 141 where the reader of stdout has gone, as for `| head`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that is no UTF-8 gets \\u2191 for ↑
            stream.reconfigure(errors="backslashreplace")
    try:
        code = work()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes stdout once more at its end: let it have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (DuetError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
