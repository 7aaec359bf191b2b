"""What a word on the command line names, and what is said of files that cannot be used."""

import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

import duet
from duet.data import ImageSet
from duet.store.checkpoint import CheckpointError
from evaluation import arrays, sources
from evaluation.errors import EvaluationError
from evaluation.sources import Opening, open_source

PIXELS = np.random.default_rng(0).integers(0, 256, (7, 3, 12, 8)).astype(np.uint8)
GREY = PIXELS[:, 0]


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def pictures(folder, count=20, size=(8, 8), mode="L", classes=("",), first=0):
    rng = np.random.default_rng(first)
    for name in classes:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(first, first + count):
            shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
            pixels = rng.integers(0, 256, shape).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{i:03}.png")
    return folder


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(GREY, PIXELS[:, :1]), (PIXELS, PIXELS), (np.moveaxis(PIXELS, 1, 3), PIXELS),
     (np.asfortranarray(PIXELS), PIXELS)],
)
def test_an_array_is_taken_whichever_way_it_lies(tmp_path, stored, shown):
    np.save(tmp_path / "a.npy", stored)
    np.savez_compressed(tmp_path / "b.npz", stored)
    for name in ("a.npy", "b.npz"):
        found = open_source(name, Opening()).origin
        assert isinstance(found, ImageSet)
        assert (found.images.numpy() == shown).all()
        assert found.images.is_contiguous()
        assert (found.name, found.split, found.class_names) == (name, "all", ())


def test_labels_come_along_where_there_are_such(tmp_path):
    labels = np.array([2, 0, 1, 2, 4, 0, 0], np.uint8)
    np.savez("numbered.npz", PIXELS, labels)
    np.savez("named.npz", other=GREY, images=PIXELS, labels=labels)
    for name in ("numbered.npz", "named.npz"):
        found = arrays.load(tmp_path / name)
        assert found.labels.tolist() == labels.tolist()
        assert found.class_names == ("0", "1", "2", "3", "4")
        assert (found.images.numpy() == PIXELS).all()


def test_a_word_is_looked_up_without_reading_every_shipped_checkpoint(tmp_path, monkeypatch):
    """One that is broken is no matter to who names something else."""
    shipped = tmp_path / "shipped"
    for name in ("good", "broken"):
        (shipped / name).mkdir(parents=True)
        (shipped / name / "config.json").write_text("{")
    monkeypatch.setattr("duet.store.checkpoint.SHIPPED", shipped)
    pictures(tmp_path / "cats")
    assert open_source("cats", Opening()).image_shape == (1, 8, 8)
    pictures(tmp_path / "good")  # a shipped name goes before a folder that is no checkpoint
    with pytest.raises(CheckpointError, match=r"shipped.good.config\.json"):
        open_source("good", Opening())


def bomb(path):
    """A header that promises a terabyte."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**6, 1000, 1000)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)


BROKEN = {
    "floats.npy": (lambda p: np.save(p, PIXELS / 255), r"holds float64, wanted is uint8, 0\.\.255"),
    "wide.npy": (lambda p: np.save(p, PIXELS.astype(np.int64)), "holds int64, wanted is uint8"),
    "objects.npy": (lambda p: np.save(p, np.array([{}, 1], object)), "Python objects"),
    "objects.npz": (lambda p: np.savez(p, np.array([{}, 1], object)), "Python objects"),
    "pickled.npy": (lambda p: p.write_bytes(pickle.dumps(PIXELS)), "damaged, or not what its name"),
    "text.npz": (lambda p: p.write_text("no zip"), "damaged, or not what its name"),
    "flat.npy": (lambda p: np.save(p, PIXELS[0, 0]), r"\[12, 8\]; wanted is \[N, H, W\]"),
    "deep.npy": (lambda p: np.save(p, PIXELS[None]), r"wanted is \[N, H, W\]"),
    "two.npy": (lambda p: np.save(p, PIXELS[:, :2]), "with one or three channels"),
    "either.npy": (lambda p: np.save(p, PIXELS[..., :3]), "with one or three channels"),
    "none.npy": (lambda p: np.save(p, PIXELS[:0]), "holds no pictures"),
    "other.npz": (lambda p: np.savez(p, x_test=PIXELS), "holds x_test; .* images or arr_0"),
    "empty.npz": (np.savez, "holds nothing"),
    "fewer.npz": (lambda p: np.savez(p, PIXELS, np.arange(6)), r"labels of \[6\], .* \[7\]"),
    "below.npz": (lambda p: np.savez(p, PIXELS, np.arange(7) - 1), "labels from -1 to 5"),
    "above.npz": (lambda p: np.savez(p, PIXELS, np.arange(7) * 5000), "labels from 0 to 30000"),
    "halves.npz": (lambda p: np.savez(p, PIXELS, np.ones(7)), "holds float64, .* class numbers"),
    "bomb.npy": (bomb, "is larger than 4294967296 bytes"),
    "absent.npy": (lambda p: None, "does not exist"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_an_array_that_cannot_be_used_is_named(tmp_path, name):
    make, said = BROKEN[name]
    make(tmp_path / name)
    with pytest.raises(EvaluationError, match=said) as refused:
        open_source(name, Opening())
    assert name in str(refused.value)


def test_a_cut_array_is_refused(tmp_path):
    np.save("cut.npy", PIXELS)
    content = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(content[:-1])
    with pytest.raises(EvaluationError, match=r"cut\.npy is damaged"):
        open_source("cut.npy", Opening())


def test_an_array_is_not_converted():
    np.save("a.npy", GREY[:, :8])
    with pytest.raises(EvaluationError, match=r"colour rgb: a\.npy has 1 .* taken as it is"):
        open_source("a.npy", Opening(colour="rgb"))


def test_pictures_are_all_of_them_or_a_split(tmp_path):
    pictures(tmp_path / "cats", classes=("a", "b"), count=15)
    with zipfile.ZipFile("cats.zip", "w") as archive:
        for path in sorted((tmp_path / "cats").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path / "cats"))
    for name in ("cats", "cats.zip"):
        found = [open_source(f"{name}{end}", Opening()) for end in ("", ":train", ":test", ":all")]
        assert [len(source.origin) for source in found] == [30, 27, 3, 30]
        together = torch.cat([found[1].origin.images, found[2].origin.images])
        assert torch.equal(found[0].origin.images, together)
        assert found[0].training.sha256 == found[1].origin.sha256
        assert found[0].origin.class_names == ("a", "b")


def test_pictures_keep_their_size_unless_asked(tmp_path):
    """Training would make 40 pixels 32."""
    pictures(tmp_path / "cats", size=(40, 40))
    assert open_source("cats", Opening()).image_shape == (1, 40, 40)
    assert open_source("cats", Opening(image_size=32)).image_shape == (1, 32, 32)
    assert open_source("cats", Opening(colour="rgb")).image_shape == (3, 40, 40)


def mixed(folder):
    pictures(folder, size=(8, 8))
    pictures(folder, 3, size=(8, 12), first=20)


def damaged(folder):
    pictures(folder)
    (folder / "x.png").write_bytes((folder / "000.png").read_bytes()[:50])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (mixed, r"pictures of 2 sizes \(8×8: 20, 8×12: 3, …\).* --image-size"),
        (lambda f: pictures(f, size=(12, 8)), "of 12×8 pixels; squares .* --image-size"),
        (lambda f: pictures(f, size=(10, 10)), "of 10×10 pixels; .* multiple of 4"),
        (damaged, r"no checkpoint \(it has no config.json\), .* x.png \(damaged"),
        (lambda f: f.mkdir(), "holds no picture"),
        (lambda f: f.write_text("text"), "neither a folder of pictures nor a zip"),
    ],
)
def test_pictures_that_cannot_be_used_are_named(tmp_path, make, said):
    make(tmp_path / "cats")
    with pytest.raises(EvaluationError, match=said):
        open_source("cats", Opening())


def test_an_empty_zip_is_named(tmp_path):
    zipfile.ZipFile(tmp_path / "empty.zip", "w").close()
    with pytest.raises(EvaluationError, match=r"empty\.zip holds no picture"):
        open_source("empty.zip", Opening())


def test_damaged_pictures_may_be_left_out(tmp_path, capsys):
    damaged(tmp_path / "cats")
    assert len(open_source("cats", Opening(skip_broken=True)).origin) == 20
    assert "They are left out" in capsys.readouterr().err


def test_a_data_set_is_its_training_split_unless_told(toy_data):
    assert open_source("toy", Opening()).origin.sha256 == toy_data.sha256
    test = open_source("toy:test", Opening()).origin
    assert (test.split, len(test)) == ("test", 200)
    with pytest.raises(EvaluationError, match="unknown split 'all' of toy"):
        open_source("toy:all", Opening())


def test_checkpoints_are_what_the_library_loads(folder, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(sources.duet, "load", lambda text: asked.append(text) or duet_load(text))
    (tmp_path / "mnist-gan").mkdir()  # a shipped name goes before a folder that is no checkpoint
    assert open_source(str(folder), Opening()).origin.name == "tiny"
    assert open_source("mnist-gan", Opening()).image_shape == (1, 28, 28)
    with pytest.raises(duet.CheckpointError, match="no checkpoint at 'nope'"):
        open_source("nope", Opening())
    monkeypatch.setattr(sources.duet, "load", asked.append)
    open_source("you/name@v1", Opening())
    assert asked == [str(folder), "mnist-gan", "nope", "you/name@v1"]


duet_load = duet.load
