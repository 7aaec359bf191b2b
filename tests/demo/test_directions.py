"""Directions of a latent space: that they are what pictures follow, and that names are earned."""

import pytest
import torch

from demo import directions as module
from demo.directions import HONEST, along, correlation, directions
from demo.measures import MEASURES, measured
from duet.models import LatentModel, ModelConfig


class Blobs(LatentModel):
    """A bright blob, 24 pixels wide and 20 high: z[3] makes it wider, z[1] brighter, z[4] does
    next to nothing, the others nothing."""

    title, role = "Blobs", "baseline"

    def __init__(self, classes: int = 0, latent_dim: int = 7) -> None:
        super().__init__(ModelConfig((1, 20, 24), num_classes=classes, latent_dim=latent_dim))
        self.scale = torch.nn.Parameter(torch.tensor(1.0))

    def decode(self, z, labels):
        y, x = torch.meshgrid(torch.arange(20.0) - 9.5, torch.arange(24.0) - 11.5, indexing="ij")
        width = 3 * (0.1 * z[:, 3]).exp()[:, None, None]
        height = (4 + 0.3 * labels)[:, None, None]
        light = (1 + 0.08 * z[:, 1] + 0.001 * z[:, 4])[:, None, None]
        blob = (-((x / width) ** 2) / 2 - (y / height) ** 2 / 2).exp() * light * self.scale
        return (1.4 * blob - 1)[:, None]


@pytest.mark.parametrize("classes", [0, 5])
def test_what_moves_the_pictures_is_found_and_named(classes):
    found = directions(Blobs(classes).eval())
    assert len(found) == 6
    vectors = torch.stack([direction.vector for direction in found])
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(6), atol=1e-5, rtol=0)
    wider = max(found, key=lambda direction: direction.vector[3].abs())
    assert wider.name in ("Width", "Thickness")
    assert wider.vector[3] > 0.95  # it grows along the axis, not against it
    assert wider.correlation > 0.95
    brighter = max(found, key=lambda direction: direction.vector[1].abs())
    assert brighter.name == "Brightness"
    assert brighter.vector[1] > 0.95
    assert [d.name is None for d in found] == sorted(d.name is None for d in found)
    assert sum(d.name is None for d in found) >= 3


def test_shares_of_a_measure_are_shares(monkeypatch):
    """Of its spread: 1 where it follows an axis alone, which LEAST is compared with."""
    told = []
    turned = module._turned
    monkeypatch.setattr(
        module, "_turned", lambda shares, spread: told.append(shares) or turned(shares, spread)
    )
    directions(Blobs().eval())
    (shares,) = told
    lengths = shares.norm(dim=0)
    assert lengths.max() < 1.1
    assert lengths[list(MEASURES).index("Brightness")] > 0.9


def test_a_name_is_not_given_without_a_correlation(tiny_gan):
    for direction in directions(tiny_gan, pairs=64):
        assert (direction.name is None) == (direction.correlation is None)
        if direction.name is not None:
            assert direction.correlation >= HONEST
            assert direction.name in MEASURES


def test_short_latents_have_as_many_directions_as_coordinates():
    found = directions(Blobs(latent_dim=5).eval(), pairs=64)
    assert len(found) == 5


def test_they_are_the_same_whenever_they_are_computed():
    model = Blobs().eval()
    first, again = (directions(model, pairs=64) for _ in range(2))
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))


def test_only_the_coordinate_along_a_direction_is_changed():
    z = torch.randn(3, 7)
    vector = torch.nn.functional.normalize(torch.randn(7), dim=0)
    moved = along(z, vector, torch.tensor([-2.0, 0, 1.5]))
    torch.testing.assert_close(moved @ vector, torch.tensor([-2.0, 0, 1.5]))
    across = torch.eye(7) - torch.outer(vector, vector)
    torch.testing.assert_close(moved @ across, z @ across)


def test_a_correlation_is_within_pictures():
    """Classes differ in height by more than the axis moves anything; their means are taken off."""
    model = Blobs(5).eval()
    axis = torch.eye(7)
    assert correlation(model, axis[3], "Width") > 0.95
    assert correlation(model, -axis[3], "Width") < -0.95
    assert abs(correlation(model, axis[0], "Width")) < 0.05
    assert correlation(model, axis[3], "Saturation") == 0  # grey pictures have none


def bar(width: int, height: int, shear: float = 0) -> torch.Tensor:
    """uint8 [1, 1, 20, 20]: a bar that leans to the right by `shear` pixels a row upward."""
    image = torch.zeros(1, 1, 20, 20, dtype=torch.uint8)
    for row in range(height):
        left = round(10 - width / 2 + shear * (height / 2 - row))
        image[0, 0, 10 - height // 2 + row, left : left + width] = 200
    return image


def measure(image: torch.Tensor) -> dict[str, float]:
    return dict(zip(MEASURES, measured(image)[0].tolist(), strict=True))


def test_what_is_measured_grows_with_what_it_is_called_after():
    thin, thick, wide = measure(bar(2, 12)), measure(bar(4, 12)), measure(bar(12, 2))
    assert thick["Thickness"] > thin["Thickness"]
    assert thick["Brightness"] > thin["Brightness"]
    assert wide["Width"] > thin["Width"]
    assert wide["Height"] < thin["Height"]
    assert measure(bar(2, 12, 0.5))["Slant"] == pytest.approx(0.5, abs=0.1)
    assert measure(bar(2, 12, -0.5))["Slant"] == pytest.approx(-0.5, abs=0.1)
    assert thin["Slant"] == pytest.approx(0, abs=1e-9)


def test_form_is_measured_on_a_bright_ground_too():
    dark, bright = measure(bar(3, 12, 0.5)), measure(255 - bar(3, 12, 0.5))
    for name in ("Thickness", "Slant", "Width", "Height"):
        assert bright[name] == pytest.approx(dark[name])
    assert bright["Brightness"] > dark["Brightness"]


def test_colours_are_measured():
    red = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)
    red[:, 0] = 90
    found = measure(red)
    assert found["Warmth"] == found["Saturation"] == 90
    assert measure(red.flip(1))["Warmth"] == -90
    assert measure(torch.full((1, 3, 8, 8), 90, dtype=torch.uint8))["Saturation"] == 0
