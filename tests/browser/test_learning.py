"""The tab Learning in Chromium: a recording under its scrubber, and a pair that learns live."""

import os
import time
from pathlib import Path

import pytest
import torch

from duet.data.mnist import MNIST
from duet.models.gan import GAN, GANConfig
from duet.models.vae import VAE, VAEConfig
from duet.store import checkpoint, evolution, records
from duet.store.config import DataRecord
from duet.store.evolution import Sheet

pytestmark = pytest.mark.browser
SECONDS = 120_000  # for two processes to import PyTorch on a busy machine
STEPS = (0, 1, 2, 3, 5, 9)


@pytest.fixture
def server(start_server, tmp_path, monkeypatch, fake_mnist, training_record):
    """The app over a GAN whose training was kept and a VAE whose was not; it can train on toys."""
    torch.manual_seed(0)
    shape = (1, 28, 28)
    models = {
        "kept": GAN(GANConfig(shape, 10, latent_dim=6, width=4, depth=1)),
        "lost": VAE(VAEConfig(shape, 10, 6, width=4, depth=1, flow_layers=2)),
    }
    for name, model in models.items():
        (tmp_path / name).mkdir()
        checkpoint.save(
            tmp_path / name, model.eval(), name=name, made_from=DataRecord.of(MNIST.facts, None)
        )
    row = torch.zeros(1, 28, 16 * 28, dtype=torch.uint8)
    rows = torch.stack([row + 20 * place for place in range(len(STEPS))])
    evolution.write(tmp_path / "kept" / checkpoint.EVOLUTION, Sheet(STEPS, rows))
    curves = {"step": (3.0, 9.0), "seconds": (1.0, 2.0), "generator": (0.5, 0.25)}
    kept = training_record(evolution=STEPS, curves=curves)
    records.write(tmp_path / "kept" / checkpoint.TRAINING, kept)
    monkeypatch.setenv("DUET_DATA", str(fake_mnist))
    started = start_server(tmp_path / name for name in models)
    yield started
    started.stop()


def trainings(server) -> list[int]:
    """Processes that write below the app's temporary folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"demo.child" in command and os.fsencode(server.temporary) in b" ".join(command):
            found.append(int(entry.name))
    return found


def wait_until(what, seconds=60):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def grey(page, view: str, side: str) -> int:
    """The level in the middle of the first picture of a side."""
    return page.locator(f"#view-{view} figure[data-side={side}] canvas").evaluate(
        "(canvas) => canvas.getContext('2d').getImageData(9, 9, 1, 1).data[0]"
    )


def test_a_recording_is_played_and_a_pair_learns_and_leaves_nothing(server, visitor):
    page = visitor(f"{server.url}/?tab=learning&left=kept&right=lost", width=360)
    recorded, live = page.locator("#view-recorded"), page.locator("#view-live")
    at, scrubber = recorded.locator(".at output"), recorded.get_by_label("Training step")
    page.get_by_text("Nothing of its training was kept").wait_for()
    assert (at.inner_text(), grey(page, "recorded", "left")) == ("9", 100)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360

    # The scrubber, by keyboard, then played to its end.
    scrubber.press("ArrowLeft")
    assert (at.inner_text(), grey(page, "recorded", "left")) == ("5", 80)
    assert recorded.locator(".side svg").count() == 1
    scrubber.press("Home")
    assert grey(page, "recorded", "left") == 0
    recorded.get_by_label("Speed").select_option("fast")
    recorded.get_by_role("button", name="Play").press("Enter")
    recorded.locator(".at", has_text="9").wait_for()
    recorded.get_by_role("button", name="Play").wait_for()  # it has stopped by itself

    # Live, and stopped.
    page.get_by_role("tab", name="Recorded").press("ArrowRight")
    live.locator(".data", has_text="MNIST").wait_for()
    page.get_by_role("button", name="Train both").click()
    page.get_by_text("Both are learning.").wait_for(timeout=SECONDS)
    for side in ("left", "right"):
        live.locator(f"figure[data-side={side}] .count", has_text="0").wait_for()
    assert len(trainings(server)) == 2
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("Stopped.").wait_for()
    wait_until(lambda: not trainings(server))

    # Begun again, and left.
    page.get_by_role("button", name="Train both").click()
    wait_until(lambda: len(trainings(server)) == 2)
    page.goto("about:blank")
    wait_until(lambda: not trainings(server), 10)  # before it would be taken for gone
