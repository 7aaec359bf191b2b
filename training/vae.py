"""Our VAE's recipe: a calibrated Gaussian decoder and a learned prior.

The decoder's variance is one number at its optimum, the mean squared error itself (sigma-VAE,
Rybkin et al., 2021): reconstruction and KL are then weighed against each other by the likelihood
and not by a knob, and the mean that we show stays sharp.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from duet.core.domains import PIXELS
from duet.models.vae import VAE, VAEConfig
from training.config import BatchSize, ResidualTraining, Steps
from training.ema import averaged_copy
from training.losses import normal_log_density
from training.objective import Batch, Objective, Phase, detached
from training.schedule import inverse_square_root

DEPTH = 1
FLOW_LAYERS = 8


@dataclass(frozen=True)
class VAETraining(ResidualTraining):
    """Our class-conditional VAE for small images."""

    recipe: ClassVar[str] = "vae"
    # Narrower than the GAN's: the encoder ships too.
    widths: ClassVar[dict[float, int]] = {28: 48, 32: 32, 48: 24, math.inf: 20}

    steps: Steps = 8_000
    batch_size: BatchSize = 128
    learning_rate: float = 1e-3
    """Of Adam, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    latent_dim: int = 32
    """Dimensions of the latent."""


class VAEObjective(Objective):
    """Minimises the negative ELBO, -log p(x | z) + KL(q(z | x, y) || p(z | y)), the KL estimated
    from the one posterior sample that the reconstruction uses."""

    max_gradient_norm = 1000.0  # in nats an image; only a rare outlier batch is above

    def __init__(
        self, config: VAETraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = VAEConfig(
            image_shape, num_classes, config.latent_dim, config.width_for(image_shape), DEPTH,
            FLOW_LAYERS, stages=config.stages_for(image_shape), domain=domain,
        )
        self.model: VAE = VAE(shape)
        self.average = averaged_copy(self.model)
        self.optimizers = {
            "vae": torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        }

    def learning_rate(self, base: float, step: int) -> float:
        return inverse_square_root(base, step)

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            mean, log_variance = self.model.posterior(batch.images, batch.labels)
            z = mean + batch.noise * (0.5 * log_variance).exp()
            reconstruction = self.model.decoder(z, batch.labels)
        # The flow in full precision: it is cheap, and exponentials of bfloat16 are rough.
        noise, log_determinant = self.model.prior.inverse(z, batch.labels)
        kl = (
            normal_log_density(z, mean, log_variance)
            - normal_log_density(noise)
            - log_determinant
        ).mean()
        nll = self.model.domain.negative_log_likelihood(reconstruction, batch.images)
        loss = nll + kl
        yield Phase(
            minimise={"vae": loss}, report=detached(elbo=-loss, reconstruction=nll, kl=kl)
        )
