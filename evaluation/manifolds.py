"""Density and coverage: how thickly the generated images lie among the real ones, and how many of
the real ones have one of them near (Naeem et al., "Reliable fidelity and diversity metrics for
generative models", 2020, equations 3 and 4). Unlike precision and recall one outlier with a large
ball around it does not decide them."""

import torch

CHUNK = 1000


def density_coverage(
    generated: torch.Tensor, real: torch.Tensor, neighborhood: int
) -> tuple[float, float]:
    """Of features float32 [N, D] and [M, D]; a real image's ball reaches to its neighbour number
    `neighborhood` among the real ones."""
    inside, covered = 0, 0
    for part in real.split(CHUNK):
        # The nearest is the image itself, at distance 0.
        radii = _distances(part, real).kthvalue(neighborhood + 1).values
        hits = _distances(part, generated) < radii[:, None]
        inside += int(hits.sum())
        covered += int(hits.any(1).sum())
    return inside / (neighborhood * len(generated)), covered / len(real)


def _distances(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Euclidean, [N, M]; the quick way by a matrix product is off by 0.03 near 0."""
    return torch.cdist(one, two, compute_mode="donot_use_mm_for_euclid_dist")
