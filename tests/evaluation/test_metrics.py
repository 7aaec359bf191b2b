"""Metrics of our own, each against an independent computation."""

import numpy as np
import pytest
import torch

from evaluation import specks


def component_sizes(bright):
    """By flood fill from each pixel in turn."""
    left, sizes = set(zip(*map(np.ndarray.tolist, bright.nonzero()), strict=True)), []
    while left:
        edge, size = [left.pop()], 0
        while edge:
            y, x = edge.pop()
            size += 1
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            edge += around
        sizes.append(size)
    return sizes


def test_specks_are_the_small_components_that_a_flood_fill_finds():
    """At many densities: lone pixels, long snakes, everything touching."""
    rng = np.random.default_rng(0)
    chance = rng.choice([0.002, 0.01, 0.3, 0.6, 0.8], (300, 1, 1))
    bright = rng.random((300, 15, 17)) < chance
    images = torch.from_numpy(np.where(bright, 17, 16).astype(np.uint8))[:, None]
    expected = [min(component_sizes(picture), default=5) <= 4 for picture in bright]
    assert 0.2 < np.mean(expected) < 0.9
    assert specks.has_speck(images).tolist() == expected
    assert specks.speckled_share(images) == np.mean(expected)


@pytest.mark.parametrize(
    ("picture", "found"),
    [
        ("#....,.....,.....", True),
        ("##...,##...,.....", True),
        ("##...,##...,..#..", False),  # five, by a corner
        ("####.,.....,.....", True),
        ("#####,.....,.....", False),
        ("#...#,.#.#.,..#..", False),  # a V of five
        (".....,.....,.....", False),
        ("#####,.....,#....", True),  # beside a large one
    ],
)
def test_specks_by_eye(picture, found):
    rows = [[255 * (c == "#") for c in row] for row in picture.split(",")]
    assert specks.has_speck(torch.tensor([[rows]], dtype=torch.uint8)).tolist() == [found]


def test_dim_pixels_are_no_specks():
    images = torch.zeros(2, 1, 9, 9, dtype=torch.uint8)
    images[0, 0, 4, 4], images[1, 0, 4, 4] = 16, 17
    assert specks.has_speck(images).tolist() == [False, True]


@pytest.mark.slow
def test_the_share_of_speckled_digits_is_the_known_one(mnist):
    """1,499 of 60,000, counted by the flood fill above."""
    assert specks.speckled_share(mnist("train").images) == 1499 / 60_000
