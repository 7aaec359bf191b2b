"""The DCGAN of Radford et al., layer by layer."""

import pytest
import torch
import torch.nn.functional as F

from duet.models import ModelConfig, ModelError
from duet.models.radford import RadfordDCGAN, RadfordDiscriminator
from duet.store.weights import tensor_bytes, without_storage

CHANNELS = {16: [256, 128], 32: [256, 128, 64], 64: [256, 128, 64, 32]}


def config(channels=3, side=32, **changes):
    return ModelConfig((channels, side, side), **{"num_classes": 0, "latent_dim": 100} | changes)


@pytest.mark.parametrize(("channels", "side"), [(1, 16), (3, 32), (3, 64)])
def test_layers_are_the_figures(channels, side):
    """From 4x4 by doublings to the picture, and back; every checkpoint below 10 MB."""
    shape = config(channels, side)
    model, critic = RadfordDCGAN(shape), RadfordDiscriminator(shape)
    seen = []
    for layer in [model.project, *model.ups, *critic.downs]:
        layer.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:])))
    images = model.decode(torch.randn(2, 100), torch.zeros(2, dtype=torch.int64))
    assert images.abs().max() < 1
    assert critic(images).shape == (2,)
    hidden = [(count, 4 << i, 4 << i) for i, count in enumerate(CHANNELS[side])]
    assert seen == [*hidden, (channels, side, side), *hidden[::-1]]
    assert tensor_bytes(without_storage(RadfordDCGAN, shape)) < 10e6


def test_networks_by_hand():
    """In evaluation mode, running statistics and weights of batch norm moved from where they
    begin."""
    shape = config(side=16)
    model, critic = RadfordDCGAN(shape), RadfordDiscriminator(shape)
    norms = [m for n in (model, critic) for m in n.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        for tensor in (norm.weight, norm.bias, norm.running_mean):
            torch.nn.init.normal_(tensor)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)

    def normalised(x, norm):
        mean, variance = norm.running_mean[:, None, None], norm.running_var[:, None, None]
        scaled = (x - mean) / (variance + 1e-5).sqrt()
        return scaled * norm.weight[:, None, None] + norm.bias[:, None, None]

    z = torch.randn(3, 100)
    x = torch.einsum("nz,zchw->nchw", z, model.project.weight)
    for norm, up in zip(model.norms, model.ups, strict=True):
        x = F.conv_transpose2d(normalised(x, norm).clamp_min(0), up.weight, stride=2, padding=1)
    images = torch.tanh(x)
    labels = torch.zeros(3, dtype=torch.int64)
    torch.testing.assert_close(model.eval().decode(z, labels), images)

    x = F.conv2d(images, critic.downs[0].weight, stride=2, padding=1)
    x = torch.where(x > 0, x, 0.2 * x)
    x = normalised(F.conv2d(x, critic.downs[1].weight, stride=2, padding=1), critic.norms[1])
    x = torch.where(x > 0, x, 0.2 * x)
    logits = (x * critic.score.weight).sum(dim=(1, 2, 3))
    torch.testing.assert_close(critic.eval()(images), logits)


def test_weights_begin_as_the_authors():
    for network in (RadfordDCGAN(config()), RadfordDiscriminator(config())):
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
                assert module.bias is None
                assert module.weight.mean().abs() < 0.005
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.1)
            elif isinstance(module, torch.nn.BatchNorm2d):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.01)
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.3)
                assert module.bias.abs().max() == 0


@pytest.mark.parametrize(
    "changes",
    [{"side": 28}, {"side": 48}, {"side": 128}, {"side": 8}, {"channels": 2}, {"num_classes": 3}],
)
def test_what_it_cannot_draw_is_named(changes):
    for kind in (RadfordDCGAN, RadfordDiscriminator):
        with pytest.raises(ModelError, match="16, 32 or 64 a side, or 1x28x28; not"):
            kind(config(**changes))
    with pytest.raises(ModelError, match="not 3x16x32"):
        RadfordDCGAN(ModelConfig((3, 16, 32), 0, 100))
