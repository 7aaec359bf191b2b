"""python -m demo.child SECONDS NICENESS gan …: the training command, within bounds.

demo/processes.py starts it, and holds the other end of its standard input. It ends when that
closes, as it does when the app ends in whatever way, and after so many seconds at the latest.
"""

import os
import runpy
import sys
import threading

MOST_FILE_BYTES = 2**28  # several times the largest state
ENDED = 1


def bound(seconds: float, niceness: int) -> None:
    """Let this process yield to others, and end in time."""
    if hasattr(os, "nice"):
        os.nice(niceness)
        import resource  # what has the one has the other

        cpu_seconds = int(seconds) + 1  # of one thread; the kernel's own watch
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    timer = threading.Timer(seconds, os._exit, [ENDED])
    timer.daemon = True
    timer.start()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(ENDED)


if __name__ == "__main__":
    bound(float(sys.argv[1]), int(sys.argv[2]))
    sys.argv[1:3] = []
    runpy.run_module("training", run_name="__main__", alter_sys=True)
