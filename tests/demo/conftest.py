"""Models whose pictures are plain to predict, so that the actions can be checked by hand."""

import asyncio
import contextlib
import dataclasses
import socket
import threading
import time
import urllib.request
from pathlib import Path

import pytest
import torch
import uvicorn
from fastapi.testclient import TestClient
from gradio.routes import App

from demo import blocks, launch
from duet.models import LatentModel, ModelConfig
from duet.store.checkpoint import Checkpoint
from duet.store.config import DataRecord


class MockModel(LatentModel):
    """The left half of an image shows z[0], the right half the label: nothing to train."""

    title = "Mock"

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.scale = torch.nn.Parameter(torch.tensor(0.25))

    def decode(self, z, labels):
        images = torch.empty(len(z), *self.image_shape)
        images[..., :2] = (z[:, 0] * self.scale)[:, None, None, None]
        images[..., 2:] = (labels / 10)[:, None, None, None]
        return images


@pytest.fixture(scope="session")
def mock_checkpoint():
    """Build one: mock_checkpoint(num_classes=0, shape=(3, 4, 4), **fields of Checkpoint, or of its
    DataRecord under `data`)."""

    def build(
        num_classes: int = 10, shape=(1, 4, 4), role: str = "baseline", data=None, **fields
    ) -> Checkpoint:
        model = MockModel(ModelConfig(shape, num_classes=num_classes, latent_dim=3)).eval()
        model.role = role
        checkpoint = Checkpoint(
            name="mock", folder=Path("mock"), architecture="gan", model=model,
            made_from=DataRecord(
                **{"name": "toy", "title": "Toy", "class_names": tuple("0123456789"[:num_classes])}
                | (data or {})
            ),
            weights_sha256="",
        )
        return dataclasses.replace(checkpoint, **fields)

    return build


@pytest.fixture(scope="session")
def serve_in_process():
    """Call the page over given models without a network; an exception that no handler takes is
    raised in the test."""

    @contextlib.contextmanager
    def serve(offer, folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADIO_TEMP_DIR", str(folder))
            with TestClient(asyncio.run(build(offer))) as client:
                yield client

    return serve


@pytest.fixture(scope="session")
def serve_over_http():
    """The same on a port of this machine, for clients of other packages; gives the address."""

    @contextlib.contextmanager
    def serve(offer, folder):
        with pytest.MonkeyPatch.context() as patch, socket.socket() as port:
            patch.setenv("GRADIO_TEMP_DIR", str(folder))
            port.bind(("127.0.0.1", 0))
            config = uvicorn.Config(asyncio.run(build(offer)), log_level="error", lifespan="on")
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, args=([port],), daemon=True)
            thread.start()
            try:
                while not server.started:
                    assert thread.is_alive()
                    time.sleep(0.05)
                address = f"http://127.0.0.1:{port.getsockname()[1]}/"
                urllib.request.urlopen(f"{address}gradio_api/startup-events").close()  # the queue's
                yield address
            finally:
                server.should_exit = server.force_exit = True
                thread.join(20)

    return serve


async def build(offer) -> App:  # Gradio makes an event loop where none runs, and leaves it open
    page = blocks.build(offer)
    page.has_launched = True  # until then Gradio lets every file in
    page.allowed_paths, page.blocked_paths = [], []
    return App.create_app(page, app_kwargs=launch.app_options(), mcp_server=True)


@pytest.fixture
def calls_of(serve_in_process, tmp_path):
    """with calls_of(catalogue) as call: call(endpoint, *data) -> the answer, or what it refuses."""

    @contextlib.contextmanager
    def start(offer):
        with serve_in_process(offer, tmp_path) as client:

            def call(endpoint: str, *data):
                answer = client.post(f"/gradio_api/run/{endpoint}", json={"data": data})
                body = answer.json()
                return body["data"][0] if answer.status_code == 200 else body["error"]

            yield call

    return start
