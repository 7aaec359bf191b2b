"""Differentiable augmentation: what it does to images, and when it is on."""

import dataclasses

import pytest
import torch

from duet.core.domains import DOMAINS, Pixels
from training.augment import (
    POLICIES,
    augmented,
    brightened,
    contrasted,
    cut_out,
    saturated,
    translated,
)
from training.config import TrainingError
from training.recipes import RECIPES

COUNT = 400


@pytest.fixture
def images():
    """float [N, 3, 16, 40], none of them 0, channels and rows of different brightness."""
    level = torch.tensor([0.3, 0.6, 1.0])[:, None, None] * torch.linspace(0.5, 1, 16)[:, None]
    return (torch.rand(COUNT, 3, 16, 40) * 0.8 + 0.1) * level


def test_a_translation_moves_by_up_to_an_eighth(images):
    seen = set()
    for before, after in zip(images, translated(images), strict=True):
        places = [
            (dy, dx) for dy in range(-2, 3) for dx in range(-5, 6)
            if torch.equal(after, moved(before, dy, dx))
        ]
        assert len(places) == 1
        seen |= set(places)
    assert len(seen) == 5 * 11  # 400 draws of 55: all come


def moved(image, dy, dx):
    """By slices: what comes in is 0."""
    result = torch.zeros_like(image)
    height, width = image.shape[1:]
    target = result[:, max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    target += image[:, max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return result


def test_a_cut_hides_a_square_of_half_the_side_or_its_part_within(images):
    after = cut_out(images)
    hidden = (after == 0).all(dim=1)
    assert torch.equal(after[~hidden[:, None].expand_as(after)],
                       images[~hidden[:, None].expand_as(after)])
    rows, columns = hidden.any(dim=2), hidden.any(dim=1)
    assert torch.equal(hidden, rows[:, :, None] & columns[:, None, :])
    for line, most in ((rows, 8), (columns, 20)):
        count = line.sum(1)
        assert (count.min(), count.max()) == (most // 2, most)  # a centre on the edge: half of it
        assert ((line[:, 1:] != line[:, :-1]).sum(1) <= 2).all()  # in one piece
        assert line.float().mean(0).min() > 0.1


def test_brightness_colour_and_contrast_change_what_they_say(images):
    shift = (brightened(images) - images).flatten(1)
    torch.testing.assert_close(shift, shift[:, :1].expand_as(shift), atol=1e-6, rtol=0)
    assert -0.5 <= shift.min() < -0.45
    assert 0.45 < shift.max() <= 0.5

    for change, dims, low, high in ((saturated, (1,), 0, 2), (contrasted, (1, 2, 3), 0.5, 1.5)):
        after, mean = change(images), images.mean(dim=dims, keepdim=True)
        torch.testing.assert_close(after.mean(dim=dims, keepdim=True), mean)
        strength = ((after - mean) / (images - mean)).flatten(1).median(dim=1).values
        expected = mean + (images - mean) * strength[:, None, None, None]
        torch.testing.assert_close(after, expected, atol=1e-4, rtol=0)
        assert low - 1e-3 <= strength.min() < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < strength.max() <= high + 1e-3


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_flow_and_shapes_stay(policy, channels):
    images = (torch.rand(50, channels, 28, 28) * 2 - 1).requires_grad_()
    after = augmented(images, policy)
    assert (after.shape, after.dtype) == (images.shape, images.dtype)
    assert after.isfinite().all()
    if policy != "all":  # which may be lighter than white, as the authors' may
        assert after.abs().max() <= 1
    after.square().sum().backward()
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()


def test_none_is_the_very_images_and_the_rest_is_the_seeds():
    images = torch.rand(5, 3, 8, 8)
    assert augmented(images, "none") is images
    state = torch.random.get_rng_state()
    first = augmented(images, "all")
    assert not torch.equal(first, augmented(images, "all"))
    torch.random.set_rng_state(state)
    assert torch.equal(first, augmented(images, "all"))


def test_policies_are_what_their_names_promise():
    """Colours first: what a cut hides stays 0."""
    assert POLICIES["geometry"] == (translated, cut_out)
    assert POLICIES["all"] == (brightened, saturated, contrasted, translated, cut_out)


def test_images_are_changed_where_they_are():
    """On a device without numbers, which no other device's tensor may meet."""
    images = torch.empty(4, 3, 8, 8, device="meta")
    assert augmented(images, "all").device == images.device


@pytest.mark.parametrize(
    ("count", "channels", "asked", "chosen"),
    [
        (9_999, 1, "auto", "geometry"),
        (9_999, 3, "auto", "all"),
        (10_000, 3, "auto", "none"),  # the bound that the flag's help tells
        (10_000, 1, "all", "all"),
        (9, 3, "none", "none"),
    ],
)
def test_few_pictures_are_augmented_unless_a_flag_says_otherwise(
    toy_data, count, channels, asked, chosen
):
    images = dataclasses.replace(
        toy_data, images=torch.zeros(1, dtype=torch.uint8).expand(count, channels, 28, 28),
        labels=torch.zeros(count, dtype=torch.int64),
    )
    config = RECIPES["gan"].config(data="toy", augment=asked).suited(images)
    assert config.weight_settings()["augment"] == chosen


def test_what_are_no_pictures_is_left_alone(toy_data, monkeypatch):
    monkeypatch.setitem(DOMAINS, "tiles", Pixels())
    tiles = dataclasses.replace(toy_data, domain="tiles")
    assert RECIPES["gan"].config().suited(tiles).augment == "none"
    with pytest.raises(TrainingError, match="--augment all is for pictures; pass none"):
        RECIPES["gan"].config(augment="all").suited(tiles)
    assert RECIPES["gan"].config(augment="none").suited(tiles).augment == "none"
    assert RECIPES["gan"].config().suited(tiles).background is None
    with pytest.raises(TrainingError, match="--background is for pictures; leave it out"):
        RECIPES["gan"].config(background=0).suited(tiles)


def test_a_resumed_augmented_run_equals_an_unbroken_one(run):
    unbroken = run("gan", "a", steps=4, augment="all")
    run("gan", "b", steps=1, augment="all")
    resumed = run("gan", "b", steps=4, augment="all", resume=True)
    plain = run("gan", "c", steps=4, augment="none")
    weights = [
        (folder / "checkpoint" / "model.safetensors").read_bytes()
        for folder in (unbroken, resumed, plain)
    ]
    assert weights[0] == weights[1] != weights[2]
