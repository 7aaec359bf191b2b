"""Held-out images as one picture, by the command."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from duet.data import DATASETS
from duet.store import checkpoint, records
from duet.store.config import DataRecord
from duet.store.sheet import SheetRecord
from evaluation.__main__ import main


@pytest.fixture
def folder(toy_data, tiny_gan, tmp_path, monkeypatch):
    """folder(licence) -> a checkpoint of toy data under it."""
    def build(licence):
        entry = DATASETS["toy"]
        facts = dataclasses.replace(entry.facts, licence=licence, credit="By hand.")
        monkeypatch.setitem(DATASETS, "toy", dataclasses.replace(entry, facts=facts))
        made_from = DataRecord.of(facts, toy_data.sha256)
        path = tmp_path / "tiny"
        path.mkdir()
        checkpoint.save(path, tiny_gan, name="tiny", made_from=made_from)
        return path

    return build


def test_the_sheet_holds_the_images_that_its_record_names(folder, tmp_path):
    out = tmp_path / "real"
    assert main(["sheet", str(folder("mit")), "--out", str(out), "--images", "23"]) == 0
    record = records.read(SheetRecord, out / "toy.json")
    held_out = DATASETS["toy"].load(tmp_path, "test", False)
    assert (record.licence, record.credit) == ("mit", "By hand.")
    assert record.held_out_sha256 == held_out.sha256
    assert len(set(record.indices)) == 23
    assert list(record.indices) != sorted(record.indices)  # files may be sorted by class
    with Image.open(out / "toy.png") as picture:
        sheet = np.asarray(picture)
    assert sheet.shape == (3 * 28, 10 * 28)
    for place in (0, 9, 10, 22):
        y, x = 28 * (place // 10), 28 * (place % 10)
        image = held_out.images[record.indices[place], 0].numpy()
        assert (sheet[y : y + 28, x : x + 28] == image).all()


@pytest.mark.parametrize("licence", ["other", "unknown"])
def test_pictures_that_may_not_be_passed_on_are_refused(folder, tmp_path, capsys, licence):
    out = tmp_path / "real"
    assert main(["sheet", str(folder(licence)), "--out", str(out)]) == 2
    assert f"the licence of Toy ({licence}) is not known to allow" in capsys.readouterr().err
    assert not out.exists()


def test_a_count_out_of_bounds_is_refused(folder, tmp_path, capsys):
    path = folder("mit")
    for images in ("0", "1001"):
        assert main(["sheet", str(path), "--out", str(tmp_path / "r"), "--images", images]) == 2
        assert "--images must be from 1 to 1,000" in capsys.readouterr().err
