"""The plane of seeds, and that JavaScript draws the very latents of Python."""

import json

import numpy as np
import pytest
import torch

from duet.core.latents import INTERPOLATIONS, MAX_SEED, PLANE_SIDE, draw, plane


def test_the_plane_meets_the_seeds_at_its_corners():
    for x, y, seed in [(0, 0, 0), (7, 0, 7), (345, 12, 12_345), (-1, 0, 999), (2, -1, 999_002)]:
        z, labels = plane(x, y, 33, 10)
        wanted_z, wanted_labels = draw(seed, [0], 33, 10)
        assert torch.equal(z, wanted_z)
        assert torch.equal(labels, wanted_labels)


def test_the_plane_begins_again():
    assert torch.equal(plane(3.25, 4.5, 8, 10)[0], plane(3.25 - PLANE_SIDE, 4.5, 8, 10)[0])


def test_the_mixture_is_of_full_precision():
    weights = [0.75 * 0.375, 0.25 * 0.375, 0.75 * 0.625, 0.25 * 0.625]
    corners = [draw(seed, [0], 65, 10)[0].double() for seed in (2003, 2004, 3003, 3004)]
    mixed = sum(weight * z for weight, z in zip(weights, corners, strict=True))
    expected = (mixed / sum(weight**2 for weight in weights) ** 0.5).float()
    found = plane(3.25, 2.625, 65, 10)[0]
    assert found.dtype == torch.float32
    assert (found - expected).abs().max() < 5e-8 * expected.abs().max()


def test_between_corners_lies_their_rescaled_mixture():
    a, b = draw(3, [0], 8, 10)[0], draw(4, [0], 8, 10)[0]
    torch.testing.assert_close(plane(3.25, 0, 8, 10)[0], (0.75 * a + 0.25 * b) / 0.625**0.5)
    middle = torch.cat([plane(x + 0.5, y + 0.5, 64, 10)[0] for x in range(9) for y in range(9)])
    assert (middle.std() - 1).abs() < 0.03  # plain bilinear: 0.5


def test_the_label_is_the_nearest_corners():
    labels = [draw(seed, [0], 8, 10)[1].item() for seed in (0, 1, 1000, 1001)]
    assert len(set(labels)) > 1
    places = [(0.4, 0.4), (0.6, 0.4), (0.4, 0.6), (0.6, 0.6)]
    assert [plane(x, y, 8, 10)[1].item() for x, y in places] == labels


PAIRS = 1000
CLASSES = 10
DIMS = (64, 33)  # an odd one leaves half a pair over


def drawn(seed, index, latent_dim):
    z, labels = draw(seed, [index], latent_dim, CLASSES)
    # Texts: a JavaScript number ends at 2^53.
    return {"seed": str(seed), "index": str(index), "z": z[0].tolist(), "label": labels.item()}


def placed(x, y, latent_dim):
    z, labels = plane(x, y, latent_dim, CLASSES)
    return {"x": x, "y": y, "z": z[0].tolist(), "label": labels.item()}


def paths():
    ends = draw(5, [0, 1], DIMS[0], CLASSES)[0]
    return [
        {"kind": kind, "start": ends[0].tolist(), "end": ends[1].tolist(),
         "points": path(ends[0], ends[1], 5).tolist()}
        for kind, path in INTERPOLATIONS.items()
    ]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """A file of latents of 1,000 (seed, index) pairs over the whole range, and of 100 places of the
    plane."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 64, (PAIRS, 2))
    pairs = rng.integers(0, MAX_SEED, (PAIRS, 2), endpoint=True) >> bits
    places = rng.uniform(-3, PLANE_SIDE + 3, (98, 2)).tolist()
    places += [[0, 0], [345, 12]]
    path = tmp_path_factory.mktemp("vectors") / "vectors.json"
    path.write_text(json.dumps({
        "draw": [drawn(int(a), int(b), DIMS[i % 2]) for i, (a, b) in enumerate(pairs)],
        "plane": [placed(x, y, DIMS[i % 2]) for i, (x, y) in enumerate(places)],
        "paths": paths(),
    }))
    return path


def test_javascript_draws_the_same_latents(node, root, vectors):
    script = root / "tests/stage/latents.mjs"
    found = json.loads(node(script, root / "demo/stage", vectors))
    assert found["pairs"] == PAIRS
    assert found["labels"] == 0
    assert max(found["draw"], found["plane"], found["paths"]) < 1e-6
    assert found["ms"] < 5
