"""evolution.png as a stranger may send it: what is not a run's sheet is left out, in words."""

import os

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import duet
from duet.data.mnist import MNIST
from duet.store import evolution, records
from duet.store.checkpoint import EVOLUTION, TRAINING, save
from duet.store.config import DataRecord
from duet.store.evolution import COLUMNS, MOST_ROWS, Sheet
from duet.store.records import RecordError
from duet.store.sprites import MOST_PIXELS


@pytest.fixture
def folder(tmp_path, tiny_gan, training_record):
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=DataRecord.of(MNIST.facts, None))
    records.write(path / TRAINING, training_record(evolution=(0, 3, 9)))
    return path


def rows(model, count):
    """Each of its own grey, so that an order can be told."""
    row = evolution.row(model)
    return torch.stack([torch.full_like(row, 10 * place) for place in range(count)])


def save_png(path, image, steps="0 3 9", **options):
    texts = PngInfo()
    if steps is not None:
        texts.add_text("steps", steps)
    image.save(path, format=options.pop("format", "PNG"), pnginfo=texts, **options)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sheet_is_read_as_it_was_written(tmp_path, channels):
    path = tmp_path / EVOLUTION
    assert evolution.read(path) is None
    written = torch.randint(0, 256, (3, channels, 5, 2 * COLUMNS), dtype=torch.uint8)
    evolution.write(path, Sheet((0, 3, 9), written))
    found = evolution.read(path)
    assert found.steps == (0, 3, 9)
    assert torch.equal(found.rows, written)


def test_a_checkpoint_brings_the_sheet_of_its_run(folder, tiny_gan):
    assert duet.load(folder).evolution is None
    evolution.write(folder / EVOLUTION, Sheet((0, 3, 9), rows(tiny_gan, 3)))
    loaded = duet.load(folder)
    assert loaded.problems == ()
    assert loaded.evolution.rows[:, 0, 0, 0].tolist() == [0, 10, 20]


@pytest.mark.parametrize(
    ("steps", "shape", "words"),
    [
        ((0, 3), (1, 28, 28 * COLUMNS), "other steps than training.json says"),
        ((0, 3, 9), (1, 28, 14 * COLUMNS), r"\[1, 28, 224\], the model's \[1, 28, 448\]"),
        ((0, 3, 9), (3, 28, 28 * COLUMNS), r"\[3, 28, 448\]"),
    ],
)
def test_a_sheet_of_another_run_is_left_out(folder, steps, shape, words):
    sheet = Sheet(steps, torch.zeros(len(steps), *shape, dtype=torch.uint8))
    evolution.write(folder / EVOLUTION, sheet)
    loaded = duet.load(folder)
    assert loaded.evolution is None
    with pytest.raises(duet.CheckpointError, match=f"{EVOLUTION} cannot be used .*{words}"):
        loaded.check_records()


def test_a_sheet_beside_no_record_is_left_out(folder, tiny_gan):
    (folder / TRAINING).unlink()
    evolution.write(folder / EVOLUTION, Sheet((0, 3, 9), rows(tiny_gan, 3)))
    assert "other steps" in duet.load(folder).problems[0]


@pytest.mark.parametrize("steps", [None, "", "1 x 2", "0 1", "0 9 3", "0 3 3", "-1 0 3"])
def test_steps_that_are_none_are_refused(tmp_path, steps):
    save_png(tmp_path / EVOLUTION, Image.new("L", (COLUMNS, 3)), steps)
    with pytest.raises(RecordError, match="cannot be used"):
        evolution.read(tmp_path / EVOLUTION)


@pytest.mark.parametrize(
    ("mode", "size"),
    [
        ("L", (COLUMNS * MOST_PIXELS + COLUMNS, 3)),
        ("L", (COLUMNS, MOST_ROWS * MOST_PIXELS + 1)),
        ("L", (COLUMNS + 1, 3)),
        ("P", (COLUMNS, 3)),
        ("RGBA", (COLUMNS, 3)),
        ("I;16", (COLUMNS, 3)),
    ],
)
def test_what_is_no_sheet_is_refused_before_it_is_decoded(tmp_path, mode, size, monkeypatch):
    save_png(tmp_path / EVOLUTION, Image.new(mode, size))
    monkeypatch.setattr(np, "array", lambda picture: pytest.fail("it was decoded"))
    with pytest.raises(RecordError, match="cannot be used"):
        evolution.read(tmp_path / EVOLUTION)


def test_what_is_no_png_is_refused(tmp_path):
    path = tmp_path / EVOLUTION
    save_png(path, Image.new("L", (COLUMNS, 3)))
    whole = path.read_bytes()
    Image.new("L", (COLUMNS, 3)).save(path, format="JPEG")
    for content in (path.read_bytes(), b"", whole[:60]):
        path.write_bytes(content)
        with pytest.raises(RecordError, match="cannot be used"):
            evolution.read(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(RecordError, match="no file"):
        evolution.read(path)
