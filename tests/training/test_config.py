"""Which fields of a configuration decide the weights."""

import dataclasses
import math

import pytest
import torch

from duet.core.files import read_json
from duet.data import ImageSet
from duet.models.gan import GAN
from duet.models.spatial_vae import SpatialVAE
from duet.models.vae import VAE
from duet.store.weights import tensor_bytes, without_storage
from training.config import TrainConfig, TrainingError
from training.recipes import RECIPES
from training.spatial_vae import FLOW_STEPS, PRIOR_DEPTH, PRIOR_WIDTH

OPERATIONAL = {
    "data_dir", "out", "steps", "device", "save_every", "resume", "push_to_hub", "dry_run",
    "licence", "credit", "eval_every", "show_every", "log_with", "retry",
}


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_field_decides_the_weights_unless_it_is_marked(recipe):
    config = RECIPES[recipe].config()
    fields = {field.name for field in dataclasses.fields(config)}
    own = {"guidance"} if recipe == "vae" else set()
    assert set(config.weight_settings()) == fields - OPERATIONAL - own


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


@pytest.mark.parametrize(("guidance", "fits"), [(1.0, True), (10.0, True), (0.9, False),
                                                (10.1, False)])
def test_guidance_is_in_1_to_10(guidance, fits):
    if fits:
        assert RECIPES["vae"].config(guidance=guidance).guidance == guidance
    else:
        with pytest.raises(TrainingError, match="--guidance must be a number in"):
            RECIPES["vae"].config(guidance=guidance)


def test_a_run_is_saved_every_500_steps_unless_told():
    assert {recipe.config().save_every for recipe in RECIPES.values()} == {500}


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


def model_of(recipe, config, shape, width):
    """(class, configuration) of a model of ten classes and that width."""
    shared = {"stages": config.stages_for(shape)}
    if recipe == "gan":
        return GAN, GAN.Config(shape, 10, 64, width, 1, **shared)
    latent_dim = config.latent_dim_for(shape)
    if config.is_spatial(shape):
        prior = PRIOR_WIDTH, PRIOR_DEPTH, FLOW_STEPS
        return SpatialVAE, SpatialVAE.Config(shape, 10, latent_dim, width, 1, *prior, **shared)
    return VAE, VAE.Config(shape, 10, latent_dim, width, 1, 8, **shared)


@pytest.mark.parametrize(("channels", "side"), SIDES)
@pytest.mark.parametrize("recipe", ["gan", "vae", "vae vector"])
def test_default_sizes_make_checkpoints_of_at_most_ten_megabytes(recipe, channels, side):
    """And the widest such, in fours, up to 48; a narrow network leaves quality on the table."""
    recipe, *latent = recipe.split()
    shape = (channels, side, side)
    config = RECIPES[recipe].config(**({"latent": latent[0]} if latent else {}))

    def size(width):
        return tensor_bytes(without_storage(*model_of(recipe, config, shape, width)))

    width = config.width_for(shape)
    assert size(width) < 10e6
    assert width % 4 == 0
    assert width == 48 or size(width + 4) > 10e6
    assert dataclasses.replace(config, width=7).width_for(shape) == 7


@pytest.mark.parametrize(
    ("shape", "latent", "stages", "latent_dim"),
    [
        ((1, 28, 28), "vector", 2, 32), ((1, 32, 32), "vector", 3, 32),
        ((3, 28, 28), "spatial", 2, 8 * 7 * 7), ((3, 16, 16), "spatial", 2, 8 * 4 * 4),
        ((3, 32, 32), "spatial", 2, 8 * 8 * 8), ((3, 48, 48), "spatial", 2, 8 * 12 * 12),
        ((3, 64, 64), "spatial", 3, 8 * 8 * 8), ((3, 72, 72), "spatial", 2, 8 * 18 * 18),
    ],
)
def test_the_form_of_the_latent_suits_the_pictures(shape, latent, stages, latent_dim):
    config = RECIPES["vae"].config()
    images = ImageSet("x", "train", torch.zeros(2, *shape, dtype=torch.uint8),
                      torch.zeros(2, dtype=torch.int64), ())
    chosen = config.suited(images)
    assert (chosen.latent, chosen.stages, chosen.latent_dim) == (latent, stages, latent_dim)
    assert chosen.suited(images) == chosen
    objective = RECIPES["vae"].objective(dataclasses.replace(config, width=4), shape, 0)
    found = objective.model.config
    assert isinstance(objective.model, SpatialVAE if latent == "spatial" else VAE)
    assert (found.stages, found.latent_dim) == (stages, latent_dim)


def test_the_form_of_the_latent_may_be_asked_for():
    config = RECIPES["vae"].config(latent="spatial", width=4, latent_dim=32, guidance=3)
    model = RECIPES["vae"].objective(config, (1, 16, 16), 2).model
    assert (model.config.latent_shape, model.config.guidance) == ((2, 4, 4), 3)
    config = RECIPES["vae"].config(latent="vector", width=4)
    assert RECIPES["vae"].objective(config, (3, 16, 16), 2).model.latent_dim == 32
    with pytest.raises(TrainingError, match=r"--guidance must be a number in 1\.\.10, not nan"):
        RECIPES["vae"].config(guidance=math.nan)


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
