"""Anything against anything: references stored, cached or drawn, and what is measured."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

import duet
from duet import data
from duet.data import ImageSet
from duet.store.checkpoint import METRICS
from evaluation import against as against_module
from evaluation import measuring
from evaluation.__main__ import main
from evaluation.against import open_against
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor
from evaluation.harness import Request
from evaluation.sources import Opening, Source

ASKED = Request(150, seed=1)


class Fake(torch.nn.Module):
    """Brightness and contrast, as features and as logits of ten classes."""

    def forward(self, images):
        x = images.float() / 255
        features = torch.stack([x.mean(dim=(1, 2, 3)), x.std(dim=(1, 2, 3), correction=0)], 1)
        return features, torch.nn.functional.pad(features, (0, 8))


@pytest.fixture
def fake():
    return Extractor("fake", Fake(), "0" * 64, None, torch.device("cpu"))


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def array(path, count=130, seed=0, shape=(28, 28)):
    """Ten blocks of ever brighter pictures, as a sorted set has them."""
    rng = np.random.default_rng(seed)
    level = np.linspace(0, 200, count).astype(np.uint8).reshape(-1, *(1,) * len(shape))
    np.save(path, rng.integers(0, 50, (count, *shape)).astype(np.uint8) + level)
    return str(path)


def written(monkeypatch):
    """The names of all sets that are extracted as references from now on."""
    names, write = [], against_module.write

    def spy(path, images, extractor):
        names.append(images.name)
        write(path, images, extractor)

    monkeypatch.setattr(against_module, "write", spy)
    return names


def test_a_stored_reference_needs_no_images(folder, reference, monkeypatch, capsys):
    assert main(["measure", str(folder), "--samples", "150", "--json"]) == 0
    default = json.loads(capsys.readouterr().out)[str(folder)]
    (folder / METRICS).unlink()
    monkeypatch.setattr(data, "load", lambda *_, **__: pytest.fail("opened"))
    told = ["measure", str(folder), "--samples", "150", "--against", "toy"]
    assert main([*told, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[str(folder)] == default
    assert not (folder / METRICS).exists()  # of a run with --against nothing is kept


def test_anything_is_measured_against_anything(folder, reference, tmp_path, capsys):
    """A checkpoint, an array and a folder in one table, against a test split; figure and Markdown
    too; printed only."""
    array("a.npy", 150)
    (tmp_path / "cats").mkdir()
    for number, pixels in enumerate(np.load("a.npy")):
        Image.fromarray(pixels).save(tmp_path / "cats" / f"{number}.png")
    sources = [str(folder), "a.npy", "cats"]
    told = ["measure", *sources, "--samples", "150", "--against", "toy:test"]
    assert main([*told, "--markdown", "--plot", "out.png"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("| model | FID ↓ |")
    rows = {line.split(" | ")[0].strip("| "): line.split(" | ")[1] for line in shown[2:]}
    assert set(rows) == {"tiny", "a.npy", "cats"}
    assert rows["a.npy"] == rows["cats"] != rows["tiny"]  # the same pictures
    with Image.open("out.png") as figure:
        assert min(figure.size) > 400
    assert not (folder / METRICS).exists()


def test_of_fewer_pictures_there_is_a_table_of_their_own(folder, reference, capsys):
    array("few.npy", 120)
    told = ["measure", str(folder), "few.npy", "--samples", "150", "--against", "toy"]
    assert main(told) == 0
    captured = capsys.readouterr()
    tables = captured.out.split("\n\n")
    named = [line.split()[0] for line in captured.out.splitlines() if line[:1].strip()]
    assert len(tables) == 4  # headlines and details, twice
    assert [name for name in named if name in ("model", "tiny", "few.npy")] == [
        "model", "tiny", "model", "few.npy",
    ]
    assert "few.npy holds 120 pictures: its scores compare" in captured.err


def test_real_images_frame_what_is_compared_with_their_training_split(
    folder, reference, toy_data, capsys
):
    main(["reference", "--data", "toy"])
    capsys.readouterr()
    array("a.npy", 150)
    assert main(["measure", "a.npy", "--samples", "150", "--against", "toy"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("real held-out images")
    assert main(["measure", "a.npy", "--samples", "150", "--against", "toy:test"]) == 0
    assert "real held-out images" not in capsys.readouterr().out


def test_a_reference_is_extracted_once(toy_data, fake, monkeypatch):
    names = written(monkeypatch)
    first = open_against("toy:test", Opening(), "fake").reference(fake, ASKED)
    again = open_against("toy:test", Opening(), "fake").reference(fake, ASKED)
    assert names == ["toy"]
    assert torch.equal(first.features.features, again.features.features)
    assert (first.about.data, first.about.split, first.about.images) == ("toy", "test", 200)
    assert first.about == again.about
    other = dataclasses.replace(fake, weights_sha256="1" * 64)
    open_against("toy:test", Opening(), "fake").reference(other, ASKED)
    assert names == ["toy", "toy"]


def test_it_belongs_to_the_pictures_and_not_to_their_name(tmp_path, fake, monkeypatch):
    names = written(monkeypatch)
    for name, seed in (("a.npy", 0), ("b.npy", 0), ("c.npy", 1)):
        array(tmp_path / name, seed=seed)
        found = open_against(name, Opening(), "fake").reference(fake, ASKED)
        assert found.about.data == name
    assert names == ["a.npy", "c.npy"]
    pixels = np.load("c.npy")  # labels decide which features are kept
    for name, labels in (("d.npz", np.arange(130) % 2), ("e.npz", np.arange(130) % 3)):
        np.savez(name, pixels, labels)
        open_against(name, Opening(), "fake").reference(fake, ASKED)
    assert names[2:] == ["d.npz", "e.npz"]


def test_runs_at_the_same_time_extract_once(tmp_path, fake, monkeypatch):
    names = written(monkeypatch)
    array(tmp_path / "a.npy")
    asked = [open_against("a.npy", Opening(), "fake") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda each: each.reference(fake, ASKED), asked))
    assert names == ["a.npy"]
    assert len({reference.about.sha256 for reference in found}) == 1


def test_several_processes_do_not_wait_for_each_other(tmp_path, fake, monkeypatch):
    array(tmp_path / "a.npy")
    asked = open_against("a.npy", Opening(), "fake")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(EvaluationError, match="let one process do so"):
        asked.reference(fake, ASKED)
    monkeypatch.setenv("WORLD_SIZE", "1")
    asked.reference(fake, ASKED)
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert asked.reference(fake, ASKED).about.images == 130


def test_a_damaged_cache_is_named(tmp_path, fake):
    array(tmp_path / "a.npy")
    asked = open_against("a.npy", Opening(), "fake")
    asked.reference(fake, ASKED)
    (path,) = (tmp_path / "cache" / "references").glob("*/*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EvaluationError, match=f"delete {path}, and it is extracted again"):
        asked.reference(fake, ASKED)


def test_a_model_is_compared_with_other_samples_of_itself(folder, fake, monkeypatch):
    names = written(monkeypatch)
    asked = open_against(str(folder), Opening(), "fake")
    found = asked.reference(fake, ASKED)
    again = asked.reference(fake, ASKED)
    asked.reference(fake, Request(151, seed=1))
    assert names == ["tiny", "tiny"]
    assert (found.about.data, found.about.split, found.about.images) == ("tiny", "samples", 150)
    assert found.about.sha256 == again.about.sha256
    expected, _ = Fake()(duet.load(folder).sample(150, seed=1))
    mean = expected.double().mean(0).numpy()
    np.testing.assert_allclose(found.features.statistics["mu"], mean, rtol=1e-6)


def test_the_command_draws_the_reference_from_another_stream(folder, reference, capsys):
    told = ["measure", str(folder), "--samples", "150", "--against", str(folder), "--json"]
    assert main(told) == 0
    (found,) = json.loads(capsys.readouterr().out).values()
    assert found["scores"]["frechet_distance"]["value"] > 1e-6
    assert found["protocol"]["reference"]["split"] == "samples"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.npy"], "a.npy does not say what it should be like; say so by --against"),
        (["few.npy", "--against", "toy"], "few.npy holds 99 pictures; at least 100 are needed"),
        (["a.npy", "--against", "few.npy", "--extractor", "mnist"],
         "few.npy holds 99 pictures; at least 100 are needed"),
        (["rgb.npy", "--against", "toy"],
         "rgb.npy has 28×28 pixels in colour, toy has 28×28 pixels grey"),
        (["small.npy", "--against", "toy:test"],
         "small.npy has 8×8 pixels grey, toy:test has 28×28"),
        (["rgb.npy", "--against", "rgb.npy", "--extractor", "mnist"],
         "takes images of (1, 28, 28), rgb.npy holds (3, 28, 28)"),
        (["a.npy", "--against", "a.npy"], "no extractor serves a.npy; train one"),
        (["a.npy", "--against", "nope"], "no checkpoint at 'nope'"),
        (["a.npy", "--json", "--markdown"], "--json and --markdown: choose one"),
        (["a.npy", "--plot", "out.txt"], "wanted is a file of .png, .svg, .pdf"),
        (["a.npy", "--plot", "file/out.png"], "--plot file/out.png cannot be written"),
    ],
)
def test_what_cannot_be_compared_is_named(toy_data, tmp_path, capsys, monkeypatch, arguments, said):
    monkeypatch.setattr(measuring, "extract_set", lambda *_: pytest.fail("measured"))
    (tmp_path / "file").touch()
    for name, count, shape in (("a", 130, (28, 28)), ("few", 99, (28, 28)),
                               ("small", 130, (8, 8)), ("rgb", 130, (28, 28, 3))):
        array(tmp_path / f"{name}.npy", count, shape=shape)
    assert main(["measure", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_labels_count_where_they_mean_the_extractors_classes(toy_data, reference, extractor):
    def meant(labels, names):
        images = ImageSet("x", "all", toy_data.images, labels, names)
        return measuring._meant(images, extractor, reference)

    digits = tuple("0123456789")
    assert torch.equal(meant(toy_data.labels, digits), toy_data.labels)
    assert torch.equal(meant(toy_data.labels % 3, digits[:3]), toy_data.labels % 3)  # by number
    assert meant(toy_data.labels * 0, ()) is None
    assert meant(toy_data.labels % 2, ("cat", "dog")) is None
    with pytest.raises(EvaluationError, match="x has labels up to 10, toy only 10 classes"):
        meant(toy_data.labels, tuple(map(str, range(11))))
    elsewhere = dataclasses.replace(extractor, name="inception")
    images = ImageSet("x", "all", toy_data.images, toy_data.labels, digits)
    assert measuring._meant(images, elsewhere, reference) is None


def test_parts_of_pictures_are_disjoint_and_mixed(tmp_path, monkeypatch):
    """Of a sorted set: each part sees dark and bright ones."""
    array(tmp_path / "a.npy", 330)
    source = Source("a.npy", measuring.open_all(["a.npy"], Opening())[0].origin)
    monkeypatch.setattr(measuring, "measure_pictures", lambda images, *_: images.images)
    work = measuring.Work(source, None, None, None)
    parts = list(work.repeated([Request(110, seed) for seed in (5, 6, 7)]))
    assert [len(part) for part in parts] == [110] * 3
    everything = {image.numpy().tobytes() for part in parts for image in part}
    assert len(everything) == 330
    for part in parts:
        assert 90 < part.float().mean() < 160
    others = list(work.repeated([Request(110, seed=6)]))
    assert not torch.equal(parts[0], others[0])


def test_an_extractor_trained_on_the_folder_serves_all_of_it(tmp_path, monkeypatch):
    """It is known by the training part; measured against is the whole."""
    rng = np.random.default_rng(0)
    (tmp_path / "cats").mkdir()
    for number in range(110):
        pixels = rng.integers(0, 256, (8, 8)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "cats" / f"{number}.png")
    training = data.load("cats", image_size=8)
    found = open_against("cats", Opening(), "auto")
    assert len(found.source.origin) == 110
    assert [images.images_sha256 for images in found.sets] == [
        found.source.origin.sha256, training.sha256,
    ]
    assert found.floor is None
    assert open_against("cats:train", Opening(), "auto").floor.images_sha256 == training.sha256
