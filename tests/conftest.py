"""Fixtures for every test: no network, a clean environment, a fixed seed, toy data and models."""

import dataclasses
import functools
import os
import socket
from pathlib import Path

import numpy as np
import pytest
import torch

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # before anything imports gradio

from duet import data
from duet.data import DATASETS, DataError, DataSet, Facts, ImageSet
from duet.models.gan import GAN, GANConfig
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from duet.models.vae import VAE, VAEConfig
from duet.store.metrics import Measurement, Protocol, ReferenceRecord, ScoreRecord
from duet.store.training import TrainingRecord
from evaluation.extractors import EXTRACTORS
from evaluation.fidelity import open_extractor

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items):
    """Chromium's tests last: Playwright leaves an event loop running in this process, in which no
    other can be started."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(autouse=True)
def _no_network(request, monkeypatch):
    """Only loopback may be reached, unless the test is marked `network`."""
    if request.node.get_closest_marker("network"):
        return
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]
            assert host.startswith("127.") or host in ("::1", "localhost"), f"network: {address}"
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch, tmp_path_factory):
    """What a user's shell or cache may hold must not change what a test sees."""
    for name in ("DUET_MODELS", "PORT", "SHARE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DUET_CACHE", str(tmp_path_factory.getbasetemp() / "duet-cache"))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def mnist():
    """split -> ImageSet of the real digits; skips where they are not at hand."""
    try:
        sets = {split: data.load("mnist", split, download=False) for split in ("train", "test")}
    except DataError as error:
        pytest.skip(f"needs the real MNIST: {error}")
    return sets.__getitem__


def toy_images(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """uint8 [count, 1, 28, 28] and labels of ten classes: a bright bar whose place is the class."""
    rng = np.random.default_rng(seed)
    labels = torch.from_numpy(rng.integers(0, 10, count))
    images = torch.from_numpy(rng.integers(0, 40, (count, 1, 28, 28)).astype(np.uint8))
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 2 * label + 2 : 2 * label + 6, 6:22] = 230
    return images, labels


@pytest.fixture
def toy_data(monkeypatch) -> ImageSet:
    """A registered data set "toy" of 300 training and 200 other test images in MNIST's shape."""
    splits = {"train": toy_images(300), "test": toy_images(200, seed=1)}

    def load(root: Path, split: str, download: bool) -> ImageSet:
        return ImageSet("toy", split, *splits[split], tuple("0123456789"))

    facts = Facts("toy", "Toy", tuple("0123456789"), about="Bright bars")
    monkeypatch.setitem(DATASETS, "toy", DataSet(facts, load))
    serving = dataclasses.replace(EXTRACTORS["mnist"], serves=("mnist", "toy"))
    monkeypatch.setitem(EXTRACTORS, "mnist", serving)
    return load(Path(), "train", False)


@pytest.fixture(scope="session")
def fake_mnist(tmp_path_factory) -> Path:
    """A data folder with toy images in MNIST's files and counts, for command lines as processes."""
    folder = tmp_path_factory.mktemp("fake-mnist")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 60_000), ("t10k", 10_000)):
        images, labels = toy_images(1000)
        repeat = count // 1000
        pixels = images.repeat(repeat, 1, 1, 1).numpy()
        header = np.array([0x803, count, 28, 28], ">i4").tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        header = np.array([0x801, count], ">i4").tobytes()
        classes = labels.repeat(repeat).numpy().astype(np.uint8)
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(header + classes.tobytes())
    return folder


@pytest.fixture
def tiny_gan() -> GAN:
    return GAN(GANConfig((1, 28, 28), num_classes=10, latent_dim=6, width=4, depth=1)).eval()


@pytest.fixture
def tiny_vae() -> VAE:
    config = VAEConfig((1, 28, 28), num_classes=10, latent_dim=6, width=4, depth=1, flow_layers=2)
    return VAE(config).eval()


@pytest.fixture
def tiny_spatial_vae() -> SpatialVAE:
    """Its latents are 2x4x2 in a picture that is not square; no weight is left at zero."""
    config = SpatialVAEConfig(
        (3, 16, 8), num_classes=5, latent_dim=16, width=4, depth=1, prior_width=4, prior_depth=1,
        flow_steps=4, guidance=1.5,
    )
    model = SpatialVAE(config).eval()
    for weight in model.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    return model


@pytest.fixture(scope="session")
def training_record():
    """training_record(steps=9) -> a TrainingRecord, other fields as a short run leaves them."""
    whole = TrainingRecord(
        recipe="gan", command="python -m training gan --steps 9", git_commit="abc", settings={},
        versions={"torch": "2.11.0"}, hardware="an abacus", seconds=120.0, steps=9,
        images_seen=576, epochs=0.01, curves={},
    )
    return functools.partial(dataclasses.replace, whole)


@pytest.fixture(scope="session")
def measurement():
    """measurement(samples=5000, subject_sha256=…) -> a Measurement by a made-up protocol."""
    digest = "0" * 64
    scores = {
        "frechet_distance": ScoreRecord(0.123456), "kernel_distance": ScoreRecord(0.0123, 0.001),
        "inception_score": ScoreRecord(9.8123, 0.0312), "precision": ScoreRecord(0.8),
        "recall": ScoreRecord(0.75),
    }
    reference = ReferenceRecord("mnist", "train", 60_000, digest, 10_000, "rule", 0, digest)
    protocol = Protocol(
        50_000, 0, 1.0, "mnist", digest, reference, inception_score_splits=10,
        kernel_subsets=100, kernel_subset_size=1000, neighborhood=3, manifold_images=10_000,
        rng_seed=2020,
    )
    whole = Measurement(scores, protocol, digest, "cpu", {"torch": "2.11.0"})

    def change(**changes) -> Measurement:
        own = {f.name for f in dataclasses.fields(Measurement)}
        inner = {key: changes.pop(key) for key in list(changes) if key not in own}
        return dataclasses.replace(
            whole, **{"protocol": dataclasses.replace(protocol, **inner)} | changes
        )

    return change


@pytest.fixture(scope="session")
def extractor():
    """The shipped digit classifier as a feature extractor."""
    return open_extractor("mnist", torch.device("cpu"))
