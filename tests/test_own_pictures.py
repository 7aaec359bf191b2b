"""The README's "Your own pictures", command by command, on small generated folders:
one with two classes, one without."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import duet
from demo import actions, catalogue
from duet.data.__main__ import main as data_main
from evaluation.__main__ import main as evaluation_main
from training.__main__ import main as training_main

pytestmark = pytest.mark.slow

README = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
MAINS = {"duet.data": data_main, "evaluation": evaluation_main, "training": training_main}
QUICK = ["--steps", "2", "--batch-size", "8", "--width", "2"]
TINY = {  # flags that make a command quick
    "audit": [], "gan": QUICK, "vae": QUICK, "train-extractor": ["--epochs", "1"], "reference": [],
    "measure": ["--samples", "100"], "card": [],
}
FOLDERS = {"classes": {"cat": 70, "Vögel": 50}, "none": {"": 120}}
SIDE = {"classes": 28, "none": 16}  # the first as it comes


def commands():
    """The section's Python commands up to the page, and the models that the page is given."""
    section = README.split("## Your own pictures in ten minutes\n")[1].split("\n## ")[0]
    lines = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0].splitlines()
    *before, page = [shlex.split(line, comments=True) for line in lines]
    assert page[1:] == ["make", "app"]
    return before, page[0].removeprefix("DUET_MODELS=")


def globbed(where, argument):
    """As a shell does."""
    return sorted(map(str, where.glob(argument))) if "*" in argument else [argument]


@pytest.fixture(scope="module", params=FOLDERS)
def line(request, tmp_path_factory):
    """(which folder, where its commands were run, what the page is given)."""
    where = tmp_path_factory.mktemp(request.param)
    rng = np.random.default_rng(0)
    for name, count in FOLDERS[request.param].items():
        folder = where / "my-pictures" / name
        folder.mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (31, 30, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    before, models = commands()
    assert {command[3] for command in before} == set(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        patch.setenv("DUET_CACHE", str(where / "cache"))
        for _, _, package, name, *arguments in before:
            named = [path for argument in arguments for path in globbed(where, argument)]
            size = ["--image-size", "16"] if request.param == "none" else []
            flags = TINY[name] + (size if "my-pictures" in arguments else [])
            assert MAINS[package]([name, *named, *flags]) == 0, name
        yield request.param, where, models


def test_the_readmes_path_ends_on_the_page(line):
    """Both models are one data set there, with the folder's classes, scored and carded."""
    kind, where, models = line
    assert "my-pictures" in (where / "audit.html").read_text(encoding="utf-8")
    offer = catalogue.load_sources(catalogue.listed(models))
    assert offer.problems == ()
    assert offer.datasets() == {"my-pictures": ["my-pictures-gan", "my-pictures-vae"]}
    assert offer.default_pair() == ("my-pictures-gan", "my-pictures-vae")
    assert offer.class_names() == (("Vögel", "cat") if kind == "classes" else ())
    for loaded in offer.checkpoints.values():
        drawn = actions.sample(loaded, count=2, seed=1).images
        assert drawn.shape == (2, 3, SIDE[kind], SIDE[kind])
        (measured,) = loaded.metrics.measurements
        assert measured.protocol.extractor.startswith("own-")
        assert measured.protocol.reference.images_sha256 == loaded.made_from.images_sha256
        # Which classes there are, a classifier knows; a network that tells turns does not.
        assert ("label_agreement" in measured.scores) == (kind == "classes")
        distance = measured.scores["frechet_distance"].value
        card = (loaded.folder / "README.md").read_text(encoding="utf-8")
        assert f"{distance:.3f}" in card
        assert f"120 pictures, {SIDE[kind]}×{SIDE[kind]} pixels in colour" in card


def test_its_scores_are_verified(line, monkeypatch):
    _, where, models = line
    monkeypatch.setenv("DUET_CACHE", str(where / "cache"))
    assert evaluation_main(["verify", *shlex.split(models)]) == 0


def test_its_gan_was_augmented_and_says_which_decoding_it_saw(line):
    kind, _, models = line
    settings = duet.load(shlex.split(models)[0]).training.settings
    known = {key: settings[key] for key in ("data", "image_size", "colour", "augment")}
    assert known == {
        "data": "my-pictures", "image_size": SIDE[kind], "colour": "rgb", "augment": "all",
    }
