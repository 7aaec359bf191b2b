"""Which pictures are alike: a small embedding, and exact nearest neighbours in it.

The embedding is whitened pixels. A picture is averaged down to 16x16, brightness and contrast are
taken out, and principal components over the set are scaled to equal variance (sphering; Bell &
Sejnowski, "The independent components of natural scenes are edge filters", 1997). Natural pictures
share their slow gradients, so plain pixels call every two skies alike; whitened, unrelated pictures
are nearly orthogonal, and the cosine of two embeddings says whether details agree.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from duet.core.progress import progress_bar

SIDE = 16
COMPONENTS = 256
BLOCK = 500


@dataclass(frozen=True)
class Neighbours:
    """Of N pictures the K nearest others, nearest first. cosines: float32 [N, K] in [-1, 1];
    indices: int64 [N, K]."""

    cosines: torch.Tensor
    indices: torch.Tensor


def embed(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float32 [N, D] of unit length, 0 where a picture has no contrast."""
    side = min(SIDE, *images.shape[2:])
    parts = []
    for part in images.split(1000):
        small = F.adaptive_avg_pool2d(part.float(), side).flatten(1)
        parts.append(F.normalize(small - small.mean(dim=1, keepdim=True)))
    features = torch.cat(parts)
    return F.normalize(whiten(features, COMPONENTS))


def whiten(features: torch.Tensor, components: int) -> torch.Tensor:
    """float32 [N, D] -> the leading principal components, each of unit variance: [N, at most
    `components`], as many as the data span."""
    centred = features - features.mean(dim=0)
    covariance = (centred.T @ centred).double() / len(features)
    variances, axes = torch.linalg.eigh(covariance)
    spanned = variances > 1e-6 * variances.max().clamp_min(1e-12)
    # No more of them than a tenth of the pictures, or each picture would be a direction of its own.
    most = min(components, max(1, len(features) // 10))
    chosen = spanned.nonzero().flatten()[-most:]
    return centred @ (axes[:, chosen] / variances[chosen].sqrt()).float()


def nearest(embeddings: torch.Tensor, count: int) -> Neighbours:
    """The `count` (or all, where there are fewer) nearest others of each of [N, D], by cosine:
    every pair is looked at, a block of rows at a time."""
    total = len(embeddings)
    cosines, indices = [], []
    with progress_bar(total, "comparing", "img") as bar:
        for first in range(0, total, BLOCK):
            block = embeddings[first : first + BLOCK] @ embeddings.T
            own = torch.arange(len(block))
            block[own, first + own] = -2  # nobody is their own neighbour
            found = block.topk(min(count, total - 1), dim=1)
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
    """How many of each picture's nearest are of each class: int64 [N, classes]."""
    ballots = torch.zeros(len(labels), classes, dtype=torch.int64)
    named = labels[neighbours.indices]
    return ballots.scatter_add_(1, named, torch.ones_like(named))
