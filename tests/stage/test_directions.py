"""The browser moves latents along directions as the library does."""

import json

import pytest
import torch

from demo.directions import along


def test_latents_move_as_they_do_here(node, root, tmp_path):
    z = torch.randn(9)
    axes = torch.linalg.qr(torch.randn(9, 9)).Q[:3]
    places, mean = [1.5, -2.0, 0.25], torch.randn(9)
    path = tmp_path / "vectors.json"
    path.write_text(json.dumps({
        "z": z.tolist(), "axes": axes.tolist(), "places": places,
        "map": {"mean": mean.tolist(), "axes": axes[:2].tolist()}, "place": [2.0, -1.0],
    }))
    script = root / "tests/stage/directions.mjs"
    found = json.loads(node(script, root / "demo/stage", path))
    wanted = z[None]
    for axis, at in zip(axes, places, strict=True):
        wanted = along(wanted, axis, torch.tensor([at]))
    assert found["at"] == pytest.approx((axes @ z).tolist(), abs=1e-5)
    assert found["moved"] == pytest.approx(wanted[0].tolist(), abs=1e-5)
    assert found["kept"] == pytest.approx(z.tolist())  # the seed's own is not touched
    wanted = mean + 2 * axes[0] - axes[1]
    assert found["map"] == pytest.approx(wanted.tolist(), abs=1e-5)
