"""Precision, recall, density, coverage: by hand, by torch-fidelity, and what they mean."""

import numpy as np
import pytest
import torch
from torch_fidelity.metric_prc import prc_features_to_metric

from evaluation import manifolds
from evaluation.errors import EvaluationError
from evaluation.manifolds import compare


def by_hand(generated, real, k):
    """The definitions, as sums over pairs, in float64."""
    generated, real = generated.double().numpy(), real.double().numpy()

    def distances(one, two):
        return np.sqrt(np.square(one[:, None] - two[None]).sum(2))

    def radii(points):
        return np.sort(distances(points, points), 1)[:, k]  # number 0 is the point itself

    between = distances(real, generated)
    open_ = between < radii(real)[:, None]
    return (
        (between <= radii(real)[:, None]).any(0).mean(),
        (between <= radii(generated)[None]).any(1).mean(),
        open_.sum() / (k * len(generated)), open_.any(1).mean(),
    )


def torch_fidelity(generated, real, k):
    found = prc_features_to_metric(
        generated, real, prc_neighborhood=k, prc_batch_size=300, save_cpu_ram=True, verbose=False
    )
    return found["precision"], found["recall"]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch):
    """Several blocks, the last one shorter."""
    monkeypatch.setattr(manifolds, "BLOCK", 5_000)


def curved(count, width=1.0, offset=0.0, dimension=7):
    """float32 points near a curved surface, the same surface for all."""
    plane = width * torch.randn(count, 3)
    steady = torch.Generator().manual_seed(1)
    bent = torch.sin(plane @ torch.randn(3, dimension, generator=steady))
    return bent + 0.05 * torch.randn(count, dimension) + offset


@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("offset", [0, 300])
def test_all_four_by_hand(k, offset):
    """More of the one than of the other; a common offset, which costs a matrix product digits."""
    generated = curved(430, 0.6, offset) + 0.15 * torch.randn(430, 7)
    real = curved(611, offset=offset)
    found = compare(generated, real, k)
    assert found == pytest.approx(by_hand(generated, real, k), abs=0)
    assert 0.2 < found.precision < 0.999
    assert 0.2 < found.recall < 0.999


def test_copies_and_neighbours_at_the_very_radius():
    """Lattices and copies: nearly every distance is a tie, which only exact ones decide."""
    side = torch.arange(9.0)
    real = torch.cartesian_prod(side, side, side[:5]) / 3
    generated = torch.cat([real[::2], real[:40].expand(40, 3), real[:1].expand(30, 3) + 1 / 3])
    for one, two in ((generated, real), (real, real), (real, generated)):
        assert compare(one, two, 3) == pytest.approx(by_hand(one, two, 3), abs=0)


@pytest.mark.parametrize("noise", [0, 1e-7, 1e-3])
def test_points_that_nearly_coincide(noise):
    """Nearer together than a float32 product can tell."""
    real = curved(300)
    generated = real[:1] + noise * torch.randn(200, real.shape[1])
    assert compare(generated, real, 3) == pytest.approx(by_hand(generated, real, 3), abs=0)
    assert compare(real, generated, 3) == pytest.approx(by_hand(real, generated, 3), abs=0)


@pytest.mark.parametrize("dimension", [64, 2048])
def test_as_many_as_torch_fidelity_counts(dimension):
    """In float64, where its distances are good to the last digits, and in float32 as it comes."""
    generated = curved(900, 0.8, dimension=dimension)
    real = curved(1300, dimension=dimension)
    found = compare(generated, real, 3)
    for dtype in (torch.float64, torch.float32):
        precision, recall = torch_fidelity(generated.to(dtype), real.to(dtype), 3)
        assert round(precision * 900) == found.precision * 900
        assert round(recall * 1300) == pytest.approx(found.recall * 1300, abs=1e-9)


def test_the_blocks_do_not_matter(monkeypatch):
    generated, real = curved(500, 0.7), curved(700)
    found = compare(generated, real, 3)
    for block in (1, 1 << 20):
        monkeypatch.setattr(manifolds, "BLOCK", block)
        assert compare(generated, real, 3) == found


def test_the_same_distribution():
    """Precision and recall near 1; coverage as expected of it (equation 6), density 1."""
    precision, recall, density, coverage = compare(torch.randn(800, 4), torch.randn(800, 4), 3)
    assert precision > 0.9
    assert recall > 0.9
    assert density == pytest.approx(1, abs=0.15)
    assert coverage == pytest.approx(1 - 0.5**3, abs=0.08)


def test_a_collapsed_sampler_is_precise_and_recalls_nothing():
    """Typical pictures, hardly varied: libraries have had the two swapped."""
    real = torch.randn(500, 4)
    typical = real[real.norm(dim=1).argmin()]
    collapsed = typical + 1e-3 * torch.randn(500, 4)
    precision, recall, density, coverage = compare(collapsed, real, 3)
    assert precision == 1
    assert recall < 0.01
    assert density > 0.3
    assert coverage < 0.05


def test_a_scattered_sampler_recalls_all_and_is_imprecise():
    """Its balls are so large that they hold every real picture; few of its own are like any."""
    real = torch.randn(500, 4)
    precision, recall, density, coverage = compare(10 * torch.randn(500, 4), real, 3)
    assert precision < 0.1
    assert recall > 0.9
    assert density < 0.1
    assert coverage < 0.1


def test_strangers_have_nothing_in_common():
    real = torch.randn(500, 4)
    assert compare(torch.randn(400, 4) + 50, real, 3) == (0, 0, 0, 0)


def test_fewer_than_the_neighbours_asked_for_are_refused():
    with pytest.raises(EvaluationError, match="3 images have no 3 neighbours"):
        compare(torch.randn(3, 4), torch.randn(90, 4), 3)
    assert compare(torch.randn(4, 4), torch.randn(90, 4), 3)


def test_blocks_hold_so_many_pairs(monkeypatch):
    monkeypatch.setattr(manifolds, "BLOCK", 10)
    cloud = manifolds._Cloud.about(torch.zeros(2), torch.randn(10, 2))
    blocks = [(rows.start, rows.stop) for rows in cloud.blocks(3)]
    assert blocks == [(0, 3), (3, 6), (6, 9), (9, 10)]
    assert len(list(cloud.blocks(20))) == 10


def test_quick_distances_are_within_their_error():
    """Of points near the centre and far away; the bound is Higham's."""
    one, two = torch.randn(20, 64), torch.randn(30, 64)
    two[7:9] = 40 * one[3:5] + 1e-3
    one[4] *= 40
    centre = two.double().mean(0)
    few, many = (manifolds._Cloud.about(centre, points) for points in (one, two))
    pairs = manifolds._Pairs(few, many)
    exact = (one.double()[:, None] - two.double()).square().sum(2)
    assert ((pairs.near.double() - exact).abs() <= pairs.error).all()
    squares = [(points.double() - centre).square().sum(1) for points in (one, two)]
    bound = (2 * 64 + 16) * 2.0**-24 * (squares[0][:, None] + squares[1].max())
    torch.testing.assert_close(pairs.error.double(), bound, rtol=1e-5, atol=0)
