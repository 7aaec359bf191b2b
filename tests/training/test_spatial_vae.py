"""Runs of the VAE with a grid of latents, on small pictures of colour."""

import json
from dataclasses import replace

import pytest
import torch

import duet
from duet.data import DATASETS, DataSet, Facts, ImageSet
from training.loop import train
from training.recipes import RECIPES

CLASSES = ("a", "b", "c")
CONFIG, WEIGHTS = "checkpoint/config.json", "checkpoint/model.safetensors"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """run("name", steps=3) trains on 30 pictures, sorted by class and unbalanced."""
    images = torch.randint(0, 256, (30, 3, 16, 16), dtype=torch.uint8)
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([4, 9, 17]))
    colours = ImageSet("colours", "train", images, labels, CLASSES)
    facts = Facts("colours", "Colours", CLASSES, "Noise")
    monkeypatch.setitem(DATASETS, "colours", DataSet(facts, lambda *_: colours))
    config = RECIPES["vae"].config(
        data="colours", batch_size=7, width=4, device="cpu", save_every=2, latent_dim=32
    )

    def start(name, **settings):
        train(replace(config, out=tmp_path / name, **settings), "the command")
        return tmp_path / name

    return start


def test_resumed_equals_unbroken_bit_for_bit(run):
    unbroken = run("a", steps=5)
    run("b", steps=2)
    resumed = run("b", steps=5, resume=True)
    assert (unbroken / WEIGHTS).read_bytes() == (resumed / WEIGHTS).read_bytes()
    loaded = duet.load(unbroken / "checkpoint")
    assert loaded.architecture == "vae-spatial"
    assert loaded.training.settings["latent"] == "spatial"
    assert loaded.sample(3, label=2).shape == (3, 3, 16, 16)


def test_a_finished_run_takes_another_guidance(run):
    """Its weights stay; what they draw does not."""
    folder = run("a", steps=2)
    before, weights = json.loads((folder / CONFIG).read_text()), (folder / WEIGHTS).read_bytes()
    run("a", steps=2, resume=True, guidance=3.5)
    after = json.loads((folder / CONFIG).read_text())
    assert (before["config"].pop("guidance"), after["config"].pop("guidance")) == (2.0, 3.5)
    assert before == after
    assert (folder / WEIGHTS).read_bytes() == weights
    assert duet.load(folder / "checkpoint").model.prior.guidance == 3.5


def test_a_grid_that_cannot_be_is_named(run, tmp_path):
    with pytest.raises(duet.DuetError, match="does not suit vae: latent_dim must be a multiple"):
        run("a", steps=1, latent_dim=9)
    assert not (tmp_path / "a").exists()
