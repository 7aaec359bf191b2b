"""Perceptual path length of models whose speed is known."""

import dataclasses

import numpy as np
import pytest
import torch

from duet.core import latents
from duet.core.domains import DOMAINS, PIXELS
from evaluation import path_length
from evaluation.fidelity import Extractor
from evaluation.path_length import between, squared_speeds, trimmed_mean

DIM = 6


class Means(torch.nn.Module):
    """Features: the pixels themselves, in units of 100 levels."""

    def forward(self, images):
        features = images.flatten(1) / 100
        return features, features


@pytest.fixture
def pixels():
    return Extractor("pixels", Means(), "0" * 64, (1, 1, DIM), torch.device("cpu"))


@pytest.fixture
def linear(tiny_gan, monkeypatch):
    """Pixels that are the latent, times the label plus one, around the middle grey."""

    def decode(z, labels):
        return (z * (labels[:, None] + 1) / 127.5).view(-1, 1, 1, DIM)

    monkeypatch.setattr(tiny_gan, "decode", decode)
    return tiny_gan


def test_a_linear_models_speed_is_that_of_its_latents(linear, pixels, monkeypatch):
    """The great circle's own speed, by a difference quotient of duet.core.latents.slerp in float64,
    times the factor of the first latent's class; more than one batch."""
    monkeypatch.setattr(path_length, "BATCH", 4)
    monkeypatch.setattr(path_length, "EPSILON", 1e-2)  # float32 pixels round
    found = squared_speeds(linear, pixels, 9, seed=3, truncation=1.0, title="t")
    z, labels = latents.draw(3, range(18), DIM, 10)
    for index, speed in enumerate(found.tolist()):
        one, two = z[2 * index].double(), z[2 * index + 1].double()
        path = latents.slerp(one, two, 1001)
        speeds = path.diff(dim=0).square().sum(1) * 1000**2 * (labels[2 * index].item() + 1) ** 2
        assert speeds.min() * 0.98 <= speed * 100**2 <= speeds.max() * 1.02


def test_pairs_do_not_depend_on_their_number(linear, pixels):
    few, many = (squared_speeds(linear, pixels, count, 0, 1.0, "t") for count in (5, 12))
    torch.testing.assert_close(few, many[:5], rtol=1e-3, atol=1e-6)
    assert not torch.allclose(few, squared_speeds(linear, pixels, 5, 1, 1.0, "t"), rtol=1e-2)
    slower = squared_speeds(linear, pixels, 12, 0, 0.5, "t")
    assert (slower / many).median() == pytest.approx(0.25, rel=0.05)


def test_where_there_are_no_levels_between_nothing_is_measured(linear, pixels, monkeypatch):
    bytes_only = dataclasses.replace(pixels, takes_floats=False)
    assert squared_speeds(linear, bytes_only, 5, 0, 1.0, "t") is None
    monkeypatch.setattr(DOMAINS[PIXELS], "to_levels", lambda x: None, raising=False)
    assert squared_speeds(linear, pixels, 5, 0, 1.0, "t") is None


def test_the_places_of_published_numbers_stay(linear, pixels, monkeypatch):
    """A stream of their own; the step is the paper's."""
    asked, known = [], between
    monkeypatch.setattr(path_length, "between", lambda *given: asked.append(given) or known(*given))
    found = squared_speeds(linear, pixels, 9, seed=3, truncation=1.0, title="t")
    assert {tensor.dtype for given in asked for tensor in (*given, found)} == {torch.float64}
    words = np.random.Philox(key=[3, 2**32]).random_raw(9)
    start, end = (places[:, 0].numpy() for _, _, places in asked)
    np.testing.assert_array_equal(start, (words >> np.uint64(11)) * 2.0**-53)
    np.testing.assert_allclose(end - start, 1e-4, rtol=1e-9)


def test_places_are_on_the_great_circle():
    start, end = torch.randn(3, DIM).double(), torch.randn(3, DIM).double()
    end[1], end[2] = 2 * start[1], -start[2]  # where it is not defined
    for step, t in enumerate(torch.linspace(0, 1, 5).double()):
        found = between(start, end, t.expand(3, 1))
        expected = [latents.slerp(a, b, 5)[step] for a, b in zip(start, end, strict=True)]
        torch.testing.assert_close(found, torch.stack(expected), rtol=1e-6, atol=1e-9)


def test_the_outer_hundredths_are_left_out():
    values = torch.from_numpy(np.random.default_rng(0).permutation(1000)).double()
    values[values == 999], values[values == 0] = 1e9, -1e9
    assert trimmed_mean(values) == pytest.approx(np.arange(9, 991).mean(), abs=0.6)
    assert trimmed_mean(torch.tensor([4.0], dtype=torch.float64)) == 4
    rising = np.arange(1000.0) ** 2  # 9 are below the first hundredth, 9 above the last
    assert trimmed_mean(torch.from_numpy(rising)) == pytest.approx(rising[9:991].mean(), rel=1e-12)
