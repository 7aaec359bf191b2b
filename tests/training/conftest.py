"""Tiny runs on toy images."""

import shutil

import pytest

from training.loop import train
from training.recipes import RECIPES

SIZES = {"gan": {"width": 4}, "vae": {"width": 4, "latent_dim": 6}, "dcgan": {}}


def start(recipe, out, **settings):
    """Train a recipe on the toy images, small and quickly."""
    defaults = {
        "data": "toy", "batch_size": 8, "device": "cpu", "save_every": 2, "out": out,
        "precision": "float32",  # a CPU with bfloat16 is slow in it where channels are few
    }
    train(RECIPES[recipe].config(**defaults | SIZES[recipe] | settings), "the command")
    return out


@pytest.fixture
def run(toy_data, tmp_path):
    """run("gan", "name", steps=4) trains below tmp_path and returns the run folder."""
    return lambda recipe, name, **settings: start(recipe, tmp_path / name, **settings)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory):
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def finished(run, _finished, tmp_path):
    """A copy, to be damaged, of the run folder of 2 steps of the GAN: tmp_path/"run"."""
    if not _finished.exists():
        start("gan", _finished, steps=2)
    return shutil.copytree(_finished, tmp_path / "run")
