"""python -m benchmarks.app: what the app's server bears, and how fast it answers.

One process over the shipped models is started, called over HTTP as programs and browsers call it,
and stopped. Times say something on a quiet machine only; `--against` measures another checkout in
turn with this one, which says more on a busy one. What misses its goal (GOALS) is marked.
"""

import base64
import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from duet.core import program
from duet.core.checkout import ROOT
from duet.core.errors import DuetError
from duet.core.files import write_json
from duet.core.words import aligned

Figures = dict[str, float]
# Figure -> the most that it may be.
GOALS: dict[str, float] = {
    "first answer, s": 9, "16 + 16 digits: median, ms": 40,
    "20 clients: 95th percentile, ms": 700, "100 clients: errors": 0, "100 in the queue: errors": 0,
    "beside a search: times as slow": 2, "resident, MB": 1200,
}
START_SECONDS = 240
CALLS = 60  # one after the other
PAIR = ("mnist-gan", "mnist-vae")
COUNT = 16  # pictures a side


class BenchError(DuetError):
    """The app does not start, or does not answer."""


@dataclass(frozen=True)
class App:
    """A running app: its port, its process, and the seconds until its first answer."""

    port: int
    process: "subprocess.Popen[bytes]"
    seconds: float


def bench(
    requests: int = 1000, against: Path | None = None,
    out: Path = Path("benchmarks/results/app.json"),
) -> str:
    """Measure, write the figures as JSON, and print them as a table.

    Args:
        requests: Calls after which memory is looked at first; five times as many for the last look.
        against: Another checkout of Duet, which is measured in turn with this one.
        out: JSON file to write.
    """
    places = {"here": ROOT} | ({} if against is None else {"against": against.resolve()})
    found: dict[str, Figures] = {name: {} for name in places}
    with contextlib.ExitStack() as stack:
        apps = {name: stack.enter_context(app(root)) for name, root in places.items()}
        for measure in (start, alone, again, crowd, queued, beside_a_search):
            for name, served in apps.items():
                found[name] |= measure(served)
        for name, served in apps.items():
            found[name] |= memory(served, requests)
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, found)
    return table(found)


def start(served: App) -> Figures:
    return {"first answer, s": round(served.seconds, 1)}


def alone(served: App) -> Figures:
    """Sheets of seeds that nobody asked for before."""
    caller = Caller(served.port)
    caller.sample(next(SEEDS))
    times = [timed(caller.sample, next(SEEDS)) for _ in range(CALLS)]
    return spread(f"{COUNT} + {COUNT} digits", times)


def again(served: App) -> Figures:
    """The sheet of one seed."""
    caller, seed = Caller(served.port), next(SEEDS)
    caller.sample(seed)
    return spread("asked again", [timed(caller.sample, seed) for _ in range(CALLS)])


def crowd(served: App) -> Figures:
    """Clients that come at once, each with seeds of its own."""
    few = together(served, 20, 5, Caller.sample)
    many = together(served, 100, 1, Caller.sample)
    return {
        **spread("20 clients", few), **spread("100 clients", many),
        "20 clients: errors": 100 - len(few), "100 clients: errors": 100 - len(many),
    }


def queued(served: App) -> Figures:
    """A hundred at once as a browser comes, by way of the queue."""
    times = together(served, 100, 1, Caller.sample_by_queue)
    return spread("100 in the queue", times) | {"100 in the queue: errors": 100 - len(times)}


def beside_a_search(served: App) -> Figures:
    """Sheets while the server searches, beside sheets on their own right before."""
    caller, before, during = Caller(served.port), list[float](), list[float]()
    for _ in range(CALLS // 2):
        before.append(timed(caller.sample, next(SEEDS)))
    over = threading.Event()

    def seek() -> None:
        other = Caller(served.port)
        while not over.is_set():
            other.search(next(SEEDS))

    thread = threading.Thread(target=seek)
    thread.start()
    time.sleep(0.5)
    for _ in range(CALLS // 2):
        during.append(timed(caller.sample, next(SEEDS)))
    over.set()
    thread.join()
    return spread("beside a search", during) | {
        "beside a search: times as slow": round(
            statistics.median(during) / statistics.median(before), 2
        )
    }


def memory(served: App, requests: int) -> Figures:
    """Resident memory after so many further calls, and after five times as many."""
    caller, found = Caller(served.port), list[float]()
    for calls in (requests, 4 * requests):
        for _ in range(calls):
            caller.sample(next(SEEDS), count=1)
        found.append(resident(served.process.pid))
    return {
        f"after {requests:,} calls, MB": found[0], "resident, MB": found[1],
        "grown, MB": round(found[1] - found[0], 1),
    }


SEEDS = itertools.count(1)  # nothing is asked for twice but on purpose


class Caller:
    """One client, on a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def fetch(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer's body; BenchError where it is no success."""
        headers = {"Content-Type": "application/json"}
        content = None if body is None else json.dumps(body)
        self.connection.request(method, f"/gradio_api/{path}", content, headers)
        answer = self.connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise BenchError(f"{path}: {answer.status} {read[:200]!r}")
        return read

    def sample(self, seed: int, count: int = COUNT) -> None:
        self.fetch("POST", "run/sample", {"data": [*PAIR, "~any", count, seed, 1.0]})

    def sample_by_queue(self, seed: int) -> None:
        self._queue("sample", [*PAIR, "~any", COUNT, seed, 1.0])

    def search(self, seed: int) -> None:
        pixels = base64.b64encode(bytes(784)).decode()
        self._queue("nearest", [PAIR[0], pixels, None, seed])

    def _queue(self, name: str, data: Sequence[Any]) -> None:
        event = json.loads(self.fetch("POST", f"call/{name}", {"data": data}))["event_id"]
        if b"event: complete" not in self.fetch("GET", f"call/{name}/{event}"):
            raise BenchError(f"{name}: the queue gave no answer")


def timed(function: Callable[..., None], *arguments: Any) -> float:
    """Milliseconds that a call takes."""
    began = time.perf_counter()
    function(*arguments)
    return 1000 * (time.perf_counter() - began)


def together(
    served: App, clients: int, calls: int, function: Callable[[Caller, int], None]
) -> list[float]:
    """Milliseconds of every call that was answered, of clients that begin at once."""
    times: list[float] = []
    begin = threading.Barrier(clients)

    def client() -> None:
        caller = Caller(served.port)
        begin.wait()
        for _ in range(calls):
            with contextlib.suppress(BenchError, OSError, http.client.HTTPException):
                times.append(timed(function, caller, next(SEEDS)))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def spread(name: str, times: Sequence[float]) -> Figures:
    ordered = sorted(times) or [float("nan")]
    return {
        f"{name}: median, ms": round(statistics.median(ordered), 1),
        f"{name}: 95th percentile, ms": round(ordered[int(0.95 * len(ordered))], 1),
    }


def resident(process: int) -> float:
    """MB of a process in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


@contextlib.contextmanager
def app(root: Path) -> Iterator[App]:
    """A checkout's app over its shipped models, on some port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"PORT": str(port), "SHARE": "", "DUET_MODELS": "", "GRADIO_ANALYTICS_ENABLED": "False"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=root, env=os.environ | own, stdout=subprocess.DEVNULL,
    )
    try:
        yield App(port, process, _first_answer(port, process) - began)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _first_answer(port: int, process: "subprocess.Popen[bytes]") -> float:
    """When the page came."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/")
            if connection.getresponse().read():
                return time.perf_counter()
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchError("the app does not start; `make app` says why")
        time.sleep(0.05)


def table(found: dict[str, Figures]) -> str:
    """A row a figure with its goal, a column a checkout."""
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    rows = [["figure", "goal", *found]]
    rows += [
        [name, f"≤ {GOALS[name]:g}" if name in GOALS else "",
         *(_cell(name, figures[name]) if name in figures else "–" for figures in found.values())]
        for name in names
    ]
    return aligned(rows)


def _cell(name: str, value: float) -> str:
    return f"{value:g}" if value <= GOALS.get(name, value) else f"{value:g} (missed)"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; 0 done, 2 refused."""

    def work() -> int:
        print(tyro.cli(bench, prog="python -m benchmarks.app", description=__doc__, args=argv))
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
