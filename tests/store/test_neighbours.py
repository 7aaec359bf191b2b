"""neighbours.png: what is written is read, and a stranger's, or another model's, is left out."""

import pytest
import torch
from PIL import Image

import duet
from duet.data.mnist import MNIST
from duet.store import neighbours
from duet.store.checkpoint import NEIGHBOURS, WEIGHTS, save
from duet.store.config import DataRecord
from duet.store.neighbours import COLUMNS, NEAREST, ROWS, SUBJECT, Neighbours


@pytest.fixture
def folder(tmp_path, tiny_gan):
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=DataRecord.of(MNIST.facts, "a" * 64))
    return path


def rows(seed: int, *shape: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (ROWS, 1 + NEAREST, *shape), generator=generator).to(torch.uint8)


def subject(folder):
    return {SUBJECT: duet.core.files.sha256(folder / WEIGHTS)}


def test_it_is_read_as_written(folder):
    assert duet.load(folder).neighbours is None
    samples, held_out = rows(0, 1, 28, 28), rows(1, 1, 28, 28)
    neighbours.write(folder / NEIGHBOURS, Neighbours(samples, held_out), subject(folder))
    with Image.open(folder / NEIGHBOURS) as picture:
        assert picture.size == (COLUMNS * 28, ROWS * 28)
    loaded = duet.load(folder)
    assert not loaded.problems
    assert torch.equal(loaded.neighbours.samples, samples)
    assert torch.equal(loaded.neighbours.held_out, held_out)


@pytest.mark.parametrize(
    ("shape", "texts", "words"),
    [
        ((1, 28, 28), {SUBJECT: "0" * 64}, "of other weights"),
        ((1, 28, 28), {}, "weights_sha256"),
        ((3, 28, 28), None, "not 8 rows of"),
        ((1, 14, 28), None, "not 8 rows of"),
        ((1, 28, 14), None, "not 8 rows of"),
    ],
)
def test_another_models_is_left_out(folder, shape, texts, words):
    found = Neighbours(rows(0, *shape), rows(1, *shape))
    told = subject(folder) if texts is None else texts
    neighbours.write(folder / NEIGHBOURS, found, told)
    loaded = duet.load(folder)
    assert loaded.neighbours is None
    with pytest.raises(duet.CheckpointError, match=f"{NEIGHBOURS} cannot be used .*{words}"):
        loaded.check_records()


def test_a_picture_of_any_size_is_not_decoded(folder, monkeypatch):
    Image.new("L", (COLUMNS * 65, 9)).save(folder / NEIGHBOURS)
    monkeypatch.setattr("duet.store.sprites.np.array", lambda _: pytest.fail("it was decoded"))
    assert "pixels" in duet.load(folder).problems[0]


def test_large_pictures_are_kept_small(folder, monkeypatch):
    monkeypatch.setattr("duet.store.sprites.MOST_PIXELS", 14)
    samples = rows(0, 1, 28, 28)
    neighbours.write(folder / NEIGHBOURS, Neighbours(samples, samples), subject(folder))
    found = duet.load(folder).neighbours.held_out
    means = samples.float().unflatten(3, (14, 2)).unflatten(5, (14, 2)).mean((4, 6)).round()
    assert torch.equal(found.float(), means)
