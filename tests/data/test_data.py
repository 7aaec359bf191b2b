from pathlib import Path

import pytest
import torch

from duet import data
from duet.data import DATASETS, DataError, ImageSet
from duet.data.idx import read_idx


def test_mnist_is_the_real_one(mnist):
    train, test = mnist("train"), mnist("test")
    assert train.images.shape == (60_000, 1, 28, 28)
    assert train.images.dtype == torch.uint8
    assert test.images.shape == (10_000, 1, 28, 28)
    # Known facts of the set: its mean grey level, and how often each digit occurs.
    assert train.images.double().mean() / 255 == pytest.approx(0.1306605, abs=1e-6)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.labels.bincount().tolist() == counts


def real(name: str, split: str) -> ImageSet:
    try:
        return data.load(name, split, download=False)
    except DataError as error:
        pytest.skip(f"needs the real {name}: {error}")


@pytest.mark.parametrize(("split", "mean"), [("train", 0.2860406), ("test", 0.2868493)])
def test_fashion_mnist_is_the_real_one(split, mean):
    found = real("fashion-mnist", split)
    assert found.images.double().mean() / 255 == pytest.approx(mean, abs=1e-6)
    assert found.labels.bincount().tolist() == [len(found) // 10] * 10


def test_cifar10_is_the_real_one():
    found = real("cifar10", "test")
    assert found.image_shape == (3, 32, 32)
    means = found.images.double().mean((0, 2, 3)) / 255
    assert means.tolist() == pytest.approx([0.4942, 0.4851, 0.4504], abs=1e-4)
    assert found.labels.bincount().tolist() == [1000] * 10


def test_reads_below_data_dir_and_environment(fake_mnist, monkeypatch):
    by_argument = data.load("mnist", "test", fake_mnist)
    monkeypatch.setenv("DUET_DATA", str(fake_mnist))
    by_environment = data.load("mnist", "test")
    assert torch.equal(by_argument.images, by_environment.images)
    assert by_argument.image_shape == (1, 28, 28)


def test_the_data_folder_is_below_the_cache_unless_said(monkeypatch, tmp_path):
    for name in ("DUET_DATA", "DUET_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.data_root() == tmp_path / ".cache" / "duet" / "data"
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert data.data_root() == Path("/xdg/duet/data")
    monkeypatch.setenv("DUET_CACHE", "/own")
    assert data.data_root() == Path("/own/data")


def test_mnist_is_read_as_torchvision_reads_it(fake_mnist):
    from torchvision import datasets

    ours, theirs = data.load("mnist", "test", fake_mnist), datasets.MNIST(fake_mnist, train=False)
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)


@pytest.mark.parametrize("content", [
    b"", b"\0\0\x08\2\0\0\0\2\0\0\0\2abc", b"\0\0\x08\2\0\0\0\2\0\0\0\2abcde",
    b"\0\0\x08\2\0\0\0\2\0\0\0\1abcd", b"\0\0\x0d\2\0\0\0\2\0\0\0\2abcd",
])
def test_an_idx_file_of_another_shape_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(DataError, match="file cannot be read: it does not hold 2 x 2 bytes"):
        read_idx(tmp_path / "file", (2, 2), "Toy")
    (tmp_path / "file").write_bytes(b"\0\0\x08\2\0\0\0\2\0\0\0\2abcd")
    assert read_idx(tmp_path / "file", (2, 2), "Toy").tolist() == [[97, 98], [99, 100]]


def test_missing_data_names_the_folder_and_the_mend(tmp_path):
    with pytest.raises(DataError, match=r"MNIST is not in .*data_dir.*DUET_DATA.*mnist-train"):
        data.load("mnist", data_dir=tmp_path, download=False)


def test_damaged_files_are_named(fake_mnist, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (fake_mnist / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be read"):
        data.load("mnist", data_dir=tmp_path)
    for name in ("train-labels-idx1-ubyte", "train-images-idx3-ubyte"):
        (raw / name).unlink()
        with pytest.raises(DataError, match=f"{name} is lacking, though its folder"):
            data.load("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(("name", "split", "said"), [("nope", "train", "unknown data set 'nope'"),
                                                     ("", "train", "unknown data set ''"),
                                                     ("~no-such-user/x", "train", "unknown data"),
                                                     ("mnist", "dev", "unknown split 'dev'")])
def test_unknown_names(name, split, said):
    with pytest.raises(DataError, match=said):
        data.load(name, split)


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (torch.zeros(0, 1, 4, 4, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64), "empty"),
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, dtype=torch.int64), "must be uint8"),
        (torch.zeros(2, 4, 4, dtype=torch.uint8), torch.zeros(2, dtype=torch.int64), "N, C, H, W"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64), "one an"),
        (torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.tensor([0, 7]), "lie in 0..1"),
    ],
)
def test_an_image_set_checks_itself(images, labels, said):
    with pytest.raises(DataError, match=said):
        ImageSet("toy", "train", images, labels, ("a", "b"))


def test_an_image_set_without_classes_has_labels_of_nothing():
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    assert len(ImageSet("toy", "train", images, torch.tensor([0, 0]), ())) == 2
    with pytest.raises(DataError, match=r"lie in 0\.\.0"):
        ImageSet("toy", "train", images, torch.tensor([0, 1]), ())


def test_the_hash_of_a_set_is_that_of_its_bytes():
    import hashlib

    images = torch.arange(2500 * 4, dtype=torch.int64).to(torch.uint8).reshape(2500, 1, 2, 2)
    found = ImageSet("toy", "train", images, torch.zeros(2500, dtype=torch.int64), ())
    assert found.sha256 == hashlib.sha256(images.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("name", DATASETS)
def test_facts_are_complete(name):
    facts = DATASETS[name].facts
    assert facts.name == name
    for field in ("title", "about", "licence", "credit", "ethics", "origin", "hub_id"):
        assert getattr(facts, field), field
    assert len(set(facts.class_names)) == len(facts.class_names) >= 10
    assert set(DATASETS[name].places) == {"train", "test"}
