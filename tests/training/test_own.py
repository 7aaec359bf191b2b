"""Own pictures in training: folders with classes and without, resumed, moved, changed, refused."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import duet
from duet import data
from duet.core.errors import DuetError
from duet.core.files import read_json
from duet.data import DATASETS, DataSet, Facts, ImageSet
from duet.store import records
from duet.store.run import RunRecord
from training.__main__ import main
from training.config import TrainingError
from training.loop import train
from training.recipes import RECIPES

FAST = ["--batch-size", "4", "--steps", "2", "--width", "2", "--device", "cpu", "--save-every", "1"]


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def pictures(folder, counts, mode="RGB", seed=0):
    """Noise of 20x24 pixels: counts {"cat": 5} a class, {"": 5} without."""
    rng = np.random.default_rng(seed)
    for name, count in counts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (20, 24, 3)).astype(np.uint8)
            Image.fromarray(pixels).convert(mode).save(folder / name / f"{number}.png")
    return folder


def test_a_folder_of_classes_becomes_a_checkpoint_that_says_so(tmp_path, capsys):
    """The default run folder has the set's plain name; records hold facts, hash and decoding."""
    folder = pictures(tmp_path / "Haus tiere!", {"Kätzchen": 9, "dog": 5})
    assert main(["gan", "--data", str(folder), "--image-size", "16", *FAST]) == 0
    run = tmp_path / "runs" / "Haus-tiere-gan"
    assert capsys.readouterr().out.strip() == str((run / "checkpoint").relative_to(tmp_path))
    made = duet.load(run / "checkpoint")
    images = data.load(str(folder), image_size=16)
    assert made.name == "Haus-tiere-gan"
    assert made.made_from.images_sha256 == images.sha256
    assert (made.data, made.made_from.title) == ("Haus-tiere", "Haus tiere!")
    assert made.class_names == ("Kätzchen", "dog")
    assert made.model.num_classes == 2
    begun = records.read(RunRecord, run / "run.json")
    assert begun.data == made.made_from
    for settings in (begun.settings, made.training.settings):
        known = {key: settings[key] for key in ("data", "image_size", "colour", "skip_broken")}
        assert known == {
            "data": "Haus-tiere", "image_size": 16, "colour": "rgb", "skip_broken": False,
        }
    assert made.model.sample(2, label=1).shape == (2, 3, 16, 16)


def test_the_pictures_path_need_not_be_unicode(tmp_path, capsys):
    """As on a disk from a machine of another encoding: records hold a text in their place."""
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder = pictures(place / "pets", {"": 9})
    given = ["gan", "--data", str(folder), "--data-dir", str(place), "--image-size", "16", *FAST]
    assert main([*given, "--out", str(place / "run")]) == 2  # before anything is written
    assert "caf\ufffd/run is no UTF-8" in capsys.readouterr().err
    assert not (place / "run").exists()
    assert main([*given, "--out", str(tmp_path / "run")]) == 0
    begun = records.read(RunRecord, tmp_path / "run" / "run.json")
    assert begun.settings["data_dir"].endswith("/caf\ufffd")
    assert "caf\ufffd/pets" in begun.command


@pytest.mark.parametrize("recipe", ["gan", "vae"])
def test_a_folder_without_classes_trains_unconditionally(tmp_path, recipe):
    folder = pictures(tmp_path / "heaps", {"": 8})
    flags = ["--data", str(folder), "--image-size", "8", "--colour", "grey"]
    assert main([recipe, *flags, *FAST]) == 0
    made = duet.load(tmp_path / "runs" / f"heaps-{recipe}" / "checkpoint")
    assert (made.model.num_classes, made.model.image_shape) == (0, (1, 8, 8))
    assert made.class_names == ()


def test_what_is_broken_is_named_or_left_out(tmp_path, capsys):
    folder = pictures(tmp_path / "heaps", {"": 8})
    (folder / "notes.txt").write_text("no picture")
    flags = ["gan", "--data", str(folder), "--image-size", "8", *FAST]
    assert main(flags) == 2
    assert "notes.txt" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert main([*flags, "--skip-broken"]) == 0


def test_a_set_too_small_for_a_batch_names_the_mend(tmp_path, capsys):
    folder = pictures(tmp_path / "heaps", {"": 8})
    flags = ["gan", "--data", str(folder), "--image-size", "8"]
    assert main(flags) == 2
    said = capsys.readouterr().err
    assert "--batch-size 64 is more than the 7 images of heaps to train on" in said
    assert "pass --batch-size 4, or add pictures" in said
    assert not (tmp_path / "runs").exists()


def test_a_run_goes_on_with_the_same_pictures_wherever_they_are(tmp_path, capsys):
    folder = pictures(tmp_path / "heaps", {"": 8})
    flags = ["gan", "--data", "heaps", "--image-size", "8", *FAST, "--resume", "--steps"]
    assert main([*flags[:-2]]) == 0
    (tmp_path / "elsewhere").mkdir()
    moved = tmp_path / "elsewhere" / "heaps"
    folder.rename(moved)
    flags[2] = str(moved)
    assert main([*flags, "3"]) == 0
    assert read_json(tmp_path / "runs/heaps-gan/checkpoint/training.json")["steps"] == 3
    renamed = moved.rename(tmp_path / "elsewhere" / "piles")
    flags[2] = str(renamed)
    out = [*flags[:-1], "--out", "runs/heaps-gan", "--save-every", "5", "--steps"]
    for steps in ("4", "5"):
        assert main([*out, steps]) == 0
    made = duet.load(tmp_path / "runs/heaps-gan/checkpoint")
    assert (made.training.steps, made.training.settings["data"], made.data) == (5, "heaps", "piles")
    renamed.rename(moved)
    flags[2] = str(moved)
    shutil.rmtree(moved)
    pictures(moved, {"": 8}, seed=1)
    capsys.readouterr()
    assert main([*flags, "6"]) == 2
    assert "was trained on other pictures than heaps holds now" in capsys.readouterr().err
    assert main([*flags, "6", "--image-size", "16"]) == 2
    assert "was trained with --image-size 8 --background" in capsys.readouterr().err


def test_a_name_that_no_record_can_keep_is_refused_early(toy_data, monkeypatch, tmp_path):
    named = ImageSet("toy", "train", toy_data.images, toy_data.labels, ("a\nb", *"123456789"))
    facts = Facts("toy", "Toy", named.class_names, "")
    monkeypatch.setitem(DATASETS, "toy", DataSet(facts, lambda *_: named))
    with pytest.raises(DuetError, match="class_names"):
        train(RECIPES["gan"].config(data="toy", out=tmp_path / "run"), "the command")
    assert not (tmp_path / "run").exists()


def test_published_sets_refuse_another_size(toy_data, tmp_path):
    with pytest.raises(DuetError, match=r"^image_size 32: toy has 28"):
        train(RECIPES["gan"].config(data="toy", image_size=32, out=tmp_path / "run"), "")




def test_the_dcgan_draws_colour(tmp_path, capsys):
    folder = pictures(tmp_path / "heaps", {"a": 6, "b": 6})
    flags = ["dcgan", "--data", str(folder), "--batch-size", "4", "--steps", "3", "--device", "cpu"]
    assert main([*flags, "--image-size", "16"]) == 0
    made = duet.load(tmp_path / "runs" / "heaps-dcgan" / "checkpoint")
    assert (made.architecture, made.model.image_shape) == ("dcgan-radford", (3, 16, 16))
    assert (made.model.num_classes, made.class_names) == (0, ("a", "b"))
    assert made.training.settings["learning_rate"] == 2e-4
    again = [*flags, "--image-size", "16", "--out", str(tmp_path / "b")]
    assert main([*again, "--steps", "1"]) == 0
    assert main([*again, "--resume"]) == 0
    weights = [f / "checkpoint/model.safetensors" for f in (tmp_path / "b", made.folder.parent)]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    capsys.readouterr()
    assert main([*flags, "--image-size", "48", "--out", str(tmp_path / "c")]) == 2
    assert "does not suit dcgan: a DCGAN draws" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_licence_and_credit_of_own_pictures_reach_the_card(tmp_path, capsys):
    folder = pictures(tmp_path / "cats", {"": 12})
    owed = ["--licence", "cc-by-4.0", "--credit", "Drawn by Kim"]
    assert main(["gan", "--data", str(folder), "--image-size", "16", *FAST, *owed]) == 0
    made = duet.load(tmp_path / "runs" / "cats-gan" / "checkpoint")
    assert (made.made_from.licence, made.made_from.credit) == ("cc-by-4.0", "Drawn by Kim")
    card = (made.folder / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card
    assert "Licence: cc-by-4.0, which holds for the weights too.\nDrawn by Kim." in card

    capsys.readouterr()  # what decides no weight may be put right later
    owed = ["--licence", "cc0-1.0", "--resume"]
    assert main(["gan", "--data", str(folder), "--image-size", "16", *FAST, *owed]) == 0
    again = duet.load(made.folder)
    assert (again.made_from.licence, again.made_from.credit) == ("cc0-1.0", "")
    assert again.weights_sha256 == made.weights_sha256


@pytest.mark.parametrize("flag", ["licence", "credit"])
def test_what_is_owed_for_a_registered_set_is_on_record(toy_data, flag):
    config = RECIPES["gan"].config(data="toy", **{flag: "mine"})
    with pytest.raises(TrainingError, match=f"--{flag} is for own pictures; toy's own are on"):
        train(config, "command")
    assert not config.run_folder.exists()
