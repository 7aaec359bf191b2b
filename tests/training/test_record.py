"""What a finished run is shown by: the sheet of samples, the curves in its record."""

import platform
from importlib.metadata import version

import pytest
import torch

import duet
from duet.core import latents
from duet.core.domains import DOMAINS, Pixels
from duet.models import LatentModel, ModelConfig
from duet.store.config import DataRecord
from duet.store.run import LogRow, RunRecord
from duet.store.training import TrainingRecord
from training.evolution import Evolution
from training.recipes import RECIPES
from training.record import downsampled, hardware, preview, run_record, write_checkpoint
from training.state import Progress


class Shades(LatentModel):
    """A picture is of 17 levels a class; its left half is the first latent's sign."""

    def __init__(self, config):
        super().__init__(config)
        self.place = torch.nn.Linear(1, 1)  # a model says by its parameters where it is

    def decode(self, z, labels):
        pixels = ((17 * labels / 127.5 - 1)[:, None, None, None]).expand(-1, 1, 4, 4).clone()
        pixels[..., :2] = z[:, :1, None, None].sign()
        return pixels


def test_a_finished_run_is_recorded_whole(tmp_path, tiny_gan, monkeypatch):
    monkeypatch.setattr("training.record.git_commit", lambda: "c0ffee")
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    made_from = DataRecord("toy", "Toy", tuple("0123456789"))
    config = RECIPES["gan"].config(data="toy", batch_size=8, steps=9, seed=5, device="cpu",
                                   out=tmp_path / "mine")
    run = run_record(config, "the command", made_from)
    versions = {name: version(name) for name in ("torch", "torchvision", "numpy", "safetensors")}
    versions["python"] = platform.python_version()
    assert run == RunRecord(
        "gan", "the command", "c0ffee", config.to_json(), versions, 3, made_from
    )
    assert config.to_json()["out"] == str(tmp_path / "mine")

    rows = [LogRow(step, 1.5 * step, {"loss": 0.25}) for step in (4, 7)]
    evolution = Evolution(tmp_path / "evolution.png", 0)
    evolution.write(0, tiny_gan)
    evolution.write(7, tiny_gan)
    write_checkpoint(
        tmp_path / "checkpoint", tiny_gan, config, made_from, images=30, run=run,
        progress=Progress(7, 12.345), rows=rows,
        scores=[LogRow(7, 12.0, {"frechet_distance": 3.25})], evolution=evolution,
    )
    loaded = duet.load(tmp_path / "checkpoint")
    assert (loaded.name, loaded.made_from) == ("mine", made_from)
    assert loaded.training == TrainingRecord(
        recipe="gan", command="the command", git_commit="c0ffee", versions=versions, threads=3,
        settings=config.weight_settings() | {"steps": 7}, hardware=hardware(torch.device("cpu")),
        seconds=12.3, steps=7, images_seen=56, epochs=1.87,
        curves={"step": (4.0, 7.0), "seconds": (6.0, 10.5), "loss": (0.25, 0.25)},
        evolution=(0, 7),
        scores={"step": (7.0,), "seconds": (12.0,), "frechet_distance": (3.25,)},
    )
    assert "mine" in (tmp_path / "checkpoint" / "README.md").read_text(encoding="utf-8")


def test_hardware_is_named(monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: f"H100 {device.index}")
    assert hardware(torch.device("cuda:1")) == "H100 1"
    assert hardware(torch.device("cpu")).startswith("CPU, ")


def cells(picture):
    """[C, H, W] of 8 rows and 10 columns -> the pictures, [row][column] of [C, 4, 4]."""
    return [[picture[:, 6 * r + 2 :, 6 * c + 2 :][:, :4, :4] for c in range(10)] for r in range(8)]


@pytest.mark.parametrize("num_classes", [10, 3, 0])
def test_a_preview_has_a_column_a_class(num_classes):
    whole = preview(Shades(ModelConfig((1, 4, 4), num_classes, latent_dim=2)))
    assert whole.shape == (1, 8 * 6 + 2, 10 * 6 + 2)
    sheet = cells(whole)
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
    """At most 200: every third of 401, each of 200."""
    rows = [LogRow(50 * i, i / 3, {"loss": 1 / i}) for i in range(1, 402)]
    assert [len(downsampled(rows[:count])["step"]) for count in (1, 200, 201, 400)] == [
        1, 200, 101, 200,
    ]
    columns = downsampled(rows)
    assert list(columns) == ["step", "seconds", "loss"]
    assert {len(column) for column in columns.values()} == {134}
    assert columns["step"][:2] == (50.0, 200.0)
    assert columns["loss"][2] == 0.1429
    assert downsampled([]) == {}
