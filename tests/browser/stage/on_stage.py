"""What serves the stage as plain files, what a hand does on it and what an eye sees there."""

import contextlib
import functools
import http.server
import threading

import numpy as np
import torch

import duet
from duet.core import latents

AWAKE = "stage.stage?.sides.every((side) => side.awake)"
MOUNTED = "document.querySelector('.stage-mount').stage"
# What the two pictures of the view in sight show: [[width, height, grey levels], …].
PICTURES = """[...document.querySelectorAll('section:not([hidden]) figure canvas:not(.strip)')].map(
    (c) => [c.width, c.height, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]
        .filter((_, i) => i % 4 === 0)])"""


def pictures(page) -> list[np.ndarray]:
    """Both pictures as levels [H, W], as they are now."""
    return [np.array(levels).reshape(h, w) for w, h, levels in page.evaluate(PICTURES)]


def settled(page) -> list[np.ndarray]:
    """Both pictures once what the state says has been drawn."""
    page.wait_for_function("""() => {
        const { explore, state } = stage.stage;
        return !explore.busy && !explore.flight
            && explore.shown.startsWith([state.x, state.y, state.chosen, state.truncation].join());
    }""")
    return pictures(page)


def place(page) -> tuple[float, float]:
    return tuple(page.evaluate("[stage.stage.state.x, stage.stage.state.y]"))


def both_differ(before, after) -> bool:
    return all((a != b).any() for a, b in zip(before, after, strict=True))


def drag(page, target: str, dx: int, dy: int, steps: int = 12) -> None:
    box = page.locator(target).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.wait_for_timeout(150)  # at rest: it does not glide on
    page.mouse.up()


def rendered(name: str, x: float, y: float, label: int | None = None) -> np.ndarray:
    """A place as the library draws it: levels [H, W]."""
    model = duet.load(name).model
    z, labels = latents.plane(x, y, model.latent_dim, model.num_classes)
    labels = labels if label is None else torch.full_like(labels, label)
    return model.render(z, labels)[0, 0].numpy().astype(int)


def broken(pattern: str, **answer):
    def prepare(page):
        page.route(pattern, lambda route: route.fulfill(**answer))
    return prepare


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def serving(folder):
    """Plain files on some port; yields the address of the folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
