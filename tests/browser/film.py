"""Films the stage for the README: python tests/browser/film.py docs/stage.gif"""

import functools
import http.server
import io
import math
import shutil
import sys
import threading

from PIL import Image
from playwright.sync_api import sync_playwright

from demo.facts import STAGE

FRAMES, MILLISECONDS, WIDTH, COLOURS = 36, 100, 600, 160
# A hand's way over the plane, closed, so that the film has no seam.
GO = """async ([x, y]) => {
    const { explore } = stage.stage;
    explore.place = [x, y];
    const drawn = () => !explore.busy && explore.shown.startsWith(`${x},${y},`)
        && !explore.filling.some((filling) => filling);
    while (!drawn()) await new Promise(requestAnimationFrame);
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


def film(page, path: str) -> None:
    page.wait_for_function("stage.stage?.sides.every((side) => side.awake)")
    page.wait_for_timeout(3000)  # the map fills
    box = page.locator("#view-explore").bounding_box()
    header = page.locator("header").bounding_box()
    clip = {"x": box["x"] - 12, "y": header["y"], "width": box["width"] + 24,
            "height": page.locator(".map").bounding_box()["y"] + 160 - header["y"]}
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


def main(path: str) -> None:
    handler = functools.partial(Quiet, directory=str(STAGE))
    with (
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(viewport={"width": 800, "height": 900}, color_scheme="dark")
        page.goto(f"http://127.0.0.1:{server.server_port}/?x=5.7&y=12.5")
        film(page, path)
        chromium.close()
        server.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
