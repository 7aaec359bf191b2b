"""Which pictures are alike: small embeddings, and exact nearest neighbours in them.

A picture is averaged down to 16x16, and brightness and contrast are taken out. Natural pictures
share their slow gradients, so such pixels still call every two skies alike. Where there are enough
pictures to tell what they share, principal components over the set are scaled to equal variance
(sphering; Bell & Sejnowski, "The independent components of natural scenes are edge filters", 1997):
unrelated pictures become nearly orthogonal, and the cosine says whether details agree. Of fewer
pictures, what remains after the mean of each 5x5 neighbourhood is taken out is compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from duet.core.progress import progress_bar

SIDE = 16
ENOUGH = 1000  # pictures for a component of each ten; of few, chance makes any two alike
COMPONENTS = 256
SHAPE_COMPONENTS = 64
EXPLAINED = 0.8  # of the variance, by the components that pictures have in common
# Found on CIFAR-10: above these, nearly all pairs between its splits are the same photograph.
ALIKE_WHITENED, ALIKE_LOCAL = 0.65, 0.9
BLOCK = 500


@dataclass(frozen=True)
class Space:
    """Embeddings of N pictures, float32. details [N, D]: of near duplicates the cosine is at least
    `alike`; shapes [N, E]: the leading principal components, for what is of a kind; unexplained
    [N]: the length of what the components of EXPLAINED of the variance leave over; rule: `alike`
    in words."""

    details: torch.Tensor
    shapes: torch.Tensor
    unexplained: torch.Tensor
    alike: float
    rule: str


@dataclass(frozen=True)
class Neighbours:
    """Of N pictures the K nearest others, nearest first. cosines: float32 [N, K] in [-1, 1];
    indices: int64 [N, K]."""

    cosines: torch.Tensor
    indices: torch.Tensor


def embed(batches: Iterable[torch.Tensor]) -> Space:
    """Batches of uint8 [n, C, H, W] -> the embeddings of all; details and shapes are of unit
    length."""
    small = torch.cat([averaged(batch) for batch in batches])
    plain = _contrast(small)
    centred = plain - plain.mean(dim=0)
    variances, axes = principal_components(centred)
    shapes = centred @ axes[:, :SHAPE_COMPONENTS]
    # Few enough that no picture has a component of its own, which would explain the oddest best.
    common = axes[:, : int((variances.cumsum(0) < EXPLAINED * variances.sum()).sum()) + 1]
    unexplained = (centred - centred @ common @ common.T).norm(dim=1)
    if len(small) < ENOUGH:
        details, alike = _contrast(small - _neighbourhoods(small)), ALIKE_LOCAL
        rule = f"cosine of local contrast at {SIDE}×{SIDE} of at least {alike}"
    else:
        kept = min(COMPONENTS, len(small) // 10, len(variances))
        details = F.normalize(centred @ (axes[:, :kept] / variances[:kept].sqrt()))
        alike = ALIKE_WHITENED
        rule = f"cosine of whitened pixels at {SIDE}×{SIDE} of at least {alike}"
    return Space(details, F.normalize(shapes), unexplained, alike, rule)


def principal_components(centred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of float32 [N, D] with a mean of 0: variances [K] and axes [D, K], largest first, as many as
    the data span."""
    covariance = (centred.T @ centred).double() / len(centred)
    variances, axes = torch.linalg.eigh(covariance)
    spanned = int((variances > 1e-6 * variances.max().clamp_min(1e-12)).sum())
    return variances.flip(0)[:spanned].float(), axes.flip(1)[:, : max(spanned, 1)].float()


def averaged(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float32 [N, C, h, w] in 0..255, h and w SIDE at most."""
    return F.adaptive_avg_pool2d(images.float(), min(SIDE, *images.shape[2:]))


def _neighbourhoods(small: torch.Tensor) -> torch.Tensor:
    """The mean of the 5x5 around each pixel, mirrored at the edges."""
    return F.avg_pool2d(F.pad(small, (2, 2, 2, 2), mode="reflect"), 5, 1)


def _contrast(small: torch.Tensor) -> torch.Tensor:
    """[N, C, h, w] -> [N, C h w]: the mean taken out, unit length."""
    flat = small.flatten(1)
    return F.normalize(flat - flat.mean(dim=1, keepdim=True))


def nearest(
    embeddings: torch.Tensor, count: int, among: torch.Tensor | None = None
) -> Neighbours:
    """The `count` (or all, where there are fewer) nearest others of each of [N, D], or nearest of
    each in `among` [M, D], by cosine: every pair is looked at, a block of rows at a time. Of what
    is not of unit length the products take the cosines' place."""
    others = embeddings if among is None else among
    most = len(others) - (among is None)
    cosines, indices = [], []
    with progress_bar(len(embeddings), "comparing", "img") as bar:
        for first in range(0, len(embeddings), BLOCK):
            block = embeddings[first : first + BLOCK] @ others.T
            if among is None:
                own = torch.arange(len(block))
                block[own, first + own] = -2  # nobody is their own neighbour
            found = block.topk(min(count, most), dim=1)
            cosines.append(found.values)
            indices.append(found.indices)
            bar.update(len(block))
    return Neighbours(torch.cat(cosines), torch.cat(indices))


def pairs_above(neighbours: Neighbours, cosine: float) -> list[tuple[int, int, float]]:
    """Pairs (i, j, cosine), i < j, at least so alike, most alike first, as far as each is among the
    other's nearest."""
    rows, columns = (neighbours.cosines >= cosine).nonzero(as_tuple=True)
    others, found = neighbours.indices[rows, columns], neighbours.cosines[rows, columns]
    pairs = {
        (min(i, j), max(i, j)): value
        for i, j, value in zip(rows.tolist(), others.tolist(), found.tolist(), strict=True)
    }
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return [(i, j, value) for (i, j), value in ordered]


def votes(neighbours: Neighbours, labels: torch.Tensor, classes: int) -> torch.Tensor:
    """How many of each picture's nearest are of each class: int16 [N, classes]."""
    ballots = torch.zeros(len(labels), classes, dtype=torch.int16)
    named = labels[neighbours.indices]
    return ballots.scatter_add_(1, named, torch.ones_like(named, dtype=torch.int16))
