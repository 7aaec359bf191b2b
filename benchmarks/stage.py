"""python -m benchmarks.stage: what the stage costs a visitor and how fast it is, in Chromium.

The static site and the app are measured in one run, and the server's answers beside them, which the
page waited for before it had a stage. Times say something on a quiet machine only. What misses its
goal (GOALS) is marked.
"""

import contextlib
import functools
import http.server
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tyro
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from demo import site
from duet.core import program
from duet.core.checkout import ROOT
from duet.core.errors import DuetError
from duet.core.files import write_json

Figures = dict[str, float]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
STATIC, APP, BUSY, SERVER = "static site", "app", "app, server busy", "app, server's answers"
# Figure -> the most that it may be, or by a minus the least; of the first picture, of each place.
GOALS: dict[str, float] = {
    "first picture, ms": 1500, "from there to a model's answer, ms": 4000,
    "MB before a model answers": 6, "MB with both models": 8,
    "second visit: MB with both models": 0.5,
    "drag: frames a second": -59, "drag: requests": 0, "sheets of 9: frames a second": -20,
    "CPU / 4: drag: frames a second": -30, "drift: heap grown, MB": 2,
}
GOALS_HERE = {(STATIC, "first picture, ms"): 500.0}
START_SECONDS = 240
CALLS = 40  # of the server, one after the other
PHONE = 4  # times slower than here
# The stage of a page, within the app behind a shadow root.
MOUNT = "document.querySelector('.stage-mount, main#stage')"
STAGE = f"const {{ stage }} = {MOUNT};"
MARK_MS = """performance.getEntriesByName(%r)[0].startTime
    - performance.getEntriesByType('navigation')[0].responseEnd"""
AWAKE = f"{MOUNT}?.stage?.sides.every((side) => side.awake)"
# A hand that never rests; the times at which both pictures had been drawn.
DRAG = f"""(seconds) => new Promise((done) => {{
    {STAGE}
    const {{ explore }} = stage, [picture] = explore.canvases;
    const box = picture.getBoundingClientRect(), began = performance.now();
    explore.frames.length = 0;
    const step = (now) => {{
        const angle = (now - began) / 300;
        picture.dispatchEvent(new PointerEvent('pointermove', {{ bubbles: true,
            pointerId: explore.hand.id,
            clientX: box.x + 100 + 60 * Math.cos(angle),
            clientY: box.y + 100 + 60 * Math.sin(angle) }}));
        if (now - began < 1000 * seconds) requestAnimationFrame(step);
        else done([...explore.frames]);
    }};
    requestAnimationFrame(step);
}})"""
# A control that never rests; the times at which both sheets had been drawn.
SHEETS = f"""(seconds) => new Promise((done) => {{
    {STAGE}
    const {{ views: {{ sample }}, state }} = stage, drawn = [], began = performance.now();
    stage.open('sample');
    let last = sample.drawn;
    const step = (now) => {{
        if (sample.drawn !== last) {{ last = sample.drawn; drawn.push(now); }}
        if (sample.shown === sample.drawn) state.truncation = 0.5 + 0.001 * (drawn.length % 500);
        if (now - began < 1000 * seconds) {{ requestAnimationFrame(step); return; }}
        state.truncation = 1;
        stage.open('explore');
        done(drawn);
    }};
    requestAnimationFrame(step);
}})"""
# One picture a side, as the tab Sample asks for it: milliseconds of each call.
CALL = f"""async (count) => {{
    {STAGE}
    const names = stage.sides.map((side) => side.about.name), times = [];
    for (let seed = 0; seed < count; seed++) {{
        const began = performance.now();
        const answer = await fetch(new URL('gradio_api/run/sample', document.baseURI), {{
            method: 'POST', headers: {{ 'Content-Type': 'application/json' }},
            body: JSON.stringify({{ data: [...names, '~any', 1, seed, 1] }}),
        }});
        const {{ data }} = await answer.json();
        for (const one of [data[0], data[2]]) await (await fetch(one.url)).blob();
        times.push(performance.now() - began);
    }}
    return times;
}}"""


class BenchError(DuetError):
    """There is nothing to measure with."""


def bench(
    seconds: float = 5.0, drift_minutes: float = 1.0,
    out: Path = Path("benchmarks/results/stage.json"),
) -> str:
    """Measure, write the figures as JSON, and print them as a table.

    Args:
        seconds: How long each drag lasts.
        drift_minutes: How long the stage drifts while its memory is watched; 10 for the record.
        out: JSON file to write.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchError("this needs Chromium: apt-get install chromium")
    found: dict[str, Figures] = {}
    with sync_playwright() as playwright, static() as still, app() as served:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for name, url in {STATIC: still, APP: served}.items():
            found[name] = of_place(browser, url, seconds, drift_minutes)
        found[BUSY] = while_busy(browser, served)
        found[SERVER] = of_server(browser, served)
        browser.close()
    for name in (STATIC, APP):
        found[name]["drag: times as many as the server's"] = round(
            found[name]["drag: frames a second"] / found[SERVER]["pictures: frames a second"], 1
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out, found)
    return table(found)


def of_place(browser: Browser, url: str, seconds: float, drift_minutes: float) -> Figures:
    """A first visit, a hand, a phone's hand, a second visit, and a long look."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, figures = arrive(context, url)
    page.wait_for_timeout(2000)  # the map fills
    figures |= dragged(page, seconds)
    figures |= frames("sheets of 9", page.evaluate(SHEETS, seconds))
    devtools = context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": PHONE})
    slow = dragged(page, seconds)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    figures |= {f"CPU / {PHONE}: {name}": value for name, value in slow.items()}
    page.close()
    page, again = arrive(context, url)
    figures |= {f"second visit: {name}": value for name, value in again.items()}
    figures |= drifted(browser, page, drift_minutes)
    context.close()
    return figures


def arrive(context: BrowserContext, url: str) -> tuple[Page, Figures]:
    """Open the stage and wait until both models are awake: times from the HTML, bytes."""
    page, loaded = context.new_page(), list[Request]()
    page.set_default_timeout(60_000)
    note = _noting(loaded)
    page.on("requestfinished", note)
    page.goto(url)
    page.wait_for_function("performance.getEntriesByName('duet-model').length")
    before = own_bytes(loaded)
    page.wait_for_function(AWAKE)
    page.wait_for_function("!document.querySelector('#first')")  # in its place
    page.wait_for_timeout(300)
    marks = {
        name: page.evaluate(
            f"performance.getEntriesByName('{mark}').length ? {MARK_MS % mark} : -1"
        )
        for name, mark in (("first picture, ms", "duet-recording"),
                           ("first model's answer, ms", "duet-model"))
    }
    first, model = marks.values()
    if min(first, model) >= 0:
        marks["from there to a model's answer, ms"] = model - first
    return page, {
        **{name: round(value) for name, value in marks.items() if value >= 0},
        "MB before a model answers": before, "MB with both models": own_bytes(loaded),
    }


def _noting(requests: list[Request]) -> Callable[[Request], None]:
    """What appends to a list; Playwright marks its listeners, which a list's own method forbids."""

    def note(request: Request) -> None:
        requests.append(request)

    return note


def own_bytes(loaded: Sequence[Request]) -> float:
    """What came over the wire for the stage, in MB: in the app its files, without Gradio's page."""
    files = [request for request in loaded if "gradio_api/file=" in request.url] or loaded
    sizes = [request.sizes() for request in files]
    return round(sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes) / 1e6, 3)


def dragged(page: Page, seconds: float) -> Figures:
    """Frames of a drag on the first picture, and the requests meanwhile."""
    requests: list[Request] = []
    box = page.locator(".picture").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    note = _noting(requests)
    page.on("request", note)
    drawn = page.evaluate(DRAG, seconds)
    page.remove_listener("request", note)
    page.mouse.up()
    ours = [request for request in requests if "heartbeat" not in request.url]  # Gradio's
    return frames("drag", drawn) | {"drag: requests": len(ours)}


def frames(name: str, drawn: Sequence[float]) -> Figures:
    """Of the times at which frames were drawn, in milliseconds: how far apart they were."""
    gaps = sorted(b - a for a, b in itertools.pairwise(drawn))
    if not gaps:
        return {f"{name}: frames a second": 0}
    return {
        f"{name}: median frame, ms": round(statistics.median(gaps), 1),
        f"{name}: 99th percentile, ms": round(gaps[int(0.99 * len(gaps))], 1),
        f"{name}: frames a second": round(1000 * len(gaps) / sum(gaps), 1),
    }


def drifted(browser: Browser, page: Page, minutes: float) -> Figures:
    """Memory after the first fifth of a drift, and at its end."""
    page.evaluate(f"() => {{ {STAGE} stage.play(true); }}")
    devtools = page.context.new_cdp_session(page)
    page.wait_for_timeout(minutes * 60_000 / 5)
    early = memory(browser, devtools)
    page.wait_for_timeout(minutes * 60_000 * 4 / 5)
    late = memory(browser, devtools)
    return {f"drift: {name} at first": value for name, value in early.items()} | {
        f"drift: {name} at last": value for name, value in late.items()
    } | {
        "drift: heap grown, MB": round(late["heap, MB"] - early["heap, MB"], 1),
        "drift: minutes": minutes,
    }


def memory(browser: Browser, devtools: Any) -> Figures:
    """The page's objects after a collection, and all that its processes hold."""
    devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [process["id"] for process in processes if process["type"] == "renderer"]
    return {"heap, MB": round(heap / 1e6, 1), "resident, MB": round(sum(map(resident, pages)))}


def resident(process: int) -> float:
    """MB of a process in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def while_busy(browser: Browser, url: str) -> Figures:
    """A first visit while the server draws without a pause for others."""
    body = json.dumps({"data": ["mnist-gan", "mnist-vae", "~any", 64, 0, 1]}).encode()
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            request = urllib.request.Request(
                f"{url}gradio_api/run/sample", body, {"Content-Type": "application/json"}
            )
            with contextlib.suppress(OSError):
                urllib.request.urlopen(request, timeout=60).close()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    context = browser.new_context()
    _, figures = arrive(context, url)
    context.close()
    over.set()
    thread.join()
    return figures


def of_server(browser: Browser, url: str) -> Figures:
    """The way of the tab Sample: a picture a side, asked for and fetched."""
    context = browser.new_context()
    page, _ = arrive(context, url)
    page.evaluate(f"() => {{ {STAGE} stage.play(false); }}")
    times = list(itertools.accumulate(page.evaluate(CALL, CALLS)))
    context.close()
    return frames("pictures", [0, *times])


@contextlib.contextmanager
def static() -> Iterator[str]:
    """The static site on some port of this machine."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = site.site(Path(temporary) / "site")
        handler = functools.partial(_Quiet, directory=str(folder))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@contextlib.contextmanager
def app() -> Iterator[str]:
    """The app over the shipped models on some port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"PORT": str(port), "SHARE": "", "DUET_MODELS": "", "GRADIO_ANALYTICS_ENABLED": "False"}
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=os.environ | own, stdout=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/config", process)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError("the app does not start; `make app` says why") from error
            time.sleep(0.1)


def table(found: dict[str, Figures]) -> str:
    """Markdown: a row a figure with its goal, a column a place."""
    names = list(dict.fromkeys(name for figures in found.values() for name in figures))
    rows = [["figure", "goal", *found], ["---", *["--:"] * (1 + len(found))]]
    rows += [
        [name, _goal(name), *(_cell(place, name, f[name]) if name in f else "–"
                              for place, f in found.items())]
        for name in names
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _goal(name: str) -> str:
    goals = [*(goal for (_, figure), goal in GOALS_HERE.items() if figure == name),
             *([GOALS[name]] if name in GOALS else [])]
    return " / ".join(f"{'≥' if goal < 0 else '≤'} {abs(goal):g}" for goal in goals)


def _cell(place: str, name: str, value: float) -> str:
    return f"{value:g}{'' if met(place, name, value) else ' (missed)'}"


def met(place: str, name: str, value: float) -> bool:
    """Whether a figure reaches its goal; one without a goal does."""
    goal = GOALS_HERE.get((place, name), GOALS.get(name))
    return goal is None or (value >= -goal if goal < 0 else value <= goal)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure; 0 done, 2 refused."""

    def work() -> int:
        print(tyro.cli(bench, prog="python -m benchmarks.stage", description=__doc__, args=argv))
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
