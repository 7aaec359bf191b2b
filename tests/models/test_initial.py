"""How networks begin: a seed's first weights are always the same, and so are what they give.

The numbers are those of the version that trained the shipped checkpoints.
"""

import pytest
import torch

from duet.models.flow import Coupling
from duet.models.gan import GAN, Discriminator, GANConfig
from duet.models.networks import ImageEncoder
from duet.models.vae import VAE, VAEConfig

SHAPE = (3, 8, 12)
IMAGES = torch.linspace(-1, 1, 2 * 3 * 8 * 12).sin().view(2, *SHAPE)
LABELS = torch.tensor([0, 2])

GENERATED = [-0.0742332, -0.0335877, 0.3478029]
JUDGED = [0.1356919, 0.0764958]
MEANS = [-0.4147813, -0.0206263, 0.2560636]
LOG_VARIANCES = [-0.2030303, 0.0071211, 0.5624617]


def summary(outputs):
    return [outputs.flatten()[0].item(), outputs.mean().item(), outputs.std().item()]


def test_the_gan_begins_as_always():
    torch.manual_seed(7)
    config = GANConfig(SHAPE, 3, latent_dim=5, width=6, depth=2)
    model, discriminator = GAN(config), Discriminator(config)
    z = torch.linspace(-2, 2, 10).view(2, 5)
    assert summary(model.decode(z, LABELS)) == pytest.approx(GENERATED, rel=1e-4)
    assert discriminator(IMAGES, LABELS).tolist() == pytest.approx(JUDGED, rel=1e-4)
    for network in (model, discriminator):
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d):
                assert layer.bias.abs().max() == 0


def test_the_vae_begins_as_always():
    torch.manual_seed(7)
    model = VAE(VAEConfig(SHAPE, 3, latent_dim=5, width=6, depth=2, flow_layers=2))
    mean, log_variance = model.posterior(IMAGES, LABELS)
    assert summary(mean) == pytest.approx(MEANS, rel=1e-4)
    assert summary(log_variance) == pytest.approx(LOG_VARIANCES, rel=1e-4)

def test_who_knows_no_class_has_one_row_for_all():
    config = VAEConfig(SHAPE, 0, latent_dim=5, width=4, depth=1, flow_layers=2)
    discriminator = Discriminator(GANConfig(SHAPE, 0, 5, 4, 1))
    rows = [
        layer.num_embeddings for network in (VAE(config), discriminator)
        for layer in network.modules() if isinstance(layer, torch.nn.Embedding)
    ]
    assert rows == [1] * 5  # the VAE's encoder and decoder, a layer of its flow each, the critic


def test_a_coupling_by_hand():
    """Dinh et al., equations 7 and 8, the log of the scale bounded by 2."""
    torch.manual_seed(3)
    for flip in (False, True):
        layer = Coupling(dim=5, num_classes=3, flip=flip)
        for parameter in layer.parameters():
            torch.nn.init.normal_(parameter, std=0.4)
        noise = torch.randn(2, 5)
        first, second = (noise.flip(1) if flip else noise).split([2, 3], dim=1)
        hidden = torch.nn.functional.silu(layer.hidden(first) + layer.embed.weight[LABELS])
        hidden = torch.nn.functional.silu(layer.middle(hidden))
        raw, shift = layer.out(hidden).split(3, dim=1)
        assert raw.abs().max() > 2
        expected = torch.cat([first, second * torch.exp(2 * torch.tanh(raw / 2)) + shift], dim=1)
        expected = expected.flip(1) if flip else expected
        torch.testing.assert_close(layer(noise, LABELS), expected)


def test_in_half_precision_what_comes_out_is_whole(tiny_vae):
    with torch.autocast("cpu", torch.bfloat16):
        z, labels = torch.randn(2, 6), torch.zeros(2, dtype=torch.int64)
        images = tiny_vae.decode(z, labels)
        mean, log_variance = tiny_vae.posterior(images, labels)
        assert ImageEncoder(tiny_vae.config, 3)(images).dtype == torch.bfloat16
    assert images.dtype == mean.dtype == log_variance.dtype == torch.float32
