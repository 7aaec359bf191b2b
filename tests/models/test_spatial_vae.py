"""The VAE with a grid of latents, and the flow that is its prior."""

import dataclasses

import pytest
import torch

from duet.models import ModelError
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from duet.models.velocity import ConditionedBlock, FlowPrior, Velocity, time_features

CHANNELS, CLASSES = 2, 3


def moved(network):
    """Away from the zeros that it begins with."""
    for weight in network.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    return network


def prior(steps=8, guidance=1.0, num_classes=CLASSES):
    return moved(FlowPrior(CHANNELS, num_classes, 6, 1, steps, guidance)).eval()


def test_a_block_is_the_identity_at_the_start_and_then_film_by_hand():
    block, x, condition = ConditionedBlock(4), torch.randn(2, 4, 3, 5), torch.randn(2, 128)
    assert torch.equal(block(x, condition), x)
    moved(block)
    scale, shift = block.film(condition).split(4, dim=1)
    hidden = block.conv1(x * x.sigmoid())
    for image in range(2):
        for channel in range(4):
            hidden[image, channel] *= 1 + scale[image, channel]
            hidden[image, channel] += shift[image, channel]
    torch.testing.assert_close(block(x, condition), x + block.conv2(hidden * hidden.sigmoid()))


def test_velocity_is_nil_at_the_start_and_then_depends_on_all_that_it_is_given():
    network = Velocity(CHANNELS, CLASSES, 6, depth=1)
    z, times, labels = torch.randn(3, CHANNELS, 4, 2), torch.rand(3), torch.arange(3)
    assert network(z, times, labels).abs().max() == 0
    moved(network)
    out = network(z, times, labels)
    assert out.shape == z.shape
    for other in (network(z + 0.1, times, labels), network(z, 1 - times, labels),
                  network(z, times, torch.full_like(labels, CLASSES))):
        assert ((other - out).abs().amax(dim=(1, 2, 3)) > 1e-5).all()
    out.square().sum().backward()
    unused = {name for name, weight in network.named_parameters() if not weight.grad.abs().sum()}
    assert not unused


def test_one_time_serves_all_images():
    network = moved(Velocity(CHANNELS, CLASSES, 6, depth=1))
    z, labels = torch.randn(3, CHANNELS, 4, 2), torch.arange(3)
    one, each = (network(z, torch.full((count,), 0.3), labels) for count in (1, 3))
    torch.testing.assert_close(one, each)


def test_time_features_tell_times_apart():
    features = time_features(torch.tensor([0.0, 0.5, 1.0]))
    assert features.shape == (3, 32)
    torch.testing.assert_close(features[0], torch.cat([torch.ones(16), torch.zeros(16)]))
    torch.testing.assert_close(features[2, :4], torch.tensor([0.0, -1, 0, 1]), atol=1e-5, rtol=0)
    assert (features[0] - features[2]).abs().max() > 1


class Decay(torch.nn.Module):
    """dz/dt = -2 t z, whose flow from 0 to 1 is a factor of 1/e, towards the label."""

    def forward(self, z, times, labels):
        return -2 * times.view(-1, 1, 1, 1) * z + labels.view(-1, 1, 1, 1)


@pytest.mark.parametrize("steps", [4, 8, 16])
def test_the_flow_is_followed_to_second_order(steps):
    flow = prior(steps, num_classes=0)
    flow.velocity = Decay()
    z, labels = torch.randn(3, 1, 2, 2), torch.zeros(3, dtype=torch.int64)
    exact = z * torch.exp(torch.tensor(-1.0))
    assert 0.1 < (flow(z, labels) - exact).abs().max() * steps**2 < 5
    assert 0.01 < (flow.inverse(exact, labels) - z).abs().max() * steps**2 < 1


def test_the_flow_asks_for_a_velocity_a_step_and_one_more():
    """And is exact where the velocity changes evenly with time."""
    flow, asked = prior(4, num_classes=0), []

    def velocity(z, times, labels):
        asked.append(times.item())
        return (3 - 4 * times.view(-1, 1, 1, 1)).expand_as(z)

    flow.velocity.forward = velocity
    z, labels = torch.randn(2, 1, 2, 2), torch.zeros(2, dtype=torch.int64)
    torch.testing.assert_close(flow(z, labels), z + 1)
    assert asked == pytest.approx([0, 1 / 14, 1 / 7, 1 / 3, 3 / 5])
    torch.testing.assert_close(flow.inverse(z + 1, labels), z)
    assert asked[5:] == pytest.approx([1, 4 / 5, 3 / 5, 7 / 15, 1 / 3, 5 / 21, 1 / 7, 1 / 14])


def test_guidance_goes_beyond_what_the_label_changes():
    flow = prior(1, guidance=2.5)
    z, labels = torch.randn(3, CHANNELS, 4, 2), torch.arange(3)

    def velocity(z, time):
        given = flow.velocity(z, torch.tensor([time]), labels)
        free = flow.velocity(z, torch.tensor([time]), torch.full_like(labels, CLASSES))
        return free + 2.5 * (given - free)

    expected = z + velocity(z + 0.5 * velocity(z, 0.0), 0.5)
    torch.testing.assert_close(flow(z, labels), expected)
    assert prior(guidance=3.0, num_classes=0).guidance == 1


def test_encode_finds_the_noise_again(tiny_spatial_vae):
    """A finer flow comes nearer; the round trip through pixels is the posterior mean's."""
    model, labels = tiny_spatial_vae, torch.arange(5)
    noise = torch.randn(5, *model.config.latent_shape)
    errors = []
    for steps in (4, 16):
        model.prior.steps = steps
        errors.append((model.prior.inverse(model.prior(noise, labels), labels) - noise).abs().max())
    assert 1e-7 < errors[1] < errors[0] / 4 < 0.01
    images = torch.rand(5, *model.image_shape) * 2 - 1
    z = model.encode(images, labels)
    assert z.shape == (5, 16)
    plain = model.decoder(model.posterior(images)[0])
    torch.testing.assert_close(model.decode(z, labels), plain, atol=0.01, rtol=0)


def test_the_grid_stays_where_it_is(tiny_spatial_vae):
    """A latent moves pixels around its own place most."""
    z = torch.randn(1, *tiny_spatial_vae.config.latent_shape)
    other = z.clone()
    other[..., 0, 0] += 3
    change = (tiny_spatial_vae.decoder(other) - tiny_spatial_vae.decoder(z)).abs()[0].amax(0)
    assert change[:4, :4].max() > 3 * change[-4:, -4:].max()


def test_a_grid_of_odd_sides_keeps_its_last_row_and_column():
    """28 pixels leave 7x7: the velocity's coarse half sees a row and column more, and gives them
    back."""
    model = SpatialVAE(SpatialVAEConfig.from_dict(
        VALUES | {"image_shape": (1, 12, 20), "latent_dim": 2 * 3 * 5}
    )).eval()
    velocity = model.prior.velocity
    for weight in velocity.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    z, label = torch.randn(1, 2, 3, 5), torch.ones(1, dtype=torch.int64)
    far = z.clone()
    far[..., 2, 4] += 1  # the corner that only the padded half of a 2x2 patch holds
    with torch.no_grad():
        change = (velocity(far, torch.zeros(1), label) - velocity(z, torch.zeros(1), label)).abs()
        assert (change[0].amax(0) > 0).all()
        assert model.decode(torch.randn(2, 30), label.repeat(2)).shape == (2, 1, 12, 20)
    assert model.config.layer_values >= 2 * 4 * 4 * 6


def test_posterior_is_bounded(tiny_spatial_vae):
    images = torch.rand(5, *tiny_spatial_vae.image_shape)
    mean, log_variance = tiny_spatial_vae.posterior(images)
    assert mean.shape == log_variance.shape == (5, 2, 4, 2)
    tiny_spatial_vae.encoder.out.bias.data[2:] = torch.tensor([100.0, -100.0])
    assert tiny_spatial_vae.posterior(images)[1].unique().tolist() == [-14, 8]


VALUES = {
    "image_shape": (3, 16, 8), "num_classes": 5, "latent_dim": 16, "width": 4, "depth": 1,
    "prior_width": 4, "prior_depth": 1, "flow_steps": 4,
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latent_dim": 12}, "latent_dim must be a multiple of 8 for a grid of 4x2, not 12"),
        ({"prior_width": 0}, r"prior_width must be an integer in 1\.\.512"),
        ({"prior_depth": 17}, "prior_depth"),
        ({"flow_steps": 0}, "flow_steps"),
        ({"flow_steps": 2.0}, "flow_steps"),
        ({"guidance": 0.5}, r"guidance must be a number in 1\.\.10, not 0.5"),
        ({"guidance": float("nan")}, "guidance"),
        ({"guidance": "2"}, "guidance .* not '2'"),
        ({"guidance": True}, "guidance"),
        ({"image_shape": (3, 256, 256), "latent_dim": 4096, "prior_width": 512, "prior_depth": 16,
          "flow_steps": 64}, "more than 68719476736 multiplications"),
    ],
)
def test_configurations_are_bounded(change, said):
    with pytest.raises(ModelError, match=said):
        SpatialVAEConfig.from_dict(VALUES | change)


def test_layers_and_work_are_counted(tiny_spatial_vae):
    """By hooks, the flow unrolled and twice where it is guided."""
    counted, largest = [], []

    def count(conv, inputs, output):
        own = output.numel() if isinstance(conv, torch.nn.Conv2d) else inputs[0].numel()
        counted.append(own * conv.weight[0].numel())
        largest.append(output.numel())

    model = tiny_spatial_vae
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            module.register_forward_hook(count)
    with torch.no_grad():
        model.decode(torch.randn(1, 16), torch.zeros(1, dtype=torch.int64))
    entrance = 4 * 2 * 9 * 2 * model.config.channels[-1]  # no stage: latents into the decoder
    assert sum(counted) - entrance == model.config.work
    wide = SpatialVAEConfig.from_dict(VALUES | {"prior_width": 512})
    assert wide.layer_values == 2 * 512 * 4 * 2
    assert dataclasses.replace(wide, prior_width=4).layer_values == 3 * 16 * 8
