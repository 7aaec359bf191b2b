"""The level that the discriminator sees as nothing."""

import dataclasses

import pytest
import torch

from training.background import border_level
from training.config import TrainingError
from training.recipes import RECIPES


def pictures(border, inside=99, count=3, channels=1, height=5, width=7):
    images = torch.full((count, channels, height, width), inside, dtype=torch.uint8)
    images[..., 0, :] = images[..., -1, :] = border
    images[..., 0] = images[..., -1] = border
    return images


@pytest.mark.parametrize("level", [0, 1, 128, 254, 255])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_border_decides_and_what_it_frames_does_not(level, channels):
    assert border_level(pictures(level, channels=channels)) == level


def test_it_is_the_median_over_pictures_and_channels():
    two_of_three = torch.cat([pictures(10, count=1), pictures(200, count=2)])
    assert border_level(two_of_three) == 200
    assert border_level(torch.cat([pictures(level, count=1) for level in (7, 0, 255, 8, 9)])) == 8
    assert border_level(torch.cat([pictures(30, channels=2), pictures(20)], dim=1)) == 30


@pytest.mark.parametrize(("moved", "level"), [(0, 10), (1, 200)])
def test_of_halves_it_is_the_lower(moved, level):
    """Of 20 values along the borders 10 are low, or 9."""
    images = torch.cat([pictures(value, count=1, height=2, width=3) for value in (10, 200)])
    images[0, 0, 0, 1 : 1 + moved] = 200  # no corner
    assert border_level(images) == level


def test_all_four_borders_count():
    for row, column in ((0, slice(None)), (-1, slice(None)), (slice(None), 0), (slice(None), -1)):
        images = pictures(40, height=3, width=3, count=1)
        images[..., row, column] = 50
        # 3 of 12 with the corners on their own side, one corner more of each neighbour: 5 of 12.
        assert border_level(images) == 40
        images[..., 1, :] = images[..., :, 1] = torch.tensor(50, dtype=torch.uint8)
        assert border_level(images) == 50


def test_a_run_records_the_level_of_its_pictures_or_the_one_asked_for(toy_data):
    three = dataclasses.replace(toy_data, images=pictures(0), labels=toy_data.labels[:3])
    black = dataclasses.replace(three, images=pictures(0, height=28, width=28))
    assert RECIPES["gan"].config().suited(black).weight_settings()["background"] == 0
    white = dataclasses.replace(three, images=pictures(255, height=28, width=28))
    assert RECIPES["gan"].config().suited(white).background == 255
    assert RECIPES["gan"].config(background=0).suited(white).background == 0


@pytest.mark.parametrize("level", [-1, 256])
def test_a_level_beyond_the_range_is_refused(level):
    with pytest.raises(TrainingError, match=f"--background must be in 0..255, not {level}"):
        RECIPES["gan"].config(background=level)


def test_both_ends_of_the_range_are_taken():
    assert [RECIPES["gan"].config(background=level).background for level in (0, 255)] == [0, 255]
