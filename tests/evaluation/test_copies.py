"""The study of copies, from pictures to numbers, and its command."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

import duet
from duet.core.files import read_json, write_json
from duet.data import DATASETS, DataError, ImageSet
from duet.store import records
from duet.store.checkpoint import METRICS, save
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord
from evaluation.__main__ import main
from evaluation.commands import copies as command
from evaluation.copies import FEATURES, PIXELS, ROWS, SCALE, SHOWN, SPECTRUM, Ground, amplitudes
from evaluation.errors import EvaluationError
from evaluation.harness import Request
from evaluation.nearness import nearer_cells
from evaluation.real import real_images


@pytest.fixture
def asked():
    """Requests that the command's `draw` got."""
    return []


@pytest.fixture
def draws(monkeypatch, asked):
    """draws(images): the command's checkpoint draws those."""

    def set_images(images):
        def draw(checkpoint, request, device):
            asked.append(request)
            return images

        monkeypatch.setattr(command, "draw", draw)

    return set_images


def shifted(images: torch.Tensor) -> torch.Tensor:
    return images.roll((1, -1), dims=(2, 3))


def noisy(images: torch.Tensor) -> torch.Tensor:
    noise = torch.randint(-20, 21, images.shape, generator=torch.Generator().manual_seed(1))
    return (images.int() + noise).clamp(0, 255).to(torch.uint8)


@pytest.fixture(scope="module")
def fresh(mnist) -> ImageSet:
    """2,000 held-out digits, in random order: the file has its writers in turn."""
    test = mnist("test")
    chosen = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))[:2000]
    return dataclasses.replace(test, images=test.images[chosen], labels=test.labels[chosen])


@pytest.fixture(scope="module")
def digits(mnist, fresh, extractor) -> Ground:
    """A part of the real digits; half of the fresh ones are held out, the others left to draw."""
    train, test = (
        dataclasses.replace(whole, images=whole.images[:count], labels=whole.labels[:count])
        for whole, count in ((mnist("train"), 4000), (fresh, 1000))
    )
    return Ground(train, test, extractor)


def spaces(ground: Ground, images: torch.Tensor, checkpoint) -> dict:
    return ground.study(checkpoint, images, Request(len(images))).spaces


@pytest.fixture
def checkpoint():
    return duet.load("mnist-gan")


def test_fresh_digits_are_not_flagged(digits, fresh, checkpoint):
    found = spaces(digits, fresh.images[1000:], checkpoint)
    assert set(found) == {FEATURES, PIXELS, SPECTRUM}
    for scores in found.values():
        assert abs(scores.copying) < 1.5
        assert nearer_cells(scores) == 0
        assert scores.singled_out < 0.04
        assert abs(scores.authenticity_z) < 3


@pytest.mark.parametrize(
    ("change", "seen_in"), [(noisy, (FEATURES, PIXELS, SPECTRUM)), (shifted, (SPECTRUM,))]
)
def test_a_copier_of_digits_is_caught(digits, checkpoint, change, seen_in):
    found = spaces(digits, change(digits.train.images[::4]), checkpoint)
    for name in seen_in:
        assert found[name].copying < -3
        assert found[name].authenticity_z < -5
        assert found[name].singled_out > 0.05


def test_a_copier_of_one_digit_is_caught(digits, fresh, checkpoint):
    threes = digits.train.images[digits.train.labels == 3]
    others = fresh.images[1000:][fresh.labels[1000:] != 3]
    found = spaces(digits, torch.cat([others, noisy(threes[:100])]), checkpoint)
    assert all(nearer_cells(scores) >= 1 for scores in found.values())
    alone = spaces(digits, noisy(threes), checkpoint)
    assert all(scores.copying < -3 for scores in alone.values())


def test_amplitudes_do_not_see_a_shift():
    images = torch.randint(0, 256, (5, 3, 12, 10), dtype=torch.uint8)
    found = amplitudes(images)
    assert found.shape == (5, 3 * 12 * 6)
    assert amplitudes(torch.zeros(2, 1, 28, 28, dtype=torch.uint8)).shape == (2, 17 * 9)
    assert torch.allclose(found, amplitudes(images.roll((1, -3), dims=(2, 3))), atol=1e-4)
    assert not torch.allclose(found[0], found[1], atol=0.1)


def test_the_command_prints_and_keeps(folder, toy_data, draws, asked, capsys):
    draws(toy_data.images[:150])
    arguments = [str(folder), "--samples", "150", "--seed", "3"]
    assert main(["copies", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:2] == ["space", "C_T"]
    assert [line.rsplit("  ", 1)[0].split()[:4] for line in lines[1:4]] == [
        ["held-out", "half,", "toy", space] for space in (FEATURES, PIXELS, SPECTRUM)
    ]
    assert asked == [Request(150, 3, 1.0)]
    (kept,) = records.read(MetricsRecord, folder / METRICS).copies
    assert (kept.samples, kept.seed) == (150, 3)
    assert (kept.training.images, kept.held_out.images) == (300, 200)
    assert kept.training.sha256 == toy_data.sha256 != kept.held_out.sha256
    assert kept.spaces[PIXELS].authenticity == 0  # the training images themselves
    assert kept.spaces[PIXELS].distance == 0 < kept.spaces[PIXELS].held_out_distance
    assert kept.floor[PIXELS].copying > kept.spaces[PIXELS].copying

    assert main(["copies", *arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {str(folder): json.loads(json.dumps(dataclasses.asdict(kept)))}
    assert records.read(MetricsRecord, folder / METRICS).copies == (kept,)  # the same request


def copies_and_utility(folder):
    """Both studies of a checkpoint of the toy data, as small as may be."""
    small = ("--per-class", "2", "--generated", "3", "--repeats", "2", "--steps", "2")
    assert main(["copies", str(folder), "--samples", "150"]) == 0
    assert main(["utility", str(folder), *small]) == 0
    assert main(["measure", str(folder), "--samples", "120"]) == 0


def test_verify_makes_the_studies_again(folder, toy_data, reference, capsys, monkeypatch):
    copies_and_utility(folder)
    capsys.readouterr()
    assert main(["verify", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"{folder} (copies, 150 samples): as stored" in out
    assert f"{folder} (utility, 3 samples a class): as stored" in out

    assert main(["verify", str(folder), "--at-most", "120"]) == 0
    out, err = capsys.readouterr()
    assert out.count("as stored") == 1
    assert "its studies: left out by --at-most" in err

    whole = read_json(folder / METRICS)
    gain = whole["utility"][0]["gains"][0]["both"]
    space = whole["copies"][0]["spaces"][PIXELS]
    gain["value"], space["nearer"] = gain["value"] + 0.02, 1 - space["nearer"]
    whole["copies"][0]["held_out"]["sha256"] = "f" * 64
    write_json(folder / METRICS, whole)
    assert main(["verify", str(folder)]) == 1
    out = capsys.readouterr().out
    for words in (f"spaces.{PIXELS}.nearer: stored ", "gains.0.both.value: stored ",
                  f"held_out.sha256: stored {'f' * 64}"):
        assert words in out

    def absent(*arguments, **named):
        raise DataError("not here")

    monkeypatch.setattr("duet.data.load", absent)
    assert main(["verify", str(folder)]) == 0
    assert "its studies: not verified (the training images of" in capsys.readouterr().err


def test_neighbours_are_drawn(folder, toy_data, draws, tmp_path, capsys):
    """The copies come first, each beside the image that it is a copy of."""
    fresh = torch.randint(0, 256, (100, 1, 28, 28), dtype=torch.uint8)
    draws(torch.cat([fresh, toy_data.images[40 : 40 + ROWS]]))
    picture = tmp_path / "new" / "near.png"
    assert main(["copies", str(folder), "--samples", "112", "--neighbours", str(picture)]) == 0
    image = Image.open(picture)
    assert image.size == tuple(SCALE * (n * 30 + 2) for n in (1 + SHOWN, ROWS))
    first = image.crop((SCALE * 2, 0, SCALE * 30, image.height))
    second = image.crop((SCALE * 32, 0, SCALE * 60, image.height))
    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["FOLDER", "--samples", "99"], "--samples must be at least 100"),
        (["FOLDER", "--neighbours", "near.jpg"], "near.jpg: wanted is a file of .png"),
        (["FOLDER", "--neighbours", "/proc/near.png"], "/proc/near.png cannot be written"),
        (["FOLDER", "mnist-gan", "--neighbours", "near.png"], "draws the images of one checkpoint"),
        (["FOLDER", "--extractor", "nope"], "--extractor nope is unknown"),
        ([], "name at least one checkpoint"),
    ],
)
def test_what_cannot_be_studied_is_named(folder, capsys, arguments, said):
    arguments = [str(folder) if a == "FOLDER" else a for a in arguments]
    assert main(["copies", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert not (folder / METRICS).exists()


def test_absent_images_are_named(folder, monkeypatch, capsys):
    def absent(*arguments, **named):
        raise DataError("not here. Point DUET_DATA at a folder")

    monkeypatch.setattr("duet.data.load", absent)
    assert main(["copies", str(folder)]) == 2
    said = capsys.readouterr().err
    assert "the training images of tiny cannot be used: not here. Point DUET_DATA" in said


@pytest.mark.parametrize(
    ("made_from", "said"),
    [
        (DataRecord("toy", "Toy", tuple("0123456789"), images_sha256="f" * 64),
         "tiny was not made from the training images of toy, but from other images of toy"),
        (DataRecord("cats", "Cats", tuple("0123456789"), images_sha256="f" * 64),
         "tiny was made from pictures of somebody's own, cats; say by --data PATH"),
    ],
)
def test_other_images_are_refused(tmp_path, tiny_gan, toy_data, capsys, made_from, said):
    path = tmp_path / "other"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=made_from)
    assert main(["copies", str(path), "--extractor", "mnist"]) == 2
    assert said in capsys.readouterr().err


def test_a_set_with_hardly_any_held_out_images_is_refused(folder, toy_data, monkeypatch, capsys):
    load = DATASETS["toy"].load

    def few(root, split, download):
        found = load(root, split, download)
        count = len(found) if split == "train" else 39
        return ImageSet("toy", split, found.images[:count], found.labels[:count], found.class_names)

    monkeypatch.setitem(DATASETS, "toy", dataclasses.replace(DATASETS["toy"], load=few))
    assert main(["copies", str(folder)]) == 2
    assert "toy holds out 39 images; at least 40 are wanted" in capsys.readouterr().err
    monkeypatch.setattr("evaluation.real.MIN_HELD_OUT", 39)
    _, test = real_images(duet.load(folder), None, None, False)
    assert len(test) == 39


def test_coloured_images_are_asked_for_and_absent_ones_named(monkeypatch):
    """The held-out ones too, by their own name."""
    model = SimpleNamespace(image_shape=(3, 32, 32))
    made_from = SimpleNamespace(name="cifar10", images_sha256=None)
    asked = []

    def load(name, split, *given, **named):
        asked.append(named["colour"])
        if split == "test":
            raise DataError("not here")
        return SimpleNamespace(name="cifar10", sha256="0")

    monkeypatch.setattr("duet.data.load", load)
    checkpoint = SimpleNamespace(model=model, made_from=made_from, name="a")
    with pytest.raises(EvaluationError, match="the held-out images of a cannot be used: not h"):
        real_images(checkpoint, None, None, False)
    assert asked == ["rgb", "rgb"]
    made_from.name = "svhn"
    with pytest.raises(EvaluationError, match="not made from the training images of svhn"):
        real_images(checkpoint, None, None, False)
