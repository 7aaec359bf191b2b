"""Which fields of a configuration decide the weights."""

import dataclasses
import math

import pytest

from duet.core.files import read_json
from duet.models.gan import GAN
from duet.models.vae import VAE
from duet.store.weights import tensor_bytes, without_storage
from training.config import TrainConfig, TrainingError
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


@pytest.mark.parametrize("name", ["mnist-gan", "mnist-vae"])
def test_defaults_build_the_shipped_networks(root, name):
    shipped = read_json(root / "checkpoints" / name / "config.json")["config"]
    recipe = RECIPES[name.removeprefix("mnist-")]
    width = read_json(root / "checkpoints" / name / "training.json")["settings"]["width"]
    objective = recipe.objective(recipe.config(width=width), (1, 28, 28), 10)
    built = dataclasses.asdict(objective.shipped.config)
    assert built | {"image_shape": [*built["image_shape"]]} == shipped


def test_the_dcgan_takes_the_tutorials_fifty_epochs():
    assert RECIPES["dcgan"].config().steps == -(-50 * 60_000 // 256)


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("gan", {"batch_size": 1}), ("vae", {"batch_size": 1}), ("dcgan", {"batch_size": 2}),
        ("gan", {"penalty": 0.0}), ("gan", {"steps": 1, "save_every": 1, "width": 1, "stages": 1}),
        ("vae", {"latent_dim": 1}),
    ],
)
def test_the_least_that_works_is_taken(recipe, settings):
    assert RECIPES[recipe].config(**settings)


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        (recipe, {name: 0})
        for recipe in ("gan", "vae")
        for name in ("steps", "batch_size", "save_every", "width", "stages")
    ]
    + [("vae", {"latent_dim": 0}), ("dcgan", {"batch_size": 0}), ("dcgan", {"batch_size": 1})],
)
def test_less_is_refused(recipe, settings):
    (name,) = settings
    with pytest.raises(TrainingError, match=f"^--{name.replace('_', '-')} must be at least "):
        RECIPES[recipe].config(**settings)


@pytest.mark.parametrize("value", [math.inf, math.nan, -0.5])
def test_rates_and_weights_are_finite_and_not_negative(value):
    for name, said in (("learning_rate", "must be positive"), ("penalty", "must not be negative")):
        with pytest.raises(TrainingError, match=f"^--{name.replace('_', '-')} {said}"):
            RECIPES["gan"].config(**{name: value})


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
    assert width % 4 == 0
    assert width == 48 or size(width + 4) > 10e6
    assert dataclasses.replace(config, width=7).width_for(shape) == 7


@pytest.mark.parametrize(("side", "stages"), [(28, 2), (32, 3), (48, 3), (64, 4)])
def test_stages_suit_a_size(side, stages):
    config = RECIPES["gan"].config()
    assert config.stages_for((3, side, side)) == stages
    assert dataclasses.replace(config, stages=2).stages_for((3, side, side)) == 2


def test_other_sizes_take_the_next_row():
    """Up to a row's side; the larger side decides."""
    for recipe, sides, widths in (
        ("gan", (8, 32, 33, 48, 49, 128), [48, 48, 44, 44, 36, 36]),
        ("vae", (8, 28, 29, 32, 33, 48, 49, 128), [48, 48, 32, 32, 24, 24, 20, 20]),
    ):
        config = RECIPES[recipe].config()
        assert [config.width_for((1, 8, side)) for side in sides] == widths
        assert [config.width_for((1, side, 8)) for side in sides] == widths


def test_what_the_pictures_decide_is_recorded(toy_data):
    config = RECIPES["gan"].config(data="toy").resolved().suited(toy_data)
    settings = config.weight_settings()
    known = {key: settings[key] for key in ("data", "image_size", "colour", "width", "stages")}
    assert known == {"data": "toy", "image_size": 28, "colour": "grey", "width": 48, "stages": 2}
    assert config.suited(toy_data) == config
