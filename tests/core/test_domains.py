"""Domains: what all of them keep, and pixels to the level."""

import math

import pytest
import torch

from duet.core.domains import DOMAINS, gaussian_nll, leaky_clamp
from duet.data import DataError, ImageSet
from duet.models import ModelConfig, ModelError

PIXELS = DOMAINS["pixels"]


@pytest.mark.parametrize("domain", DOMAINS.values(), ids=DOMAINS)
def test_what_every_domain_keeps(domain):
    values = torch.randint(0, 2, (5, 1, 6, 4), dtype=torch.uint8)
    images = domain.to_network(values)
    assert images.dtype == torch.float32
    assert images.shape == (5, domain.network_channels(1), 6, 4)
    assert torch.equal(domain.to_values(images), values)
    assert torch.equal(domain.to_values(domain.squash(images)), values)
    x = (10 * torch.randn(images.shape)).requires_grad_()
    domain.squash(x).square().sum().backward()
    assert (x.grad != 0).all()
    right = domain.negative_log_likelihood(images, images)
    assert right < domain.negative_log_likelihood(images.flip(0), images)
    shown = domain.to_pixels(values)
    assert (shown.dtype, len(shown), shown.shape[1] in (1, 3)) == (torch.uint8, 5, True)
    height, width = shown.shape[2:]
    assert domain.picture(values[0], scale=3).size == (3 * width, 3 * height)


def test_every_level_survives_the_round_trip():
    levels = torch.arange(256, dtype=torch.uint8)
    assert PIXELS.to_network(levels).min() == -1
    assert PIXELS.to_network(levels).max() == 1
    assert torch.equal(PIXELS.to_values(PIXELS.to_network(levels)), levels)


def test_beyond_the_range_is_clamped_not_wrapped():
    outputs = torch.tensor([-1.02, 1.02, -9.0, 9.0])
    assert PIXELS.to_values(outputs).tolist() == [0, 255, 0, 255]


def test_narrow_floats_are_widened_before_they_are_scaled():
    outputs = torch.linspace(-1, 1, 999)
    for kind in (torch.bfloat16, torch.float16):
        narrow = outputs.to(kind)
        assert torch.equal(PIXELS.to_values(narrow), PIXELS.to_values(narrow.float()))


def test_rounds_to_the_nearest_level():
    levels = torch.tensor([7.0, 7.4, 7.6])
    assert PIXELS.to_values(PIXELS.to_network(levels)).tolist() == [7, 7, 8]


def test_pixels_are_shown_and_judged_as_they_are():
    value = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    assert PIXELS.picture(value, scale=2).getcolors() == [(4, 0), (4, 255)]
    assert PIXELS.picture(value).size == (2, 1)
    outputs, images = torch.rand(2, 3, 1, 4, 4)
    likelihood = PIXELS.negative_log_likelihood(outputs, images)
    assert torch.equal(likelihood, gaussian_nll(outputs, images))
    assert gaussian_nll(outputs[:1], images[:1]).isfinite()  # a batch may be of one


def test_the_likelihood_is_a_gaussians_at_its_best_variance():
    """Summed pixel by pixel; a perfect reconstruction's variance is taken for 1e-8."""
    outputs, images = torch.rand(2, 3, 1, 4, 5)
    variance = (outputs - images).square().mean()
    density = torch.distributions.Normal(outputs, variance.sqrt())
    expected = -density.log_prob(images).sum() / 3
    torch.testing.assert_close(gaussian_nll(outputs, images), expected)
    assert gaussian_nll(outputs.bfloat16(), images).dtype == torch.float32
    perfect = 10 * (math.log(2 * math.pi * 1e-8) + 1)
    assert gaussian_nll(images, images).item() == pytest.approx(perfect, rel=1e-5)


def test_the_clamp_leaks_a_hundredth():
    x = torch.tensor([-3.0, -1.0, 0.5, 2.0])
    torch.testing.assert_close(leaky_clamp(x), torch.tensor([-1.02, -1.0, 0.5, 1.01]))


def test_an_unknown_domain_is_refused():
    with pytest.raises(DataError, match=r"toy/train: unknown domain 'tiles'; known: pixels"):
        ImageSet("toy", "train", torch.zeros(1, 1, 4, 4, dtype=torch.uint8), torch.zeros(1).long(),
                 ("a",), domain="tiles")
    for domain in ("tiles", ["pixels"]):
        with pytest.raises(ModelError, match="unknown domain"):
            ModelConfig((1, 4, 4), 0, 4, domain=domain)
