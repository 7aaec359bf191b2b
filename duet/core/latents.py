"""Latents: where they are drawn, truncated and interpolated.

Image i belongs to seed i: every latent is a function of (seed, index) alone, whatever the batch
size, the device or what was drawn before. A counter-based generator keyed by that very pair makes
it so: Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from duet.core.checks import whole
from duet.core.errors import ArgumentError

MAX_SEED = 2**63 - 1
SEEDS = "0..2^63-1"
PLANE_SIDE = 1000  # corners a side of the plane of seeds; beyond, it begins again


def check_seed(seed: Any, name: str = "seed") -> int:
    """`seed` as an int in 0..2^63-1, else ArgumentError, which calls it `name`."""
    return whole(name, seed, 0, MAX_SEED, SEEDS)


def check_truncation(truncation: Any, name: str = "truncation") -> float:
    """`truncation` as a number in 0..1, else ArgumentError, which calls it `name`."""
    is_number = isinstance(truncation, int | float) and not isinstance(truncation, bool)
    if not is_number or not 0 <= truncation <= 1:
        raise ArgumentError(f"{name} must be a number in 0..1, not {truncation!r:.40}")
    return truncation


def draw(
    seed: int, indices: Sequence[int], latent_dim: int, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and labels number `indices` of stream `seed`.

    Returns z float32 [N, latent_dim], standard normal, and labels int64 [N], uniform over
    [0, num_classes) (all 0 for an unconditional model). Labels do not depend on latent_dim, so
    two models of the same classes draw the same ones. Raises ArgumentError for a seed or index
    outside 0..2^63-1.
    """
    seed = check_seed(seed)
    for index in (min(indices), max(indices)) if len(indices) else ():
        whole("the number of a sample", index, 0, MAX_SEED, SEEDS)
    pairs = (latent_dim + 1) // 2
    words = np.empty((len(indices), 1 + 2 * pairs), np.uint64)
    for row, index in enumerate(indices):
        words[row] = np.random.Philox(key=[seed, index]).random_raw(words.shape[1])
    # Raw words, then Box-Muller (1958): NumPy keeps the words for ever, its normals not.
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    labels = (uniform[:, 0] * max(num_classes, 1)).astype(np.int64)
    radius = np.sqrt(-2 * np.log(uniform[:, 1 : 1 + pairs]))
    angle = 2 * np.pi * uniform[:, 1 + pairs :]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return torch.from_numpy(normal[:, :latent_dim].astype(np.float32)), torch.from_numpy(labels)


def plane(
    x: float, y: float, latent_dim: int, num_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The latent at a place between seeds: z float32 [1, latent_dim] and label int64 [1].

    Seed i + 1000 j stands at the corner (i, j) of a lattice, with its latent number 0. Between four
    corners z is their bilinear mixture divided by the root of the weights' sum of squares, which
    keeps the length that a Gaussian latent is expected to have; the label is the nearest corner's.
    """
    column, row = math.floor(x), math.floor(y)
    right, down = x - column, y - row
    weights = np.outer([1 - down, down], [1 - right, right]).ravel()
    seeds = [
        (column + i) % PLANE_SIDE + PLANE_SIDE * ((row + j) % PLANE_SIDE)
        for j in (0, 1) for i in (0, 1)
    ]
    drawn = [draw(seed, [0], latent_dim, num_classes) for seed in seeds]
    z = sum(weight * z.double() for weight, (z, _) in zip(weights, drawn, strict=True))
    return (z / np.linalg.norm(weights)).float(), drawn[int(weights.argmax())][1]


def truncate(z: torch.Tensor, truncation: float) -> torch.Tensor:
    """Pull latents toward the prior's mean, 0: z * psi, psi in [0, 1].

    1 leaves the prior as it is; less trades variety for typicality (psi of Karras et al., "A
    style-based generator", 2019, section B; the temperature of Kingma & Dhariwal, "Glow", 2018).
    """
    return z * check_truncation(truncation)


def lerp(start: torch.Tensor, end: torch.Tensor, steps: int) -> torch.Tensor:
    """Linear interpolation from start [D] to end [D], both included: [steps, D]."""
    weight = torch.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    return start * (1 - weight) + end * weight


def slerp(start: torch.Tensor, end: torch.Tensor, steps: int) -> torch.Tensor:
    """Spherical interpolation from start [D] to end [D], both included: [steps, D].

    Keeps the length that a Gaussian latent is expected to have, where a straight line passes
    nearer the mean (Shoemake, 1985; White, "Sampling generative networks", 2016). Falls back to
    lerp where the great circle is not defined: (anti)parallel or zero vectors.
    """
    cosine = torch.dot(start, end) / (start.norm() * end.norm())
    if not cosine.abs() <= 1 - 1e-6:  # a zero vector's is no number
        return lerp(start, end, steps)
    omega = torch.acos(cosine)
    weight = torch.linspace(0, 1, steps, dtype=start.dtype)[:, None]
    return (((1 - weight) * omega).sin() * start + (weight * omega).sin() * end) / omega.sin()


INTERPOLATIONS = {"spherical": slerp, "linear": lerp}
