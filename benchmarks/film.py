"""python -m benchmarks.film: the README's moving picture of the stage, the Space's thumbnail."""

import io
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import tyro
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.stage import AWAKE, FLAGS, BenchError, app, static
from duet.core import program

FRAMES, MILLISECONDS, WIDTH, COLOURS = 36, 100, 600, 160
# A hand's way over the plane, closed, so that the film has no seam.
GO = """async ([x, y]) => {
    const { explore } = stage.stage;
    explore.place = [x, y];
    const drawn = () => !explore.busy && explore.shown.startsWith(`${x},${y},`)
        && !explore.filling.some((filling) => filling);
    while (!drawn()) await new Promise(requestAnimationFrame);
}"""


def film(folder: Path = Path("docs")) -> str:
    """Write stage.gif and screenshot.png, and print their paths.

    Args:
        folder: Where to write them.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        raise BenchError("this needs Chromium: apt-get install chromium")
    moving, still = folder / "stage.gif", folder / "screenshot.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        with static() as url:
            page = browser.new_page(viewport={"width": 800, "height": 900}, color_scheme="dark")
            page.goto(f"{url}?x=5.7&y=12.5")
            _film(page, moving)
        with app() as url:
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            page.goto(f"{url}?tab=stage&x=4&y=12")
            _ready(page)
            page.screenshot(path=still)
        browser.close()
    return f"{moving}\n{still}"


def _ready(page: Page) -> None:
    page.set_default_timeout(60_000)
    page.wait_for_function(AWAKE)
    page.wait_for_function("!document.querySelector('#first')")
    page.wait_for_timeout(4000)  # the map fills


def _film(page: Page, path: Path) -> None:
    _ready(page)
    box = page.locator("#view-explore").bounding_box()
    header = page.locator("header").bounding_box()
    map_box = page.locator(".map").bounding_box()
    assert box is not None
    assert header is not None
    assert map_box is not None
    clip = {"x": box["x"] - 12, "y": header["y"], "width": box["width"] + 24,
            "height": map_box["y"] + 160 - header["y"]}
    frames = []
    for k in range(FRAMES):
        angle = 2 * math.pi * k / FRAMES
        place = [round(4.5 + 1.2 * math.cos(angle), 3), round(12.5 + 0.7 * math.sin(angle), 3)]
        page.evaluate(GO, place)
        page.wait_for_timeout(60)
        with Image.open(io.BytesIO(page.screenshot(clip=clip))) as shot:
            height = round(WIDTH * shot.height / shot.width)
            small = shot.convert("RGB").resize((WIDTH, height))
            frames.append(small.quantize(COLOURS, dither=Image.Dither.NONE))
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, optimize=True
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Film; 0 done, 2 refused."""

    def work() -> int:
        print(tyro.cli(film, prog="python -m benchmarks.film", description=__doc__, args=argv))
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
