"""The one list of recipes. To add one: one file, one row."""

from typing import Any, NamedTuple

from training.config import TrainConfig
from training.dcgan import DCGANObjective, DCGANTraining
from training.gan import GANObjective, GANTraining
from training.vae import VAEObjective, VAETraining


class Recipe(NamedTuple):
    """A configuration and the objective it builds: objective(config, image_shape, num_classes,
    domain)."""

    config: type[TrainConfig]
    objective: Any


RECIPES: dict[str, Recipe] = {
    "dcgan": Recipe(DCGANTraining, DCGANObjective),
    "gan": Recipe(GANTraining, GANObjective),
    "vae": Recipe(VAETraining, VAEObjective),
}
