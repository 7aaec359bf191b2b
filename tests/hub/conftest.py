"""A Hub on loopback for every test, the client pointed at it, and a checkpoint to send."""

import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import _http

from duet.core.files import sha256
from duet.core.pixels import grid, to_pil
from duet.data.mnist import MNIST
from duet.store import evolution, neighbours, records
from duet.store.checkpoint import (
    EVOLUTION,
    METRICS,
    NEIGHBOURS,
    PREVIEW,
    TRAINING,
    WEIGHTS,
    save,
)
from duet.store.config import DataRecord
from duet.store.evolution import Sheet
from duet.store.metrics import MetricsRecord
from duet.store.neighbours import NEAREST, ROWS, SUBJECT, Neighbours
from training.__main__ import main


def pytest_collection_modifyitems(items):
    """huggingface_hub 2.4 uploads large files in a way that its own httpx2 calls deprecated."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"))


@pytest.fixture(scope="session")
def server():
    """The module server.py; tests are no package to import it from."""
    path = Path(__file__).with_name("server.py")
    spec = importlib.util.spec_from_file_location("duet_test_hub", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def running(server):
    """(Hub, address) of a server that runs as long as the tests do."""
    hub = server.Hub()
    address, stop = server.start(hub)
    yield hub, address
    stop()


@pytest.fixture
def hub(running, tmp_path, monkeypatch):
    """An empty Hub; the client in this process knows no other, is "me", and has an empty cache."""
    state, address = running
    folder = tmp_path / "hub"
    folder.mkdir()
    state.reset(folder)
    for name, value in {
        "ENDPOINT": address,
        "HUGGINGFACE_CO_URL_TEMPLATE": address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
        "HF_TOKEN_PATH": str(tmp_path / "no-token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
        "HF_HUB_DISABLE_TELEMETRY": True,
    }.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setenv("HF_TOKEN", "hf_me")
    # The client's retries need not be waited for.
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda s: None, time=time.time))
    monkeypatch.chdir(tmp_path)
    return state


@pytest.fixture
def child(hub, running, tmp_path, root):
    """child("-m", "training", …, HF_HUB_OFFLINE="1") -> the finished process. As for a user, the
    environment says where the Hub is."""

    def run(*arguments, **environment):
        own = {
            "HF_ENDPOINT": running[1], "HF_HOME": str(tmp_path / "home"), "HF_TOKEN": "hf_me",
            "HF_HUB_CACHE": constants.HF_HUB_CACHE,
            "HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "0", "PYTHONWARNINGS": "default",
        }
        return subprocess.run(
            [sys.executable, *arguments], cwd=root, env=os.environ | own | environment,
            capture_output=True, text=True, check=False, timeout=120,
        )

    return run


@pytest.fixture
def make_folder(tmp_path, training_record, measurement):
    """make_folder(model, name) -> a whole checkpoint folder."""

    def make(model, name="tiny-gan"):
        folder = tmp_path / "made" / name
        folder.mkdir(parents=True)
        save(folder, model, name=name, made_from=DataRecord.of(MNIST.facts, "a" * 64))
        records.write(folder / TRAINING, training_record(evolution=(0, 9)))
        measured = measurement(subject_sha256=sha256(folder / WEIGHTS))
        records.write(folder / METRICS, MetricsRecord((measured,)))
        to_pil(grid(model.sample(4), 2)).save(folder / PREVIEW)
        evolution.write(folder / EVOLUTION, Sheet((0, 9), torch.stack([evolution.row(model)] * 2)))
        rows = torch.zeros(ROWS, 1 + NEAREST, *model.image_shape, dtype=torch.uint8)
        texts = {SUBJECT: sha256(folder / WEIGHTS)}
        neighbours.write(folder / NEIGHBOURS, Neighbours(rows, rows), texts)
        return folder

    return make


@pytest.fixture
def folder(make_folder, tiny_gan):
    return make_folder(tiny_gan)


@pytest.fixture
def training(capsys):
    """training("publish", …) -> (exit code, stdout, stderr) of python -m training."""

    def run(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run
