"""Sliced Wasserstein distance of patches: against the authors' arithmetic written out in numpy, and
what it sees."""

import numpy as np
import pytest
import torch

from evaluation import patches
from evaluation.patches import DIRECTIONS, PATCHES, describe, distance

KERNEL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def blurred(image):
    """[H, W], by loops over the filter; mirrored at the edge."""
    padded = np.pad(image, 2, mode="reflect")
    height, width = image.shape
    return sum(
        KERNEL[i, j] * padded[i : i + height, j : j + width] for i in range(5) for j in range(5)
    )


def pyramid(image):
    """Of 28 x 28: what the first scale adds, and the rest."""
    small = blurred(image)[::2, ::2]
    finer = np.zeros_like(image)
    finer[::2, ::2] = small
    return [image - 4 * blurred(finer), small]


def pictures(count, channels=1, side=28, seed=0):
    return torch.from_numpy(
        np.random.default_rng(seed).integers(0, 256, (count, channels, side, side)).astype(np.uint8)
    )


@pytest.mark.parametrize(("side", "levels"), [(16, 1), (27, 1), (28, 2), (32, 2), (64, 3), (8, 1)])
def test_levels_go_down_to_two_patches_a_side(side, levels):
    assert patches.level_count(torch.zeros(1, 1, side, side + 9)) == levels


@pytest.mark.parametrize("level", [0, 1])
def test_patches_are_cut_from_the_pyramid(monkeypatch, level):
    """Each at its own place in its own image's level; more than one chunk."""
    monkeypatch.setattr(patches, "CHUNK", 2)
    images = pictures(5, channels=2)
    found = patches.patches_of(images, level).view(5, 16, 2, 7, 7).numpy()
    words = np.random.Philox(key=[0, level]).random_raw((5, 16, 2))
    places = (words >> np.uint64(11)) * 2.0**-53
    for image, own, place in zip(images.double().numpy(), found, places, strict=True):
        bands = np.stack([pyramid(channel)[level] for channel in image])
        bands = np.sign(bands) * np.log(1 + np.abs(bands) / 4)
        windows = np.lib.stride_tricks.sliding_window_view(bands, (7, 7), (1, 2))
        rows, columns = (place * windows.shape[1:3]).astype(int).T
        for patch, row, column in zip(own, rows, columns, strict=True):
            assert np.abs(windows[:, row, column] - patch).max() < 1e-3
    assert len(np.unique(found[:, :, 0, 0, 0])) > found[:, :, 0, 0, 0].size / 2  # many places


def test_the_patches_of_an_image_do_not_depend_on_how_many_there_are():
    images = pictures(9)
    few, many = (patches.patches_of(images[:count], 0) for count in (4, 9))
    torch.testing.assert_close(few, many[: 4 * PATCHES])


def by_hand(generated, real, level):
    """Karras et al.: sorted projections, here of equal counts, moments those of the real side."""
    one, two = (patches.patches_of(x, level).double().numpy() for x in (generated, real))
    mean, deviation = two.mean((0, 2))[:, None], two.std((0, 2))[:, None]
    random = np.random.default_rng([0, level]).standard_normal((two[0].size, DIRECTIONS))
    random /= np.linalg.norm(random, axis=0)
    one, two = (
        np.sort(((x - mean) / deviation).reshape(len(x), -1) @ random, axis=0) for x in (one, two)
    )
    return np.abs(one - two).mean()


@pytest.mark.parametrize("channels", [1, 3])
def test_distance_by_hand(monkeypatch, channels):
    """As many quantiles as patches: nothing is lost then; several blocks of directions."""
    monkeypatch.setattr(patches, "QUANTILES", 20 * PATCHES)
    real, generated = pictures(20, channels), pictures(20, channels, seed=1) // 2
    expected = np.mean([by_hand(generated, real, level) for level in (0, 1)]) * 1000
    assert distance(generated, describe(real)) == pytest.approx(expected, rel=1e-4)
    assert expected > 50


def test_other_counts_are_compared_by_the_means_of_quantiles():
    """Each image twice is the same distribution; few patches for many quantiles and the reverse."""
    images = pictures(40)
    reference = describe(images)
    assert reference.quantiles.shape == (2, 128, 1024)
    assert reference.directions.norm(dim=1).allclose(torch.ones(2, 128))
    assert (reference.quantiles.diff(dim=2) >= -1e-5).all()
    assert distance(images, reference) == pytest.approx(0, abs=1e-3)
    assert distance(images[:7], reference) > 20


def test_the_first_images_count(monkeypatch):
    images = pictures(12)
    reference = describe(images)
    monkeypatch.setattr(patches, "MOST_IMAGES", 5)
    assert distance(images, reference) == distance(images[:5], reference)


def test_it_fits_images_of_its_kind_only():
    reference = describe(pictures(3))
    assert reference.fits(pictures(1, side=30))
    assert not reference.fits(pictures(1, channels=3))
    assert not reference.fits(pictures(1, side=64))
    flat = reference._replace(moments=reference.moments.flatten())  # as a damaged file has them
    assert not flat.fits(pictures(1, side=30))


def test_a_constant_channel_is_no_division_by_zero():
    images = torch.full((4, 1, 28, 28), 7, dtype=torch.uint8)
    reference = describe(images)
    assert distance(images, reference) == pytest.approx(0, abs=1e-3)
    deviations = reference.moments[:, 1].flatten().tolist()
    assert deviations == pytest.approx([1e-3] * 2)  # any change is far


def speckled(images, share):
    """One grey pixel more, anywhere, in a share of the images."""
    images = images.clone()
    for image, place in enumerate(torch.randint(784, (int(share * len(images)),)).tolist()):
        pixel = images[image].view(-1)
        pixel[place] = (pixel[place].int() + 128).clamp_max(255)
    return images


@pytest.mark.slow
def test_specks_blur_and_noise_move_it_on_real_digits(mnist):
    images = mnist("train").images
    order = torch.from_numpy(np.random.default_rng(0).permutation(len(images)))[:28_000]
    real, others = images[order[:20_000]], images[order[20_000:]]
    reference = describe(real)
    values = [distance(speckled(others, share), reference) for share in (0, 0.3, 1)]
    assert values == sorted(values)
    assert values[2] > 1.5 * values[0]
    noise = torch.from_numpy(np.random.default_rng(1).integers(-9, 10, others.shape))
    noisy = (others + noise).clamp(0, 255).to(torch.uint8)
    assert distance(noisy, reference) > 2 * values[0]
    soft = torch.nn.functional.avg_pool2d(others.float(), 3, 1, 1).round().to(torch.uint8)
    assert distance(soft, reference) > 2 * values[0]
