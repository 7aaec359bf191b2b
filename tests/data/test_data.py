from pathlib import Path

import pytest
import torch

from duet import data
from duet.data import DATASETS, DataError, ImageSet


def test_mnist_is_the_real_one(mnist):
    train, test = mnist("train"), mnist("test")
    assert train.images.shape == (60_000, 1, 28, 28)
    assert train.images.dtype == torch.uint8
    assert test.images.shape == (10_000, 1, 28, 28)
    # Known facts of the set: its mean grey level, and how often each digit occurs.
    assert train.images.double().mean() / 255 == pytest.approx(0.1306605, abs=1e-6)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert train.labels.bincount().tolist() == counts


def test_reads_below_data_dir_and_environment(fake_mnist, monkeypatch):
    by_argument = data.load("mnist", "test", fake_mnist)
    monkeypatch.setenv("DUET_DATA", str(fake_mnist))
    by_environment = data.load("mnist", "test")
    assert torch.equal(by_argument.images, by_environment.images)
    assert by_argument.image_shape == (1, 28, 28)


def test_missing_data_names_the_folder_and_the_mend(tmp_path):
    with pytest.raises(DataError, match=r"MNIST is not in .*--data-dir.*DUET_DATA"):
        data.load("mnist", data_dir=tmp_path, download=False)


def test_failed_download_leaves_nothing_behind(tmp_path, monkeypatch):
    def broken(root, train, download):
        (Path(root) / "MNIST" / "raw").mkdir(parents=True)
        (Path(root) / "MNIST" / "raw" / "half").write_bytes(b"half")
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST", broken)
    with pytest.raises(DataError, match="the download failed"):
        data.load("mnist", data_dir=tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_damaged_files_are_named(fake_mnist, tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for path in (fake_mnist / "MNIST" / "raw").iterdir():
        (raw / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be read"):
        data.load("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(("name", "split", "said"), [("nope", "train", "unknown data set 'nope'"),
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


@pytest.mark.parametrize("name", DATASETS)
def test_registered_sets_keep_the_contract(name, fake_mnist):
    found = data.load(name, "test", fake_mnist)
    assert found.name == name
    assert len(found) == len(found.labels)
    assert len(found.class_names) > int(found.labels.max())
