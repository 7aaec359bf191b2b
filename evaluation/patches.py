"""What eyes see and a classifier ignores: texture, noise, sharpness. Sliced Wasserstein distance
between local patches of a Laplacian pyramid (Karras et al., "Progressive growing of GANs", 2018,
section 5).

Each level of the pyramid holds what its scale adds to the coarser ones. From every image, patches
of 7 x 7 are taken at random places, made comparable by the mean and standard deviation of each
channel of the real ones, and projected on random directions; the distance is the mean absolute
difference of the sorted projections, over directions and levels, in thousandths.

Three things differ from the authors' code, so that numbers do not compare with theirs. What a level
adds is taken by its logarithm, beyond a few grey levels, as the eye takes contrast: a dim speck in
the empty background counts beside the strokes. Both sides are divided by the standard deviation of
the real patches, not each by its own, which would hide a blur's loss of contrast. And of the real
side no patch is kept, but for each direction the mean of each 1024th of its sorted projections:
1 MB for a whole split.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 7
PATCHES = 16  # an image and level
MOST_IMAGES = 50_000
DIRECTIONS = 128
QUANTILES = 1024
SEED = 0  # of the directions and the places
FAINT = 4.0  # levels of 255: where the logarithm begins to bend
CHUNK = 1000
BLOCK = 16  # directions at a time
UNIT = 1e-3


class PatchReference(NamedTuple):
    """Of real patches, all with a dimension L of levels, the finest first, float32.

    moments: mean and standard deviation of each channel, [L, 2, C]; directions: unit vectors
    [L, C * 49, DIRECTIONS]; quantiles: [L, DIRECTIONS, QUANTILES], rising.
    """

    moments: torch.Tensor
    directions: torch.Tensor
    quantiles: torch.Tensor

    def fits(self, images: torch.Tensor) -> bool:
        """Whether images uint8 [N, C, H, W] have as many levels and channels."""
        return self.moments.shape == (level_count(images), 2, images.shape[1])


def describe(images: torch.Tensor) -> PatchReference:
    """The reference of images uint8 [N, C, H, W]."""
    length = images.shape[1] * SIDE**2
    found = []
    for level in range(level_count(images)):
        patches = patches_of(images, level)
        mean, square = (x.mean((0, 2), dtype=torch.float64) for x in (patches, patches.square()))
        # Where nothing ever changes any change is far.
        deviation = (square - mean**2).clamp_min(0).sqrt().clamp_min(UNIT)
        moments = torch.stack([mean, deviation]).float()
        random = np.random.default_rng([SEED, level]).standard_normal((length, DIRECTIONS))
        directions = torch.from_numpy(random / np.linalg.norm(random, axis=0)).float()
        found.append((moments, directions, _quantiles(patches, moments, directions)))
    return PatchReference(*(torch.stack(column) for column in zip(*found, strict=True)))


def distance(images: torch.Tensor, reference: PatchReference) -> float:
    """Of images uint8 [N, C, H, W] like those of the reference, of which the first 50,000 count."""
    levels = []
    for level, (moments, directions, real) in enumerate(zip(*reference, strict=True)):
        found = _quantiles(patches_of(images[:MOST_IMAGES], level), moments, directions)
        levels.append((found - real).abs().double().mean().item() / UNIT)
    return sum(levels) / len(levels)


def level_count(images: torch.Tensor) -> int:
    """Levels whose smaller side is at least two patches long; at least one."""
    side = min(images.shape[2:])
    return max(1, 1 + int(math.log2(side / (2 * SIDE)))) if side >= 2 * SIDE else 1


def patches_of(images: torch.Tensor, level: int) -> torch.Tensor:
    """PATCHES of each image at one level of its pyramid: float32 [N * PATCHES, C, 49]."""
    words = np.random.Philox(key=[SEED, level]).random_raw((len(images), PATCHES, 2))
    places = torch.from_numpy((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)
    found = torch.empty(len(images), PATCHES, images.shape[1], SIDE**2)
    for part, place, own in zip(
        images.split(CHUNK), places.split(CHUNK), found.split(CHUNK), strict=True
    ):
        band = _level(part.float(), level)
        band = band.sign() * (band.abs() / FAINT).log1p()
        windows = band.unfold(2, SIDE, 1).unfold(3, SIDE, 1)  # [n, C, rows, columns, 7, 7]
        row, column = (place * torch.tensor(windows.shape[2:4])).long().unbind(2)
        image = torch.arange(len(part))[:, None]
        own.copy_(windows[image, :, row, column].flatten(3))
    return found.flatten(0, 1)


def _level(images: torch.Tensor, level: int) -> torch.Tensor:
    """One level of the Laplacian pyramid (Burt & Adelson, 1983) of float [N, C, H, W]: what a scale
    has that the next coarser one lacks; of the coarsest, all."""
    levels = level_count(images)
    for _ in range(level):
        images = _blurred(images)[..., ::2, ::2]
    if level == levels - 1:
        return images
    finer = torch.zeros_like(images)
    finer[..., ::2, ::2] = 4 * _blurred(images)[..., ::2, ::2]
    return images - _blurred(finer)


def _blurred(images: torch.Tensor) -> torch.Tensor:
    """By the binomial filter of five, mirrored at the edge."""
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    channels = images.shape[1]
    weight = torch.outer(line, line).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, (2, 2, 2, 2), mode="reflect"), weight, groups=channels)


def _quantiles(
    patches: torch.Tensor, moments: torch.Tensor, directions: torch.Tensor
) -> torch.Tensor:
    """Sorted projections on each direction, the mean of each 1024th: float32
    [DIRECTIONS, QUANTILES]."""
    # Directions are scaled, not the patches, of which there are too many to be copied.
    mean, deviation = moments.repeat_interleave(SIDE**2, dim=1)
    scaled = directions / deviation[:, None]
    projections = (
        row for block in scaled.split(BLOCK, dim=1)
        for row in (patches.flatten(1) @ block - mean @ block).T.contiguous().numpy()
    )
    return torch.from_numpy(np.stack([_bin_means(row) for row in projections]))


def _bin_means(values: np.ndarray) -> np.ndarray:
    """The mean of each 1024th of [N], sorted; a value that an edge cuts counts on both sides."""
    total = np.concatenate([[0.0], np.cumsum(np.sort(values), dtype=np.float64)])
    edges = np.linspace(0, len(values), QUANTILES + 1)
    below = np.interp(edges, np.arange(len(values) + 1), total)
    return (np.diff(below) * (QUANTILES / len(values))).astype(np.float32)
