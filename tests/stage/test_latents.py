"""The plane of seeds, and that JavaScript draws the very latents of Python."""

import json
import subprocess
import sys

import pytest
import torch

from duet.core.latents import PLANE_SIDE, draw, plane


def test_the_plane_meets_the_seeds_at_its_corners():
    for x, y, seed in [(0, 0, 0), (7, 0, 7), (345, 12, 12_345), (-1, 0, 999), (2, -1, 999_002)]:
        z, labels = plane(x, y, 33, 10)
        wanted_z, wanted_labels = draw(seed, [0], 33, 10)
        assert torch.equal(z, wanted_z)
        assert torch.equal(labels, wanted_labels)


def test_the_plane_begins_again():
    assert torch.equal(plane(3.25, 4.5, 8, 10)[0], plane(3.25 - PLANE_SIDE, 4.5, 8, 10)[0])


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


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    """What `python -m duet.export.vectors` prints, in a file."""
    path = tmp_path_factory.mktemp("vectors") / "vectors.json"
    with path.open("w") as file:
        subprocess.run([sys.executable, "-m", "duet.export.vectors"], stdout=file, check=True)
    return path


def test_javascript_draws_the_same_latents(node, root, vectors):
    script = root / "tests/stage/latents.mjs"
    found = json.loads(node(script, root / "demo/stage", vectors))
    assert found["pairs"] == 1000
    assert found["labels"] == 0
    assert max(found["draw"], found["plane"], found["paths"]) < 1e-6
    assert found["ms"] < 5
