"""The real app as a process of its own, and Chromium to look at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import duet
from duet.models.base import ModelConfig
from duet.models.dcgan import DCGAN
from duet.models.gan import GAN, GANConfig
from duet.models.vae import VAE, VAEConfig
from duet.store import checkpoint
from duet.store.config import DataRecord

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--js-flags=--liftoff-only",  # to compile WebAssembly twice pays on no page as short as these
]
START_SECONDS = 240  # a start takes ten on a quiet machine
TWO_SETS = {
    "grey": ((1, 28, 28), ("any", "same", "Sneaker", "boot")),
    "colour": ((3, 32, 32), ()),
}


def random_checkpoints(folder: Path) -> dict[str, str | Path]:
    """A tiny GAN, VAE and DCGAN with random weights, for where none are shipped."""
    torch.manual_seed(0)
    shape, classes, names = (1, 28, 28), 10, tuple("0123456789")
    models = {
        "gan": GAN(GANConfig(shape, classes, latent_dim=16, width=4, depth=1)),
        "vae": VAE(VAEConfig(shape, classes, 16, width=4, depth=1, flow_layers=2)),
        "dcgan": DCGAN(ModelConfig(shape, num_classes=0, latent_dim=4)),
    }
    for kind, model in models.items():
        (folder / kind).mkdir()
        made_from = DataRecord("toy", "Toy", names)
        checkpoint.save(folder / kind, model, name=f"toy-{kind}", made_from=made_from)
    return {kind: folder / kind for kind in models}


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen
    temporary: Path  # where it may write; log.txt is ours

    def stop(self, how: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(20)


@pytest.fixture(scope="session")
def start_server(tmp_path_factory):
    """Start app.py over given sources; all are stopped at the end."""
    running: list[Server] = []

    def start(sources: Iterable) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        temporary = tmp_path_factory.mktemp("gradio")
        environment = os.environ | {
            "PORT": str(port), "SHARE": "", "DUET_MODELS": " ".join(map(str, sources)),
            "GRADIO_TEMP_DIR": str(temporary), "GRADIO_ANALYTICS_ENABLED": "False",
        }
        log = temporary / "log.txt"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        server = Server(f"http://127.0.0.1:{port}", process, temporary)
        running.append(server)
        wait_until_ready(server.url, process, log)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def serve(start_server):
    """Start app.py over given sources; returns its address."""
    return lambda sources: start_server(sources).url


def wait_until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/config", timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


@pytest.fixture(scope="session")
def sources(tmp_path_factory) -> dict[str, str | Path]:
    """Architecture -> a checkpoint: the shipped ones, or toys where not all are there."""
    shipped = {duet.load(name).architecture: name for name in reversed(checkpoint.shipped_names())}
    if {"gan", "vae", "dcgan"} <= set(shipped):
        return {kind: shipped[kind] for kind in ("gan", "vae", "dcgan")}
    return random_checkpoints(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture(scope="session")
def offered(sources) -> dict[str, str]:
    """Architecture -> the name that the page knows the checkpoint by."""
    return {kind: duet.load(source).name for kind, source in sources.items()}


@pytest.fixture
def shipped(offered):
    if offered["gan"] != "mnist-gan":
        pytest.skip("needs the shipped models")


@pytest.fixture(scope="session")
def app_url(serve, sources) -> str:
    return serve(sources.values())


@pytest.fixture(scope="session")
def browser():
    if not CHROMIUM:
        pytest.skip("needs Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def visitor(browser):
    """visitor(address, …) -> a page of somebody who was never here. At the end, nothing must have
    been fetched from elsewhere and no script must have failed."""
    opened, elsewhere, errors = [], [], []

    def note(request):
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            elsewhere.append(request.url)

    def open_at(
        address: str, prepare=None, context=None, width=1280, height=900, wait_until="load",
        **options,
    ):
        """`prepare(page)` comes before the page is asked for; `context`: of an earlier visit."""
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": height}, **options)
            opened.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        page = context.new_page()
        opened.append(page)
        page.set_default_timeout(30_000)
        page.on("request", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(address, wait_until=wait_until)
        return page

    yield open_at
    for one in reversed(opened):
        one.close()
    assert elsewhere == []
    assert errors == []


@pytest.fixture
def hold():
    """hold(page, pattern) lets such requests wait, and gives the function that lets them go."""

    def start(page, pattern):
        waiting, over = [], []

        def handle(route):
            if over:
                route.continue_()
            else:
                waiting.append(route)

        def release():
            over.append(True)
            for route in waiting:
                route.continue_()

        page.route(pattern, handle)
        return release

    return start


@pytest.fixture
def open_page(visitor, app_url):
    """Open the app at a query, ready to be used."""

    def open_at(query: str = "", url: str = app_url, **options):
        page = visitor(f"{url}/?{query}", **options)
        page.locator("gradio-app h1", has_text="Duet").wait_for()
        return page

    return open_at


@pytest.fixture(scope="session")
def two_sets_url(serve, tmp_path_factory) -> str:
    """The app over own runs of two data sets: grey pictures in classes, two of them called as our
    words are, and larger pictures in colour without classes."""
    torch.manual_seed(0)
    parent = tmp_path_factory.mktemp("with a blank")
    for data, (shape, names) in TWO_SETS.items():
        models = {
            "gan": GAN(GANConfig(shape, len(names), latent_dim=6, width=4, depth=1)),
            "vae": VAE(VAEConfig(shape, len(names), 6, width=4, depth=1, flow_layers=2)),
        }
        for kind, model in models.items():
            folder = parent / f"{data}-{kind}"
            folder.mkdir()
            record = DataRecord(data, data, names)
            checkpoint.save(folder, model, name=folder.name, made_from=record)
    return serve(f"'{folder}'" for folder in sorted(parent.iterdir(), reverse=True))
