"""Samples beside their nearest training pictures, by the command."""

import dataclasses

import pytest
import torch

import duet
from duet.data import DATASETS
from duet.models.gan import GAN
from duet.store.checkpoint import NEIGHBOURS, save
from duet.store.config import DataRecord
from duet.store.neighbours import NEAREST, ROWS
from evaluation.__main__ import main


@pytest.fixture
def licensed(toy_data, tiny_gan, tmp_path, monkeypatch):
    """licensed(licence) -> a checkpoint of toy data under it."""
    def build(licence):
        entry = DATASETS["toy"]
        facts = dataclasses.replace(entry.facts, licence=licence)
        monkeypatch.setitem(DATASETS, "toy", dataclasses.replace(entry, facts=facts))
        path = tmp_path / licence
        path.mkdir()
        made_from = DataRecord.of(facts, toy_data.sha256)
        save(path, tiny_gan, name="tiny", made_from=made_from)
        return path

    return build


def by_hand(images: torch.Tensor, training: torch.Tensor) -> torch.Tensor:
    """int64 [N, NEAREST], in float64, of pixels averaged over 16 overlapping bands either way."""
    bands = torch.zeros(16, 28, dtype=torch.float64)
    for band, row in enumerate(bands):
        part = row[band * 28 // 16 : -(-(band + 1) * 28 // 16)]
        part += 1 / len(part)

    def points(pictures):
        return (bands @ pictures.double() @ bands.T).flatten(1)

    return torch.cdist(points(images), points(training)).topk(NEAREST, largest=False).indices


def test_each_stands_beside_the_training_pictures_nearest_to_it(licensed, toy_data, tmp_path):
    path = licensed("mit")
    assert main(["neighbours", str(path)]) == 0
    checkpoint = duet.load(path)
    samples, held_out = checkpoint.neighbours.samples, checkpoint.neighbours.held_out
    assert torch.equal(samples[:, 0], checkpoint.sample(ROWS, seed=0))
    for rows in (samples, held_out):
        nearest = toy_data.images[by_hand(rows[:, 0], toy_data.images)]
        assert torch.equal(rows[:, 1:], nearest)
    test = DATASETS["toy"].load(tmp_path, "test", False).images
    shown = [int((test == picture).flatten(1).all(1).nonzero()[0]) for picture in held_out[:, 0]]
    assert len(set(shown)) == ROWS
    assert max(shown) >= 2 * ROWS  # not the first of the file


def test_a_copier_has_twins(licensed, toy_data, monkeypatch):
    path = licensed("mit")
    copied = toy_data.images[5 : 5 + ROWS]
    monkeypatch.setattr(GAN, "sample", lambda self, count, **asked: copied[:count])
    assert main(["neighbours", str(path)]) == 0
    found = duet.load(path).neighbours
    assert torch.equal(found.samples[:, 0], found.samples[:, 1])
    assert not (found.held_out[:, 0] == found.held_out[:, 1]).flatten(1).all(1).any()


@pytest.mark.parametrize("licence", ["other", "unknown"])
def test_pictures_that_may_not_be_passed_on_are_left_out(licensed, capsys, licence):
    kept, path = licensed("mit"), licensed(licence)
    assert main(["neighbours", str(path), str(kept)]) == 0
    out, err = capsys.readouterr()
    assert f"the licence of Toy ({licence}) is not known to allow" in err
    assert out == f"{kept / NEIGHBOURS}\n"
    assert not (path / NEIGHBOURS).exists()


def test_a_stale_sheet_is_made_again(licensed, capsys):
    path = licensed("mit")
    (path / NEIGHBOURS).write_bytes(b"no picture")
    assert duet.load(path).problems
    assert main(["neighbours", str(path)]) == 0
    assert duet.load(path).neighbours is not None
