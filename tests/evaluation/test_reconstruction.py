"""What is lost from an image to its latent and back."""

import dataclasses

import numpy as np
import pytest
import torch

import duet
from duet.core.domains import DOMAINS, PIXELS
from duet.data import DATASETS, DataError
from duet.models.vae import VAE
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from evaluation import reconstruction
from evaluation.fidelity import Extractor
from evaluation.reconstruction import errors, held_out, psnr


@pytest.fixture
def encoding(tmp_path, tiny_vae, toy_data):
    """A VAE's checkpoint of the toy data."""
    folder = tmp_path / "vae"
    folder.mkdir()
    save(folder, tiny_vae, name="vae", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    return duet.load(folder)


class Corner(torch.nn.Module):
    def forward(self, images):
        features = images[:, 0, 0, :3].float()
        return features, features


def test_errors_are_of_pixels_and_features(encoding, toy_data, monkeypatch):
    """A model that gives images back darker by its label; the latent is the image itself."""
    monkeypatch.setattr(reconstruction, "BATCH", 70)
    extractor = Extractor("corner", Corner(), "0" * 64, None, torch.device("cpu"))
    images = toy_data.images.clamp_min(20)
    monkeypatch.setattr(encoding.model, "encode", lambda x, labels: x.flatten(1))

    def decode(z, labels):
        return z.view(-1, 1, 28, 28) - labels.view(-1, 1, 1, 1) / 127.5

    monkeypatch.setattr(encoding.model, "decode", decode)
    found = errors(encoding, images, toy_data.labels, extractor)
    expected = toy_data.labels.double().square()
    torch.testing.assert_close(found, torch.stack([expected, 3 * expected], 1))


def test_the_models_own_way_there_and_back(encoding, toy_data, extractor):
    found = errors(encoding, toy_data.images, toy_data.labels, extractor)
    model, domain = encoding.model, DOMAINS[PIXELS]
    z = model.encode(domain.to_network(toy_data.images), toy_data.labels)
    again = model.render(z, toy_data.labels)
    expected = np.square(again.numpy().astype(float) - toy_data.images.numpy()).mean((1, 2, 3))
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-2)
    assert found[:, 1].min() > 0


def test_an_unconditional_model_is_given_no_classes(encoding, toy_data, extractor, monkeypatch):
    config = dataclasses.replace(encoding.model.config, num_classes=0)
    blind = dataclasses.replace(encoding, model=VAE(config).eval())
    found = errors(blind, toy_data.images[:9], toy_data.labels[:9] + 5, extractor)
    assert found.isfinite().all()


def test_peak_signal_to_noise_ratio():
    assert psnr(255**2) == 0
    assert psnr(65.025) == pytest.approx(30)
    assert np.isfinite(psnr(0))


def test_held_out_images_are_looked_for(encoding, folder, toy_data, monkeypatch):
    assert held_out(encoding).split == "test"
    assert held_out(duet.load(folder)) is None  # a GAN encodes nothing

    def absent(*arguments):
        raise DataError("not at hand")

    monkeypatch.setitem(DATASETS, "toy", dataclasses.replace(DATASETS["toy"], load=absent))
    assert held_out(encoding) is None
