"""Which fields of a configuration decide the weights."""

import dataclasses

import pytest

from training.config import TrainConfig
from training.recipes import RECIPES

OPERATIONAL = {
    "data_dir", "out", "steps", "device", "save_every", "resume", "push_to_hub", "dry_run",
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_field_decides_the_weights_unless_it_is_marked(recipe):
    config = RECIPES[recipe].config()
    fields = {field.name for field in dataclasses.fields(config)}
    assert set(config.weight_settings()) == fields - OPERATIONAL


def test_a_new_field_decides_the_weights():
    @dataclasses.dataclass(frozen=True)
    class Other(TrainConfig):
        novelty: int = 3

    assert Other().weight_settings()["novelty"] == 3
