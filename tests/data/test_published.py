"""Sets that others publish, as toys: in zips, in torchvision's layout, downloaded."""

import hashlib
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from duet import data
from duet.data import DATASETS, DataError

ZIPPED = ("mnist", "fashion-mnist", "kmnist", "cifar10", "svhn")


def zipped(name, split, path, png, write_zip):
    """Two pictures of each class, the classes last to first; slashes and spaces as people may."""
    side, mode = (28, "L") if "mnist" in name else (32, "RGB")
    return write_zip(path / f"{name}-{split}.zip", {
        f"{label.replace('/', '_').replace(' ', '-')}/{number}.png": png(i, side, side, mode)
        for i, label in reversed(list(enumerate(DATASETS[name].facts.class_names)))
        for number in range(2)
    })


@pytest.mark.parametrize("name", ZIPPED)
def test_a_zip_of_class_folders_is_read_in_the_order_of_the_classes(
    name, tmp_path, png, noise, write_zip
):
    zipped(name, "test", tmp_path, png, write_zip)
    found = data.load(name, "test", tmp_path, download=False)
    assert found.name == name
    assert found.labels.tolist() == [label for label in range(10) for _ in range(2)]
    assert found.class_names == DATASETS[name].facts.class_names
    assert found.facts is DATASETS[name].facts
    expected = np.asarray(noise(3, *found.image_shape[:0:-1], "L" if "mnist" in name else "RGB"))
    assert np.array_equal(found.images[6].permute(1, 2, 0).squeeze().numpy(), expected)


def test_a_zip_with_a_class_of_its_own_is_refused(tmp_path, png, write_zip):
    write_zip(tmp_path / "cifar10-train.zip", {"dog/1.png": png(1), "unicorn/1.png": png(2)})
    with pytest.raises(DataError, match="'unicorn' is no class of CIFAR-10; they are airplane"):
        data.load("cifar10", "train", tmp_path)


def test_own_size_and_colour_are_not_for_published_sets(fake_mnist):
    assert len(data.load("mnist", "test", fake_mnist, image_size=28, colour="grey")) == 10_000
    with pytest.raises(DataError, match=r"^image_size 32: mnist has 28×28 pixels"):
        data.load("mnist", "test", fake_mnist, image_size=32)
    with pytest.raises(DataError, match=r"^colour rgb: mnist has 1 channel"):
        data.load("mnist", "test", fake_mnist, colour="rgb")


def test_stacked_mnist_is_three_digits_in_one_picture(fake_mnist):
    found, digits = (data.load(name, "test", fake_mnist) for name in ("stacked-mnist", "mnist"))
    assert found.images.shape == (26_000, 3, 28, 28)
    assert found.class_names[37] == "037"
    for index in (0, 5, 25_999):
        for channel, digit in enumerate(found.class_names[int(found.labels[index])]):
            same = (digits.images[:, 0] == found.images[index, channel]).all(dim=(1, 2))
            assert digits.labels[same].unique().tolist() == [int(digit)]
    again = data.load("stacked-mnist", "test", fake_mnist)
    assert torch.equal(found.images[:100], again.images[:100])
    other = data.load("stacked-mnist", "train", fake_mnist)
    assert len(other) == 128_000
    assert not torch.equal(found.labels[:100], other.labels[:100])


def test_stacked_mnist_draws_the_same_triples_for_ever():
    from duet.data.stacked_mnist import draw

    triples = draw(0, 60_000, 60_000)
    assert triples[:2].tolist() == [[692, 14492, 6685], [33864, 30142, 16656]]
    assert triples.float().mean() == pytest.approx(29_999.5, abs=100)
    assert (int(triples.min()), int(triples.max())) == (0, 59_999)


@pytest.fixture
def toy_cifar10(tmp_path, monkeypatch) -> Path:
    """A data folder with ten pictures a batch in CIFAR-10's pickles, their hashes published."""
    from torchvision.datasets import CIFAR10

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    published = {}
    for number, name in enumerate([*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]):
        pixels = np.random.default_rng(number).integers(0, 256, (10, 3072)).astype(np.uint8)
        content = pickle.dumps({"data": pixels, "labels": [(number + i) % 10 for i in range(10)]})
        (folder / name).write_bytes(content)
        published[name] = hashlib.md5(content).hexdigest()
    meta = pickle.dumps({"label_names": list(DATASETS["cifar10"].facts.class_names)})
    (folder / "batches.meta").write_bytes(meta)
    batches = list(map(list, published.items()))
    monkeypatch.setattr(CIFAR10, "train_list", batches[:5])
    monkeypatch.setattr(CIFAR10, "test_list", batches[5:])
    monkeypatch.setattr(CIFAR10, "meta", {
        "filename": "batches.meta", "key": "label_names", "md5": hashlib.md5(meta).hexdigest()
    })
    return tmp_path


def test_cifar10_is_read_from_torchvisions_layout(toy_cifar10):
    found = data.load("cifar10", "train", toy_cifar10)
    assert found.images.shape == (50, 3, 32, 32)
    pixels = np.random.default_rng(1).integers(0, 256, (10, 3, 32, 32)).astype(np.uint8)
    assert np.array_equal(found.images[10:20].numpy(), pixels)
    assert found.labels[10:20].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    test = data.load("cifar10", "test", toy_cifar10)
    pixels = np.random.default_rng(5).integers(0, 256, (10, 3, 32, 32)).astype(np.uint8)
    assert np.array_equal(test.images.numpy(), pixels)


class Evil:
    opened = False

    def __reduce__(self):
        return setattr, (Evil, "opened", True)


@pytest.mark.parametrize("name", ["data_batch_2", "test_batch", "batches.meta"])
def test_no_pickle_of_cifar10_is_opened_before_all_hashes_are_right(toy_cifar10, monkeypatch, name):
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("a pickle was opened"))
    (toy_cifar10 / "cifar-10-batches-py" / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError, match=f"{name} is not the published file.*it was not opened"):
        data.load("cifar10", "test", toy_cifar10)


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + b"\0" * (-len(content) % 8)


def matrix(name: bytes, values: np.ndarray) -> bytes:
    """An array of bytes as MATLAB 5 writes it; the short name inside its tag."""
    sizes = np.array(values.shape, "<i4").tobytes()
    label = struct.pack("<I4s", len(name) << 16 | 1, name)
    body = (element(6, struct.pack("<II", 9, 0)) + element(5, sizes) + label
            + element(2, values.tobytes(order="F")))
    return element(14, body)


@pytest.fixture
def toy_svhn(tmp_path, monkeypatch) -> Path:
    from torchvision.datasets import SVHN

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (32, 32, 3, 11)).astype(np.uint8)
    labels = np.arange(1, 12, dtype=np.uint8)[:, None] % 11
    packed = [zlib.compress(matrix(*pair)) for pair in ((b"X", images), (b"y", labels))]
    content = b" " * 128 + b"".join(struct.pack("<II", 15, len(part)) + part for part in packed)
    (tmp_path / "test_32x32.mat").write_bytes(content)
    published = {"test": ["url", "test_32x32.mat", hashlib.md5(content).hexdigest()]}
    monkeypatch.setattr(SVHN, "split_list", published)
    return tmp_path


def test_svhn_is_read_from_its_matlab_file(toy_svhn):
    found = data.load("svhn", "test", toy_svhn)
    images = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 11)).astype(np.uint8)
    assert np.array_equal(found.images.numpy(), images.transpose(3, 2, 0, 1))
    assert found.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0]


def test_a_file_of_svhn_with_another_hash_is_refused(toy_svhn):
    path = toy_svhn / "test_32x32.mat"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DataError, match=r"test_32x32\.mat is not the published file"):
        data.load("svhn", "test", toy_svhn)


@pytest.mark.parametrize("content", [
    b"short", b" " * 128 + struct.pack("<II", 14, 99), b" " * 128 + struct.pack("<II", 1, 0),
    b" " * 128 + element(15, zlib.compress(b"x" * 99)[:20]), b" " * 128 + element(14, b""),
    b" " * 128 + b"abc", b" " * 128 + element(15, b"no zlib"), None,
    b" " * 128 + element(14, element(6, bytes(8))),
])
def test_a_damaged_matlab_file_is_refused(tmp_path, content):
    from duet.data.matlab import read_byte_arrays

    if content is not None:
        (tmp_path / "file.mat").write_bytes(content)
    if content == b"short":
        assert read_byte_arrays(tmp_path / "file.mat") == {}
        return
    with pytest.raises(DataError, match=r"file\.mat cannot be read"):
        read_byte_arrays(tmp_path / "file.mat")


def test_matlab_files_hold_arrays_of_any_shape_and_name(tmp_path):
    """Parts that are no multiple of eight bytes, and no compression."""
    from duet.data.matlab import read_byte_arrays

    values = {"images": np.arange(30, dtype=np.uint8).reshape(2, 3, 5),
              "a": np.arange(14, dtype=np.uint8).reshape(7, 2)}

    def part(name, array):
        body = (element(6, bytes(8)) + element(5, np.array(array.shape, "<i4").tobytes())
                + element(1, name.encode()) + element(2, array.tobytes(order="F")))
        return element(14, body)

    content = b" " * 128 + b"".join(part(*pair) for pair in values.items())
    (tmp_path / "file.mat").write_bytes(content)
    found = read_byte_arrays(tmp_path / "file.mat")
    assert found.keys() == values.keys()
    for name, array in values.items():
        assert np.array_equal(found[name], array)


def fetch_kmnist(root, train, download):
    """A stand-in for torchvision: writes what the published files would be."""
    raw = Path(root) / "KMNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 60_000), ("t10k", 10_000)):
        header = np.array([0x803, count, 28, 28], ">u4").tobytes()
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(header + bytes(count * 784))
        header = np.array([0x801, count], ">u4").tobytes()
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(header + b"\7" * count)


def test_a_download_is_put_in_place_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.KMNIST", fetch_kmnist)
    found = data.load("kmnist", "test", tmp_path / "new")
    assert found.labels.unique().tolist() == [7]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["KMNIST"]


def test_a_download_is_hidden_beside_its_place_and_talks_on_stderr(tmp_path, monkeypatch, capsys):
    seen = []

    def fetch(root, train, download):
        seen.append((Path(root).parent, Path(root).name.startswith(".download."), train, download))
        print("fetching")
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.KMNIST", fetch)
    for _ in range(2):  # the second time into a folder that is there
        with pytest.raises(DataError, match=r"the download failed.*holds KMNIST/raw/train-images"):
            data.load("kmnist", "test", tmp_path / "a" / "new")
    assert seen == [(tmp_path / "a" / "new", True, True, True)] * 2
    assert capsys.readouterr().out == ""


def test_a_failed_download_leaves_nothing_behind(tmp_path, monkeypatch):
    def broken(root, train, download):
        (Path(root) / "MNIST" / "raw").mkdir(parents=True)
        (Path(root) / "MNIST" / "raw" / "half").write_bytes(b"half")
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr("torchvision.datasets.MNIST", broken)
    with pytest.raises(DataError, match="the download failed"):
        data.load("mnist", data_dir=tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_svhn_is_fetched_without_scipy(tmp_path, monkeypatch):
    from torchvision.datasets import SVHN

    asked = []

    def fetch(url, root, filename, md5):
        asked.append([url, filename, md5])
        (Path(root) / filename).write_bytes(url.encode())

    monkeypatch.setattr("torchvision.datasets.utils.download_url", fetch)
    with pytest.raises(DataError, match="is not the published file"):
        data.load("svhn", "train", tmp_path)
    assert (tmp_path / "test_32x32.mat").read_text().startswith("http")
    assert asked == [list(SVHN.split_list[split]) for split in ("train", "test")]


def test_of_two_that_download_at_once_the_slower_takes_what_is_there(tmp_path, monkeypatch):
    """A page that trains two models begins both at once."""
    def fetch(root, train, download):
        for place in (Path(root), tmp_path):  # the other one ends while this one is at work
            fetch_kmnist(place, train, download)

    monkeypatch.setattr("torchvision.datasets.KMNIST", fetch)
    assert len(data.load("kmnist", "test", tmp_path)) == 10_000
    assert [path.name for path in tmp_path.iterdir()] == ["KMNIST"]
