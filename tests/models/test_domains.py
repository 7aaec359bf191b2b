"""A domain that only this test knows, categories instead of pixels, goes through both models."""

import pytest
import torch
import torch.nn.functional as F

import duet
from duet.core.domains import DOMAINS, Domain
from duet.models.gan import GAN, Discriminator, GANConfig
from duet.models.vae import VAE, VAEConfig
from duet.store.checkpoint import save
from duet.store.config import DataRecord

COLOURS = torch.tensor([[0, 0, 0], [0, 128, 255], [255, 255, 0]], dtype=torch.uint8)


class Tiles(Domain):
    """Three kinds of tiles: one-hot in networks, a colour each to the eye."""

    def network_channels(self, channels):
        return len(COLOURS)

    def to_network(self, values):
        return F.one_hot(values[..., 0, :, :].long(), len(COLOURS)).movedim(-1, -3).float()

    def squash(self, x):
        return x.softmax(-3)

    def to_values(self, outputs):
        return outputs.argmax(-3, keepdim=True).to(torch.uint8)

    def to_pixels(self, values):
        return COLOURS[values[:, 0].long()].movedim(-1, 1)

    def negative_log_likelihood(self, outputs, images):
        return -(images * outputs.log()).sum(dim=(1, 2, 3)).mean()


@pytest.fixture(autouse=True)
def _tiles(monkeypatch):
    monkeypatch.setitem(DOMAINS, "tiles", Tiles())


def test_a_gan_of_tiles(tmp_path):
    config = GANConfig((1, 8, 12), 0, 6, 4, 1, domain="tiles")
    model = GAN(config).eval()
    levels = model.sample(50)
    assert (levels.shape, levels.dtype) == ((50, 1, 8, 12), torch.uint8)
    assert levels.unique().tolist() == [0, 1, 2]
    generated = model.decode(torch.randn(4, 6), torch.zeros(4).long())
    torch.testing.assert_close(generated.sum(1), torch.ones(4, 8, 12))
    logits = Discriminator(config)(model.domain.to_network(levels), torch.zeros(50).long())
    assert logits.shape == (50,)
    assert GANConfig((1, 8, 12), 0, 6, 1, 1, domain="tiles").layer_values == 3 * 8 * 12
    save(tmp_path, model, name="levels", made_from=DataRecord("levels", "Levels", ()))
    assert torch.equal(duet.load(tmp_path).sample(50), levels)
    picture = model.domain.picture(levels[0], scale=2)
    assert (picture.size, picture.mode) == ((24, 16), "RGB")


def test_a_vae_of_tiles():
    model = VAE(VAEConfig((1, 8, 12), 0, 6, 4, 1, 2, domain="tiles"))
    levels = torch.randint(0, 3, (5, 1, 8, 12), dtype=torch.uint8)
    images, labels = model.domain.to_network(levels), torch.zeros(5).long()
    again = model.decode(model.encode(images, labels), labels)
    assert again.shape == (5, 3, 8, 12)
    nll = model.domain.negative_log_likelihood(again, images)
    right = again.gather(1, levels.long())
    torch.testing.assert_close(nll, -right.log().sum() / 5)
    nll.backward()
    assert all(p.grad is not None for p in model.decoder.parameters())
