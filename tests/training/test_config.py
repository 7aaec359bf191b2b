"""Which fields of a configuration decide the weights."""

import dataclasses

import pytest

from duet.models.gan import GAN
from duet.models.vae import VAE
from duet.store.weights import tensor_bytes, without_storage
from training.config import TrainConfig
from training.recipes import RECIPES

OPERATIONAL = {
    "data_dir", "out", "steps", "device", "save_every", "resume", "push_to_hub", "dry_run",
    "licence", "credit",
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


SIDES = [(1, 28), (3, 28), (3, 32), (3, 48), (3, 64)]


@pytest.mark.parametrize(("channels", "side"), SIDES)
@pytest.mark.parametrize("recipe", ["gan", "vae"])
def test_default_sizes_make_checkpoints_of_at_most_ten_megabytes(recipe, channels, side):
    """And the widest such, in fours, up to 48; a narrow network leaves quality on the table."""
    shape, model = (channels, side, side), {"gan": GAN, "vae": VAE}[recipe]
    config = RECIPES[recipe].config()
    rest = {"gan": (64,), "vae": (32,)}[recipe]

    def size(width):
        flow = (8,) if recipe == "vae" else ()
        stages = config.stages_for(shape)
        made = model.Config(shape, 10, *rest, width, 1, *flow, stages=stages)
        return tensor_bytes(without_storage(model, made))

    width = config.width_for(shape)
    assert size(width) < 10e6
    assert width == 48 or size(width + 4) > 10e6
    assert dataclasses.replace(config, width=7).width_for(shape) == 7


@pytest.mark.parametrize(("side", "stages"), [(28, 2), (32, 3), (48, 3), (64, 4)])
def test_stages_suit_a_size(side, stages):
    config = RECIPES["gan"].config()
    assert config.stages_for((3, side, side)) == stages
    assert dataclasses.replace(config, stages=2).stages_for((3, side, side)) == 2


def test_other_sizes_take_the_next_row():
    config = RECIPES["gan"].config()
    assert [config.width_for((1, 8, side)) for side in (8, 36, 128)] == [48, 44, 36]


def test_what_the_pictures_decide_is_recorded(toy_data):
    config = RECIPES["gan"].config(data="toy").resolved().suited(toy_data)
    settings = config.weight_settings()
    known = {key: settings[key] for key in ("data", "image_size", "colour", "width", "stages")}
    assert known == {"data": "toy", "image_size": 28, "colour": "grey", "width": 48, "stages": 2}
    assert config.suited(toy_data) == config
