"""Every bound of a configuration, from both sides."""

import pytest

from duet.models import ModelConfig, ModelError, networks
from duet.models.dcgan import DCGAN
from duet.models.gan import GANConfig
from duet.models.networks import MAX_LAYER_VALUES, MAX_WORK
from duet.models.vae import VAEConfig

PLAIN = {"image_shape": (1, 28, 28), "num_classes": 0, "latent_dim": 4}
RESIDUAL = {**PLAIN, "width": 4, "depth": 1}
KINDS = {ModelConfig: PLAIN, GANConfig: RESIDUAL, VAEConfig: {**RESIDUAL, "flow_layers": 2}}
BOUNDS = {
    ModelConfig: {"num_classes": (0, 10_000), "latent_dim": (1, 4096)},
    GANConfig: {"width": (1, 1024), "depth": (0, 32)},
    VAEConfig: {"width": (1, 1024), "depth": (0, 32), "flow_layers": (0, 64)},
}


@pytest.mark.parametrize(
    ("kind", "name", "low", "high"),
    [(kind, name, *bounds) for kind, named in BOUNDS.items() for name, bounds in named.items()],
)
def test_each_number_has_its_bounds(kind, name, low, high):
    for value in (low, high):
        assert getattr(kind.from_dict(KINDS[kind] | {name: value}), name) == value
    for value in (low - 1, high + 1, float(high), str(high), None, True):
        with pytest.raises(ModelError, match=rf"{name} must be an integer in {low}\.\.{high}, not"):
            kind.from_dict(KINDS[kind] | {name: value})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "shape",
    [(0, 28, 28), (1, 0, 28), (1, 28, 0), (1025, 4, 4), (1, 1028, 4), (1, 4, 1028), (True, 28, 28),
     (1.0, 28, 28), (1, "28", 28), (1, 28), (1, 28, 28, 1), (1, -28, -28)],
)
def test_a_shape_is_three_integers(kind, shape):
    with pytest.raises(ModelError, match=r"must be three integers C, H, W in 1\.\.1024"):
        kind.from_dict(KINDS[kind] | {"image_shape": shape})


def test_the_values_of_an_image_are_bounded():
    for shape in [(1024, 1, 1024), [1, 1024, 1024], (1, 1, 1)]:
        assert ModelConfig(shape, 0, 1).image_shape == tuple(shape)
    with pytest.raises(ModelError, match=r"\(1023, 33, 32\) is more than 1048576 values an image"):
        ModelConfig((1023, 33, 32), 0, 1)


def test_the_values_of_a_layer_are_bounded():
    at_the_bound = GANConfig((1, 1024, 1024), 0, 1, width=64, depth=0)
    assert at_the_bound.layer_values == MAX_LAYER_VALUES
    with pytest.raises(ModelError, match=f"width 65 .* more than {2**24} values a layer and image"):
        GANConfig((1, 1024, 1024), 0, 1, width=65, depth=0)


def test_work_is_bounded(monkeypatch):
    heavy = GANConfig((1, 256, 256), 0, 1, width=160, depth=4)
    assert 0.9 * 2**36 < heavy.work <= MAX_WORK
    with pytest.raises(ModelError, match=f"more than {2**36} multiplications an image"):
        GANConfig((1, 256, 256), 0, 1, width=165, depth=4)
    light = GANConfig((1, 28, 28), 0, 4, 4, 1)
    monkeypatch.setattr(networks, "MAX_WORK", light.work)
    GANConfig((1, 28, 28), 0, 4, 4, 1)
    monkeypatch.setattr(networks, "MAX_WORK", light.work - 1)
    with pytest.raises(ModelError, match="multiplications"):
        GANConfig((1, 28, 28), 0, 4, 4, 1)


@pytest.mark.parametrize(
    ("shape", "num_classes"), [((3, 28, 28), 0), ((1, 28, 32), 0), ((1, 32, 28), 0), (None, 10)]
)
def test_what_the_tutorials_dcgan_cannot_draw_is_named(shape, num_classes):
    with pytest.raises(ModelError, match="unconditional 1x28x28 pixels and nothing else"):
        DCGAN(ModelConfig(shape or (1, 28, 28), num_classes, 100))
