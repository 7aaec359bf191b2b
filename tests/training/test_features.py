"""The features that judge a reconstruction."""

from itertools import pairwise

import pytest
import torch

from duet.models.networks import Coarser, ResidualConfig
from training.features import Features, perceptual_nll, rotation_loss

CONFIG = ResidualConfig((3, 16, 16), 0, 6, 4, 1)


def moved():
    features = Features(CONFIG)
    for weight in features.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    return features


def test_maps_are_of_every_stage_and_all_weights_answer():
    features = moved()
    images = torch.rand(3, 3, 16, 16)
    assert [tuple(m.shape[1:]) for m in features.maps(images)] == [(2, 8, 8), (4, 4, 4), (8, 2, 2)]
    rotation_loss(features, images).backward()
    assert all(weight.grad.abs().sum() > 0 for weight in features.parameters())


@pytest.mark.parametrize(("width", "widths"), [(1, (1, 1, 2)), (6, (3, 6, 12))])
def test_it_is_half_as_wide_with_one_block_a_stage(width, widths):
    features = Features(ResidualConfig((3, 16, 16), 0, 6, width, 3))
    assert [m.shape[1] for m in features.maps(torch.rand(1, 3, 16, 16))] == list(widths)
    for stage, pair in zip(features.stages, pairwise(widths), strict=True):
        shapes = {key: value.shape for key, value in stage.state_dict().items()}
        known = Coarser(*pair, 1).state_dict()
        assert shapes == {key: value.shape for key, value in known.items()}


def test_the_question_is_the_turn():
    """A network that reads the turn off a marked corner is always right; all four are asked."""
    images = torch.zeros(200, 3, 4, 4)
    images[:, :, 0, 0] = 1
    asked = set()

    def reads(turned):
        corners = torch.stack([turned[:, 0, y, x] for y, x in ((0, 0), (3, 0), (3, 3), (0, 3))], 1)
        asked.update(corners.argmax(1).tolist())
        return 50 * corners

    assert rotation_loss(reads, images).item() == pytest.approx(0, abs=1e-6)
    assert asked == {0, 1, 2, 3}


def test_the_scale_of_a_map_does_not_matter():
    """It adds a constant, and changes no gradient of the reconstruction."""
    images, drawn = torch.rand(2, 4, 3, 16, 16).unbind()
    drawn.requires_grad_()
    features = moved()
    gradients = []
    for factor in (1, 10):
        features.enter.weight.data *= factor
        features.enter.bias.data *= factor
        only_first = type("", (), {"maps": lambda self, x: features.maps(x)[:1]})()
        (gradient,) = torch.autograd.grad(perceptual_nll(only_first, drawn, images), drawn)
        gradients.append(gradient)
    torch.testing.assert_close(*gradients)


def test_what_looks_alike_is_likelier():
    features, images = moved(), torch.rand(4, 3, 16, 16)
    near, far = (perceptual_nll(features, images + noise * torch.randn_like(images), images)
                 for noise in (0.1, 0.5))
    assert near < far - 500


def test_sides_that_cannot_be_halved_again_have_a_stage_less():
    """28 pixels: 14, and 7."""
    features = Features(ResidualConfig((1, 28, 28), 0, 6, 4, 1))
    images = torch.zeros(2, 1, 28, 28)
    assert [maps.shape[-1] for maps in features.maps(images)] == [14, 7]
    assert features(images).shape == (2, 4)
