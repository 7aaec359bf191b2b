"""The statistics of copying, against counting by hand and against copiers of known kinds."""

import itertools
import math

import numpy as np
import pytest
import torch

from evaluation import nearness
from evaluation.errors import EvaluationError
from evaluation.nearness import KIN, Placed, Training, compare, floor, nearer_cells

MEANS = torch.randn(5, 8, generator=torch.Generator().manual_seed(9)) * 6


def draw(count: int, seed: int, classes: tuple[int, ...] = (0, 1, 2, 3, 4)) -> torch.Tensor:
    """Points float32 [count, 8], sorted by class, of classes of different sizes."""
    generator = torch.Generator().manual_seed(seed)
    share = torch.tensor([float(c + 1) for c in classes])
    labels = torch.tensor(classes)[share.multinomial(count, True, generator=generator).sort()[0]]
    return MEANS[labels] + torch.randn(count, 8, generator=generator)


@pytest.fixture(scope="module")
def training():
    return Training(draw(3001, 0), cells=5)


@pytest.fixture(scope="module")
def held_out(training):
    return training.place(draw(901, 1))


def noisy(points: torch.Tensor, size: float) -> torch.Tensor:
    return points + size * torch.randn(points.shape, generator=torch.Generator().manual_seed(5))


def test_the_rank_test_counts_pairs():
    rng = np.random.default_rng(0)
    real, generated = (torch.from_numpy(rng.integers(0, 9, n) / 4.0) for n in (13, 7))
    pairs = itertools.product(real.tolist(), generated.tolist())
    by_hand = sum((g > r) + (g == r) / 2 for r, g in pairs)
    share, z = nearness.rank_test(real, generated)
    assert share == pytest.approx(by_hand / (13 * 7))
    assert z == pytest.approx((by_hand - 13 * 7 / 2) / math.sqrt(13 * 7 * 21 / 12))


def test_smaller_generated_distances_are_negative():
    assert nearness.rank_test(torch.arange(10.0) + 20, torch.arange(10.0))[1] < -3
    assert nearness.rank_test(torch.arange(10.0), torch.arange(10.0)) == (0.5, 0.0)


def test_nearest_are_numpys_and_copies_lie_at_nothing():
    points = draw(57, 3) + 100  # far from the origin, where a matrix product rounds
    images = torch.cat([draw(21, 4) + 100, points[:5]])
    distances, indices = Training(points, 3).nearest(images, KIN)
    exact = np.linalg.norm(images.double().numpy()[:, None] - points.double().numpy(), axis=2)
    assert distances.numpy() == pytest.approx(np.sort(exact, axis=1)[:, :KIN], abs=1e-4)
    assert indices[:, 0].tolist() == exact.argmin(1).tolist()
    assert distances[-5:, 0].tolist() == [0.0] * 5


def test_cells_are_the_modes():
    points = torch.cat([MEANS[c] * 10 + draw(40, c, (c,)) for c in range(5)])
    centres = nearness.cell_centres(points, 5)
    found = torch.cdist(points, centres).argmin(1).view(5, 40)
    assert (found == found[:, :1]).all()
    assert torch.equal(centres, nearness.cell_centres(points, 5))


@pytest.mark.parametrize(("held_out", "cells"), [(40, 1), (250, 2), (10_000, 20), (60_000, 20)])
def test_cells_hold_enough(held_out, cells):
    assert nearness.cell_count(held_out) == cells


def test_authenticity_by_hand():
    line = torch.arange(20.0)[:, None] ** 2  # own nearest others: 1, 1, 3, 5, 7 ..
    images = torch.tensor([[0.5], [5.2], [6.9], [-2.0], [9.0]])
    placed = Training(line, 1).place(images)
    assert placed.distances.tolist() == pytest.approx([0.5, 1.2, 2.1, 2.0, 0.0], abs=1e-5)
    assert placed.authentic.tolist() == [False, False, False, True, False]
    assert placed.ratios[1].item() == pytest.approx(1.2 / (81 - 5.2 - 17), abs=0.1)


def test_the_difference_of_shares_by_hand():
    real, generated = torch.tensor([True] * 6 + [False] * 2), torch.tensor([True, False, False])
    pooled = 7 / 11
    z = (1 / 3 - 3 / 4) / math.sqrt(pooled * (1 - pooled) * (1 / 8 + 1 / 3))
    assert nearness.share_test(real, generated) == pytest.approx(z)
    assert nearness.share_test(real[:6], real[:3]) == 0


def test_c_t_is_the_mean_weighted_by_the_held_out_images(held_out, training):
    scores = compare(held_out, training.place(noisy(training.points[::5], 0.5)))
    weights = np.array([cell.held_out for cell in scores.cells])
    z = np.array([cell.z for cell in scores.cells])
    assert len(set(weights)) == 5  # unbalanced, or the weights would not matter
    assert scores.copying == pytest.approx((weights * z).sum() / weights.sum())


def test_another_sample_is_not_flagged(held_out, training):
    for seed in (7, 8):
        scores = compare(held_out, training.place(draw(801, seed)))
        assert abs(scores.copying) < 2
        assert nearer_cells(scores) == 0
        assert scores.nearer == pytest.approx(0.5, abs=0.06)
        assert scores.singled_out < 0.03
        assert abs(scores.authenticity_z) < 3
    assert nearer_cells(floor(held_out)) == 0
    assert abs(floor(held_out).copying) < 2


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_a_copier_is_caught(held_out, training, noise):
    scores = compare(held_out, training.place(noisy(training.points[::5], noise)))
    assert scores.copying < -3
    assert nearer_cells(scores) == len(scores.cells) == 5
    assert scores.nearer > 0.6
    assert scores.singled_out > 0.02
    assert scores.authenticity_z < -5


def test_a_copier_of_one_class_only_is_caught(held_out, training):
    """It draws the other classes anew: on the whole it is hardly nearer, in one cell it is."""
    copies = noisy(training.points[training.points.sub(MEANS[1]).norm(dim=1) < 6][:60], 0.2)
    generated = torch.cat([draw(700, 11, (0, 2, 3, 4)), copies])
    scores = compare(held_out, training.place(generated))
    assert nearer_cells(scores) == 1
    assert min(cell.z for cell in scores.cells) < -5
    assert scores.nearer < 0.6


def test_who_copies_one_class_and_draws_no_other_is_caught(held_out, training):
    scores = compare(held_out, training.place(noisy(training.points[:150], 0.2)))
    assert scores.copying < -3
    assert nearer_cells(scores) == len(scores.cells) == 1


def test_a_typical_image_is_near_but_not_singled_out(held_out, training):
    """What C_T takes for copying: images of half the variance."""
    generator = torch.Generator().manual_seed(3)
    labels = torch.arange(5).repeat_interleave(150)
    typical = MEANS[labels] + 0.5 * torch.randn(750, 8, generator=generator)
    scores = compare(held_out, training.place(typical))
    assert scores.copying < -3
    assert scores.singled_out < 0.02


def test_duplicates_in_the_training_set_do_not_hide_copies():
    points = draw(500, 0).repeat(4, 1)
    training = Training(points, 2)
    scores = compare(training.place(draw(301, 1)), training.place(noisy(points[:300], 0.05)))
    assert scores.singled_out > 0.9
    assert scores.authenticity == 1  # blind: a twin lies at distance 0


def test_what_is_too_few_is_refused(held_out, training):
    with pytest.raises(EvaluationError, match="10 training images are too few"):
        Training(draw(10, 0), 1)
    with pytest.raises(EvaluationError, match=r"nowhere are there 20 .* 901 and 19 of them"):
        compare(held_out, training.place(draw(19, 1)))


def test_a_part_keeps_what_belongs_together(held_out):
    part = held_out.part(torch.tensor([5, 3]))
    assert len(part) == 2
    for name in vars(Placed(*[torch.zeros(1)] * 4)):
        assert getattr(part, name).tolist() == getattr(held_out, name)[[5, 3]].tolist()
