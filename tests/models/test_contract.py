"""What every registered model must keep, whatever it is inside."""

import dataclasses
import itertools
from typing import get_args

import pytest
import torch

import duet
from duet.hub import sources
from duet.models import MODELS, ModelConfig, ModelError, Role, base
from duet.models.dcgan import DCGAN, DCGANDiscriminator
from duet.models.flow import ConditionalFlow
from duet.models.gan import GAN, Discriminator, GANConfig
from duet.models.nearest import nearest
from duet.models.networks import (
    ImageDecoder,
    ImageEncoder,
    ResidualBlock,
    activate,
    recommended_stages,
)

SMALL = {
    "width": 4, "depth": 1, "flow_layers": 2, "latent_dim": 6, "prior_width": 4, "prior_depth": 1,
    "flow_steps": 2,
}
GRID = {"latent_dim": 32, "guidance": 1.5}  # 2x4x4
SHAPES = {"dcgan-radford": (3, 16, 16), "vae-spatial": (3, 16, 16)}  # others (1, 28, 28)
UNCONDITIONAL = {"dcgan", "dcgan-radford"}


def build(name: str, num_classes: int):
    kind = MODELS[name]
    small = SMALL | GRID if name == "vae-spatial" else SMALL
    fields = {f.name for f in dataclasses.fields(kind.Config)} & set(small)
    torch.manual_seed(0)
    shape = SHAPES.get(name, (1, 28, 28))
    model = kind(kind.Config(shape, num_classes, **{f: small[f] for f in fields})).eval()
    if name == "vae-spatial":  # its prior begins as the identity, of every class
        for weight in model.prior.parameters():
            weight.data += 0.05 * torch.randn_like(weight)
    return model


CASES = [(n, c) for n, c in itertools.product(MODELS, (0, 10)) if not (c and n in UNCONDITIONAL)]


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_what_it_is(name):
    kind = MODELS[name]
    assert kind.role in get_args(Role)
    assert kind.title
    assert kind.about.endswith(".")
    assert (kind.role == "variational") == hasattr(kind, "encode")


def test_a_model_of_no_classes_does_not_call_itself_conditional():
    plain, told = (GAN(GANConfig((1, 8, 8), classes, 4, 4, 1)) for classes in (0, 3))
    assert told.about == GAN.about
    assert plain.about == GAN.about.replace("A class-conditional GAN", "A GAN")
    assert plain.about.startswith("A GAN: ")


@pytest.mark.parametrize(("name", "num_classes"), CASES)
def test_image_i_belongs_to_seed_i(name, num_classes):
    model = build(name, num_classes)
    images = model.sample(13, seed=5)
    assert images.shape == (13, *model.image_shape)
    assert images.dtype == torch.uint8
    assert not torch.equal(images[0], images[1])
    # Another batch size may round a convolution otherwise: one grey level, no more.
    later = model.sample(4, seed=5, first=9).int() - images[9:].int()
    assert later.abs().max() <= 1
    assert torch.equal(model.sample(13, seed=5), images)
    assert not torch.equal(model.sample(13, seed=6), images)


@pytest.mark.parametrize(("name", "num_classes"), CASES)
def test_batch_size_does_not_matter(name, num_classes):
    model = build(name, num_classes)
    z, labels = torch.randn(7, model.latent_dim), torch.arange(7) % max(num_classes, 1)
    difference = model.render(z, labels, batch_size=2).int() - model.render(z, labels).int()
    assert difference.abs().max() <= 1


@pytest.mark.parametrize(("name", "num_classes"), CASES)
def test_any_model_can_be_searched(name, num_classes, monkeypatch):
    monkeypatch.setattr("duet.models.nearest.CANDIDATES", 12)
    model = build(name, num_classes)
    found = nearest(model, model.sample(1, seed=3)[0], steps=5)
    assert found.z.shape == (model.latent_dim,)
    assert 0 <= found.label < max(num_classes, 1)
    assert found.errors[-1] <= found.errors[0] + 1


def test_fewer_labels_than_latents_are_not_fewer_pictures(tiny_gan):
    with pytest.raises(ValueError, match="shorter than argument"):
        tiny_gan.render(torch.randn(4, 6), torch.zeros(2, dtype=torch.int64), batch_size=2)


@pytest.mark.parametrize("name", ["gan", "vae", "vae-spatial"])
def test_labels_matter_where_there_are_classes(name):
    model = build(name, 10)
    assert not torch.equal(model.sample(4, label=1), model.sample(4, label=2))
    with pytest.raises(ModelError, match=r"label 10 .*0\.\.9"):
        model.sample(1, label=10)


@pytest.mark.parametrize("name", MODELS)
def test_unconditional_models_refuse_labels(name):
    with pytest.raises(ModelError, match="unconditional"):
        build(name, 0).sample(1, label=0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"count": -1}, r"count must be a whole number in 0\.\.10000000, not -1"),
        ({"count": 2.5}, "count must be a whole number .* not 2.5"),
        ({"count": True}, "count"),
        ({"seed": 1.5}, r"seed must be a whole number in 0\.\.2\^63-1, not 1.5"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": "1"}, "seed .* not '1'"),
        ({"first": -1}, "first"),
        ({"first": 2**63 - 1}, "first"),
        ({"label": 9.9}, r"label 9\.9 is not one of the model's classes \(0\.\.9\)"),
        ({"label": -1}, "label -1"),
        ({"label": True}, "label True"),
        ({"truncation": float("nan")}, r"truncation must be a number in 0\.\.1, not nan"),
        ({"truncation": 1.1}, "truncation"),
        ({"truncation": None}, "truncation"),
    ],
)
def test_what_cannot_be_sampled_is_named(tiny_gan, asked, said):
    with pytest.raises(duet.DuetError, match=said):
        tiny_gan.sample(**{"count": 1} | asked)


@pytest.mark.parametrize("name", MODELS)
def test_no_samples_are_no_samples(name):
    model = build(name, 0)
    images = model.sample(0)
    assert (images.shape, images.dtype) == ((0, *model.image_shape), torch.uint8)


def test_what_is_not_said_is_the_beginning_of_the_first_stream(tiny_gan):
    images = tiny_gan.sample(3)
    assert torch.equal(images, tiny_gan.sample(3, seed=0, first=0, label=None, truncation=1.0))


def test_one_broken_value_is_enough(tiny_gan, monkeypatch):
    outputs = torch.zeros(3, 1, 28, 28)
    monkeypatch.setattr(tiny_gan, "decode", lambda z, labels: outputs)
    assert tiny_gan.sample(3).unique().tolist() == [128]
    for broken in (float("nan"), float("inf")):
        outputs[2, 0, 5, 5] = broken
        with pytest.raises(ModelError, match="this GAN's weights are broken"):
            tiny_gan.sample(3)


def test_what_is_too_large_is_drawn_one_by_one(tiny_gan, monkeypatch):
    sizes = []
    decode = tiny_gan.decode
    monkeypatch.setattr(tiny_gan, "decode", lambda z, y: sizes.append(len(z)) or decode(z, y))
    monkeypatch.setattr(base, "BATCH_VALUES", 1)
    tiny_gan.sample(2)
    assert sizes == [1, 1]


@pytest.mark.parametrize("name", MODELS)
def test_truncation_zero_is_one_image(name):
    images = build(name, 0).sample(3, truncation=0.0)
    assert torch.equal(images[0], images[1])


def test_a_negative_label_is_no_label(tiny_gan):
    assert tiny_gan.check_label(0) == 0
    with pytest.raises(ModelError, match="label -1"):
        tiny_gan.check_label(-1)


def test_vae_encodes_what_it_decodes(tiny_vae):
    """encode inverts the flow: noise -> z -> noise."""
    noise, labels = torch.randn(5, 6), torch.arange(5)
    z = tiny_vae.prior(noise, labels)
    torch.testing.assert_close(tiny_vae.prior.inverse(z, labels)[0], noise)
    images = tiny_vae.domain.to_network(tiny_vae.sample(5))
    assert tiny_vae.encode(images, labels).shape == (5, 6)


def test_vae_posterior_sees_the_label_and_is_bounded(tiny_vae):
    images = tiny_vae.domain.to_network(tiny_vae.sample(5))
    mean, log_variance = tiny_vae.posterior(images, torch.zeros(5).long())
    assert not torch.equal(mean, tiny_vae.posterior(images, torch.ones(5).long())[0])
    assert mean.shape == log_variance.shape == (5, 6)
    tiny_vae.to_posterior.bias.data[6:] = torch.tensor([100.0, -100.0] * 3)
    _, log_variance = tiny_vae.posterior(images, torch.zeros(5).long())
    assert log_variance.unique().tolist() == [-14, 8]


def test_networks_start_as_the_identity():
    """A residual block, and the flow: training begins at the networks' simplest."""
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(ResidualBlock(4)(x), x)
    noise, labels = torch.randn(3, 6), torch.arange(3)
    flow = ConditionalFlow(6, 10, layers=3)
    assert torch.equal(flow(noise, labels), noise)
    assert flow.inverse(noise, labels)[1].abs().max() == 0


def test_flow_moves_every_dimension_and_sees_the_label():
    flow = ConditionalFlow(6, 10, layers=2)
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    noise, zeros = torch.randn(3, 6), torch.zeros(3).long()
    assert (flow(noise, zeros) != noise).all()
    assert not torch.equal(flow(noise, zeros), flow(noise, zeros + 1))


def test_flow_log_determinant_is_the_jacobian():
    flow = ConditionalFlow(dim=5, num_classes=3, layers=4).double()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    z, label = torch.randn(1, 5, dtype=torch.float64), torch.tensor([2])
    noise, log_determinant = flow.inverse(z, label)
    torch.testing.assert_close(flow(noise, label), z)
    jacobian = torch.autograd.functional.jacobian(lambda a: flow.inverse(a, label)[0], z)
    expected = torch.linalg.slogdet(jacobian[0, :, 0]).logabsdet
    torch.testing.assert_close(log_determinant[0], expected)
    assert expected.abs() > 0.1  # the check is not about an identity


def test_discriminator_gives_one_logit_an_image_and_sees_the_label():
    discriminator = Discriminator(GANConfig((1, 28, 28), 10, 6, 4, 1))
    images, labels = torch.randn(3, 1, 28, 28), torch.arange(3)
    logits = discriminator(images, labels)
    assert logits.shape == (3,)
    features = activate(discriminator.encoder(images))
    projected = (discriminator.embed.weight[labels] * features).sum(1)
    torch.testing.assert_close(logits, discriminator.score(features).squeeze(1) + projected)
    assert (logits != discriminator(images, labels + 1)).all()


@pytest.mark.parametrize(
    ("shape", "stages", "channels", "coarsest"),
    [
        ((3, 32, 16), 2, (4, 8), (8, 8, 4)),
        ((3, 32, 16), 3, (4, 8, 16), (16, 4, 2)),
        ((1, 64, 64), 4, (4, 8, 16, 16), (16, 4, 4)),
    ],
)
def test_networks_of_several_stages(shape, stages, channels, coarsest):
    config = GANConfig(shape, 0, 6, 4, 1, stages=stages)
    assert (config.channels, config.coarsest) == (channels, coarsest)
    seen = []
    decoder = ImageDecoder(config)
    for module in decoder.modules():
        if isinstance(module, ResidualBlock):
            module.register_forward_hook(lambda m, i, out: seen.append(tuple(out.shape[1:])))
    images = decoder(torch.randn(2, 6), torch.zeros(2, dtype=torch.int64))
    assert images.shape == (2, *shape)
    sides = [(shape[1] >> stage, shape[2] >> stage) for stage in range(stages, 0, -1)]
    assert seen == [(c, *side) for c, side in zip(reversed(channels), sides, strict=True)]
    assert ImageEncoder(config, features=5)(images).shape == (2, 5)


def test_every_stage_is_wired_and_work_is_counted():
    """Each weight moves the picture; `work` is what the convolutions multiply, counted by hooks."""
    config = GANConfig((3, 32, 16), 0, 6, 4, 2, stages=4)
    for network, arguments in (
        (ImageDecoder(config), (torch.randn(2, 6), torch.zeros(2, dtype=torch.int64))),
        (ImageEncoder(config, 5), (torch.randn(2, 3, 32, 16),)),
    ):
        counted = []

        def count(conv, inputs, output, counted=counted):
            counted.append(output[0].numel() * conv.weight[0].numel())

        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.normal_(module.weight, std=0.3)
                module.register_forward_hook(count)
        network(*arguments).square().sum().backward()
        assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())
        assert sum(counted) == config.work


def test_the_decoder_is_mirrored_by_the_encoder():
    """Down to the number of weights of the convolutions, stage by stage."""
    config = GANConfig((3, 32, 32), 0, 6, 4, 2, stages=4)

    def sizes(network):
        shapes = [m.weight.shape for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
        return sorted(shape.numel() for shape in shapes)

    assert sizes(ImageDecoder(config)) == sizes(ImageEncoder(config, 5))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_shape": (1, 30, 28)}, r"multiples of 4 for 2 stages, not \(30, 28\)"),
        ({"stages": 3}, r"multiples of 8 for 3 stages, not \(28, 28\)"),
        ({"stages": 1}, r"stages must be an integer in 2\.\.6, not 1"),
        ({"stages": 7}, "stages"),
        ({"image_shape": (1, 512, 512), "width": 257}, "more than 16777216 values a layer"),
        ({"image_shape": (1, 256, 256), "width": 512, "depth": 1},
         r"width 512, depth 1 and 2 stages at \(256, 256\) pixels are more than \d+ multiplicat"),
        ({"image_shape": (1, 64, 64), "width": 1024, "depth": 32}, "multiplications an image"),
    ],
)
def test_networks_that_cannot_be_made_are_named(change, said):
    values = {"image_shape": (1, 28, 28), "num_classes": 0, "latent_dim": 4, "width": 4, "depth": 1}
    with pytest.raises(ModelError, match=said):
        GANConfig.from_dict(values | change)


@pytest.mark.parametrize(
    ("side", "stages"), [(4, 2), (16, 2), (28, 2), (32, 3), (36, 2), (64, 4), (128, 5), (512, 6)]
)
def test_recommended_stages(side, stages):
    assert recommended_stages((3, side, side)) == stages
    assert recommended_stages((3, side, 28)) == 2
    GANConfig((3, side, side), 0, 4, 4, 1, stages=recommended_stages((3, side, side)))


def test_wide_layers_are_computed_a_few_images_at_a_time(monkeypatch):
    model = GAN(GANConfig((1, 64, 64), 0, 4, width=1024, depth=0)).eval()
    sizes = []
    zeros = torch.zeros(1, 1, 64, 64)
    monkeypatch.setattr(
        model, "decode", lambda z, y: sizes.append(len(z)) or zeros.expand(len(z), 1, 64, 64)
    )
    model.sample(10)
    assert sizes == [4, 4, 2]


def test_dcgan_is_the_tutorials():
    """Layer by layer as Keras counts them: 2,330,944 parameters of the generator with its batch
    norms' moving averages, 212,865 of the discriminator."""
    model = DCGAN(ModelConfig((1, 28, 28), 0, 100))
    counted = sum(v.numel() for k, v in model.state_dict().items() if "num_batches" not in k)
    assert counted == 2_330_944
    assert sum(p.numel() for p in DCGANDiscriminator().parameters()) == 212_865
    assert (model.norm1.eps, model.norm1.momentum) == (1e-3, 0.01)


def test_dcgan_pads_as_keras_does():
    """'same' at stride 2 puts the odd pixel right and below: an impulse response by hand."""
    discriminator = DCGANDiscriminator()
    image = torch.zeros(1, 1, 28, 28)
    image[..., 0, 0] = 1
    padded = torch.nn.functional.pad(image, (1, 2, 1, 2))
    response = discriminator.conv1(padded)[0, :, 0, 0]
    torch.testing.assert_close(response, discriminator.conv1.weight[:, 0, 1, 1])
    up = DCGAN(ModelConfig((1, 28, 28), 0, 100)).up3
    impulse = torch.zeros(1, 64, 14, 14)
    impulse[0, 0, 3, 3] = 1
    drawn = up(impulse)[..., :-1, :-1][0, 0]
    assert drawn.shape == (28, 28)
    torch.testing.assert_close(drawn[5:10, 5:10], up.weight[0, 0])


def test_dcgan_discriminator_by_hand():
    """Its layers one after the other, padded right and below, without dropout in eval mode."""
    network = DCGANDiscriminator().eval()
    images = torch.randn(2, 1, 28, 28)
    x = images
    for conv in (network.conv1, network.conv2):
        padded = torch.zeros(2, x.shape[1], x.shape[2] + 3, x.shape[3] + 3)
        padded[:, :, 1:-2, 1:-2] = x
        x = conv(padded)
        x = torch.where(x > 0, x, 0.3 * x)
    torch.testing.assert_close(network(images), network.dense(x.flatten(1)).squeeze(1))
    network.train()
    assert not torch.equal(network(images), network(images))


def test_dcgan_drops_as_the_tutorial_does(monkeypatch):
    dropped = []
    monkeypatch.setattr(
        torch.nn.functional, "dropout", lambda x, *how: dropped.append((x.shape[1], *how)) or x
    )
    network = DCGANDiscriminator()
    network(torch.randn(2, 1, 28, 28))
    network.eval()(torch.randn(2, 1, 28, 28))
    assert dropped == [(64, 0.3, True), (128, 0.3, True), (64, 0.3, False), (128, 0.3, False)]


def test_dcgan_starts_as_keras_does():
    """Glorot uniform: +-sqrt(6 / (fan in + fan out)), up to the bound; no biases."""
    bounds = {"conv1": 25 + 64 * 25, "conv2": 64 * 25 + 128 * 25, "dense": 7 * 7 * 128 + 1}
    network = DCGANDiscriminator()
    for name, fans in bounds.items():
        layer = getattr(network, name)
        bound = (6 / fans) ** 0.5
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert layer.bias.abs().max() == 0
    up = DCGAN(ModelConfig((1, 28, 28), 0, 100)).up2.weight
    assert up.abs().max() <= (6 / (128 * 25 + 64 * 25)) ** 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"latent_dim": 0}, r"latent_dim must be an integer in 1\.\.4096, not 0"),
        ({"latent_dim": 10**9}, "latent_dim"),
        ({"latent_dim": True}, "latent_dim"),
        ({"image_shape": [1, 28]}, "three integers"),
        ({"image_shape": [1, 28, 10**6]}, r"1\.\.1024"),
        ({"num_classes": -1}, "num_classes"),
    ],
)
def test_configurations_are_bounded(change, said):
    values = {"image_shape": [1, 28, 28], "num_classes": 0, "latent_dim": 4} | change
    with pytest.raises(ModelError, match=said):
        ModelConfig.from_dict(values)


def test_configurations_are_complete():
    with pytest.raises(ModelError, match=r"missing \['latent_dim'\], unknown \['laten'\]"):
        ModelConfig.from_dict({"image_shape": [1, 28, 28], "num_classes": 0, "laten": 4})


def test_load_is_exported():
    assert duet.load is sources.load
