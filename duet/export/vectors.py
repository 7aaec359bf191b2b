"""What the browser's latents must agree with: python -m duet.export.vectors > vectors.json."""

import json
import sys
from typing import Any

import numpy as np

from duet.core import latents

PAIRS = 1000
CLASSES = 10
DIMS = (64, 33)  # an odd one leaves half a pair over


def vectors() -> dict[str, Any]:
    """Latents of 1,000 (seed, index) pairs over the whole range, and 100 places of the plane."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 64, (PAIRS, 2))
    pairs = rng.integers(0, latents.MAX_SEED, (PAIRS, 2), endpoint=True) >> bits
    places = rng.uniform(-3, latents.PLANE_SIDE + 3, (98, 2)).tolist()
    places += [[0, 0], [345, 12]]
    return {
        "draw": [_draw(int(a), int(b), DIMS[i % 2]) for i, (a, b) in enumerate(pairs)],
        "plane": [_plane(x, y, DIMS[i % 2]) for i, (x, y) in enumerate(places)],
        "paths": _paths(),
    }


def _draw(seed: int, index: int, latent_dim: int) -> dict[str, Any]:
    z, labels = latents.draw(seed, [index], latent_dim, CLASSES)
    # Texts: a JavaScript number ends at 2^53.
    return {"seed": str(seed), "index": str(index), "z": z[0].tolist(), "label": labels.item()}


def _plane(x: float, y: float, latent_dim: int) -> dict[str, Any]:
    z, labels = latents.plane(x, y, latent_dim, CLASSES)
    return {"x": x, "y": y, "z": z[0].tolist(), "label": labels.item()}


def _paths() -> list[dict[str, Any]]:
    ends = latents.draw(5, [0, 1], DIMS[0], CLASSES)[0]
    return [
        {"kind": kind, "start": ends[0].tolist(), "end": ends[1].tolist(),
         "points": path(ends[0], ends[1], 5).tolist()}
        for kind, path in latents.INTERPOLATIONS.items()
    ]


if __name__ == "__main__":
    json.dump(vectors(), sys.stdout)
