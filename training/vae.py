"""Our VAE's recipe: a calibrated Gaussian decoder and a learned prior.

The decoder's variance is one number at its optimum, the mean squared error itself (sigma-VAE,
Rybkin et al., 2021): reconstruction and KL are then weighed against each other by the likelihood
and not by a knob, and the mean that we show stays sharp.
"""

from dataclasses import dataclass
from typing import ClassVar, cast

import torch

from duet.models import LatentModel
from duet.models.vae import VAE, VAEConfig
from training.config import TrainConfig
from training.ema import averaged_copy, update_average
from training.losses import normal_log_density
from training.objective import Losses, Objective, set_learning_rate

DEPTH = 1
FLOW_LAYERS = 8
MAX_GRADIENT_NORM = 1000.0  # in nats an image; only a rare outlier batch is above


@dataclass(frozen=True)
class VAETraining(TrainConfig):
    """Our class-conditional VAE for small images."""

    recipe: ClassVar[str] = "vae"

    steps: int = 8_000
    """Optimiser steps in all; with --resume, a larger number goes on training."""
    batch_size: int = 128
    """Images a step."""
    learning_rate: float = 1e-3
    """Of Adam, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    width: int = 48
    """Channels at half resolution, in both networks."""
    latent_dim: int = 32
    """Dimensions of the latent."""


class VAEObjective(Objective):
    """Minimises the negative ELBO, -log p(x | z) + KL(q(z | x, y) || p(z | y)), the KL estimated
    from the one posterior sample that the reconstruction uses."""

    def __init__(
        self, config: VAETraining, image_shape: tuple[int, int, int], num_classes: int
    ) -> None:
        super().__init__(config)
        self.settings = config
        self.model = VAE(
            VAEConfig(
                image_shape, num_classes, config.latent_dim, config.width, DEPTH, FLOW_LAYERS
            )
        )
        self.average = averaged_copy(self.model)
        self.optimizers = {
            "vae": torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        }

    @property
    def shipped(self) -> LatentModel:
        return cast(LatentModel, self.average)

    def step(self, step: int, images: torch.Tensor, labels: torch.Tensor) -> Losses:
        optimizer = self.optimizers["vae"]
        set_learning_rate(optimizer, self.settings.learning_rate, step)
        with self.autocast():
            mean, log_variance = self.model.posterior(images, labels)
            z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            reconstruction = self.model.decoder(z, labels)
        # The flow in full precision: it is cheap, and exponentials of bfloat16 are rough.
        noise, log_determinant = self.model.prior.inverse(z, labels)
        kl = (
            normal_log_density(z, mean, log_variance)
            - normal_log_density(noise)
            - log_determinant
        ).mean()
        nll = self.model.domain.negative_log_likelihood(reconstruction, images)
        loss = nll + kl
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MAX_GRADIENT_NORM)
        optimizer.step()
        update_average(self.average, self.model, step)
        return {"elbo": -loss.detach(), "reconstruction": nll.detach(), "kl": kl.detach()}
