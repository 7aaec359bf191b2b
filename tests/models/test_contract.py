"""What every registered model must keep, whatever it is inside."""

import dataclasses
import itertools

import pytest
import torch

import duet
from duet.hub import sources
from duet.models import MODELS, ModelConfig, ModelError
from duet.models.dcgan import DCGAN, DCGANDiscriminator
from duet.models.flow import ConditionalFlow
from duet.models.gan import Discriminator, GANConfig
from duet.models.networks import ImageDecoder, ImageEncoder

SMALL = {"width": 4, "depth": 1, "flow_layers": 2, "latent_dim": 6}


def build(name: str, num_classes: int):
    kind = MODELS[name]
    fields = {f.name for f in dataclasses.fields(kind.Config)} & set(SMALL)
    torch.manual_seed(0)
    return kind(kind.Config((1, 28, 28), num_classes, **{f: SMALL[f] for f in fields})).eval()


CASES = [(n, c) for n, c in itertools.product(MODELS, (0, 10)) if (n, c) != ("dcgan", 10)]


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


@pytest.mark.parametrize("name", ["gan", "vae"])
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


def test_no_samples_are_no_samples(tiny_gan):
    assert tiny_gan.sample(0).shape == (0, 1, 28, 28)


@pytest.mark.parametrize("name", MODELS)
def test_truncation_zero_is_one_image(name):
    images = build(name, 0).sample(3, truncation=0.0)
    assert torch.equal(images[0], images[1])


def test_vae_encodes_what_it_decodes(tiny_vae):
    """encode inverts the flow: noise -> z -> noise."""
    noise, labels = torch.randn(5, 6), torch.arange(5)
    z = tiny_vae.prior(noise, labels)
    torch.testing.assert_close(tiny_vae.prior.inverse(z, labels)[0], noise)
    images = tiny_vae.domain.to_network(tiny_vae.sample(5))
    assert tiny_vae.encode(images, labels).shape == (5, 6)


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


def test_discriminator_gives_one_logit_an_image():
    logits = Discriminator(GANConfig((1, 28, 28), 10, 6, 4, 1))(
        torch.randn(3, 1, 28, 28), torch.arange(3)
    )
    assert logits.shape == (3,)


def test_networks_take_other_sizes_and_name_bad_ones():
    images = ImageDecoder(4, 0, (3, 32, 16), width=4, depth=1)(
        torch.randn(2, 4), torch.zeros(2, dtype=torch.int64)
    )
    assert images.shape == (2, 3, 32, 16)
    assert ImageEncoder((3, 32, 16), 4, 1, features=5)(images).shape == (2, 5)
    with pytest.raises(ModelError, match=r"multiples of 4, not \(30, 28\)"):
        ImageDecoder(4, 0, (1, 30, 28), width=4, depth=1)


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
