"""What a finished run is shown by: the sheet of samples, the curves in its record."""

import pytest
import torch

from duet.core import latents
from duet.core.domains import DOMAINS, Pixels
from duet.models import LatentModel, ModelConfig
from duet.store.run import LogRow
from training.record import CURVE_POINTS, downsampled, preview


class Shades(LatentModel):
    """A picture is of 17 levels a class; its left half is the first latent's sign."""

    def __init__(self, config):
        super().__init__(config)
        self.place = torch.nn.Linear(1, 1)  # a model says by its parameters where it is

    def decode(self, z, labels):
        pixels = ((17 * labels / 127.5 - 1)[:, None, None, None]).expand(-1, 1, 4, 4).clone()
        pixels[..., :2] = z[:, :1, None, None].sign()
        return pixels


def cells(picture):
    """[C, H, W] of 8 rows and 10 columns -> the pictures, [row][column] of [C, 4, 4]."""
    return [[picture[:, 6 * r + 2 :, 6 * c + 2 :][:, :4, :4] for c in range(10)] for r in range(8)]


@pytest.mark.parametrize("num_classes", [10, 3, 0])
def test_a_preview_has_a_column_a_class(num_classes):
    sheet = cells(preview(Shades(ModelConfig((1, 4, 4), num_classes, latent_dim=2))))
    z, _ = latents.draw(0, range(80), 2, num_classes)
    for row in range(8):
        for column in range(10):
            label = column % num_classes if num_classes else 0
            cell = sheet[row][column][0]
            assert (cell[:, 2:] == 17 * label).all()
            assert (cell[:, :2] == (255 if z[10 * row + column, 0] > 0 else 0)).all()


def test_a_preview_shows_values_as_their_domain_does(monkeypatch):
    class Negative(Pixels):
        def to_pixels(self, values):
            return 255 - values

    model = Shades(ModelConfig((1, 4, 4), 10, latent_dim=2))
    plain = cells(preview(model))
    monkeypatch.setitem(DOMAINS, "pixels", Negative())
    shown = cells(preview(model))
    assert torch.equal(shown[3][4], 255 - plain[3][4])


@pytest.mark.parametrize("training", [True, False])
def test_a_preview_leaves_the_mode_as_it_was(training):
    model = Shades(ModelConfig((1, 4, 4), 10, latent_dim=2)).train(training)
    preview(model)
    assert model.training is training


def test_a_record_keeps_few_points_of_few_digits():
    rows = [LogRow(50 * i, i / 3, {"loss": 1 / i}) for i in range(1, 2 * CURVE_POINTS + 2)]
    columns = downsampled(rows)
    assert list(columns) == ["step", "seconds", "loss"]
    assert {len(column) for column in columns.values()} == {-(-len(rows) // 3)}
    assert columns["step"][:2] == (50.0, 200.0)
    assert columns["loss"][2] == 0.1429
    assert downsampled([]) == {}
