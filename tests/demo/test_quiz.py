"""The real pictures that ship with the page, and what the game is told of them."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from demo import quiz
from demo.catalogue import Catalogue
from demo.facts import REAL, STAGE
from duet import data
from duet.data import DATASETS, DataError
from duet.store import records
from duet.store.sheet import SheetRecord

SHEETS = quiz.read_all(STAGE / REAL)


def cut(path: Path, record: SheetRecord) -> np.ndarray:
    """uint8 [N, H, W, C] out of a sheet."""
    channels, height, width = record.image_shape
    with Image.open(path) as picture:
        pixels = np.asarray(picture).reshape(picture.height, picture.width, channels)
    rows, columns = pixels.shape[0] // height, record.columns
    cells = pixels.reshape(rows, height, columns, width, channels).swapaxes(1, 2)
    return cells.reshape(-1, height, width, channels)[: len(record.indices)]


@pytest.mark.parametrize(("name", "record"), SHEETS.values(), ids=lambda value: str(value)[:12])
def test_the_shipped_pictures_are_exactly_held_out_ones(name, record):
    if record.data not in DATASETS:
        pytest.skip("own pictures, which lie anywhere")
    try:
        held_out = data.load(record.data, "test", download=False)
    except DataError as error:
        pytest.skip(f"needs the real {record.data}: {error}")
    assert held_out.sha256 == record.held_out_sha256
    wanted = held_out.images[torch.tensor(record.indices)].permute(0, 2, 3, 1).numpy()
    assert (cut(STAGE / REAL / name, record) == wanted).all()


def test_only_what_may_be_passed_on_is_shipped_with_its_credit():
    assert {record.data for _, record in SHEETS.values()} >= {"mnist", "fashion-mnist"}
    for name, record in SHEETS.values():
        assert record.licence in {"cc-by-sa-3.0", "mit", "cc-by-4.0"}, name
        assert record.credit
        assert len(set(record.indices)) == len(record.indices) >= 100
    files = {path.stem for path in (STAGE / REAL).iterdir()}
    assert files == {record.data for _, record in SHEETS.values()}  # none was left out as damaged


@pytest.fixture
def sheet(tmp_path):
    """A copy of MNIST's sheet, to be damaged."""
    for ending in ("json", "png"):
        shutil.copy(STAGE / REAL / f"mnist.{ending}", tmp_path)
    return tmp_path / "mnist.json"


def test_damaged_sheets_are_left_out(sheet):
    assert len(quiz.read_all(sheet.parent)) == 1
    record = records.read(SheetRecord, sheet)
    records.write(sheet, dataclasses.replace(record, picture_sha256="0" * 64))
    assert quiz.read_all(sheet.parent) == {}
    records.write(sheet, record)
    sheet.with_suffix(".png").unlink()
    assert quiz.read_all(sheet.parent) == {}
    sheet.write_text("{")
    assert quiz.read_all(sheet.parent) == {}


def test_a_set_is_known_by_its_images_and_not_by_its_name(sheet, mock_checkpoint):
    digest = records.read(SheetRecord, sheet).images_sha256

    def told(images_sha256):
        made_from = {"name": "mnist", "images_sha256": images_sha256}
        return quiz.facts(Catalogue({"m": mock_checkpoint(data=made_from)}), sheet.parent)

    assert told("0" * 64) == told(None) == {}
    (found,) = told(digest).values()
    assert found["file"] == f"{sheet.parent.name}/mnist.png"
    assert (found["count"], found["columns"], found["image_shape"]) == (100, 10, [1, 28, 28])
    assert "CC BY-SA 3.0" in found["credit"]
    assert found["telltales"] == []  # it was never measured
