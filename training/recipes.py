"""The one list of recipes. To add one: one file, one row."""

from typing import Any, NamedTuple

from training.config import TrainConfig
from training.dcgan import DCGANTraining, dcgan_objective
from training.gan import GANObjective, GANTraining
from training.spatial_vae import vae_objective
from training.vae import VAETraining


class Recipe(NamedTuple):
    """A configuration and the objective it builds: objective(config, image_shape, num_classes,
    domain)."""

    config: type[TrainConfig]
    objective: Any


RECIPES: dict[str, Recipe] = {
    "dcgan": Recipe(DCGANTraining, dcgan_objective),
    "gan": Recipe(GANTraining, GANObjective),
    "vae": Recipe(VAETraining, vae_objective),
}
