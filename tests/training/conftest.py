"""Tiny runs on toy images."""

import pytest

from training.loop import train
from training.recipes import RECIPES

SIZES = {"gan": {"width": 4}, "vae": {"width": 4, "latent_dim": 6}, "dcgan": {}}


@pytest.fixture
def run(toy_data, tmp_path):
    """run("gan", "name", steps=4) trains below tmp_path and returns the run folder."""

    def start(recipe, name, **settings):
        defaults = {"data": "toy", "batch_size": 8, "device": "cpu", "save_every": 2}
        config = RECIPES[recipe].config(
            **defaults | SIZES[recipe] | {"out": tmp_path / name} | settings
        )
        train(config, "the command")
        return tmp_path / name

    return start
