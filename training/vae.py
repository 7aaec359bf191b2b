"""Our VAE's recipe for a latent vector: a calibrated Gaussian decoder and a learned prior. That for
a grid of latents is training/spatial_vae.py.

The decoder's variance is one number at its optimum, the mean squared error itself (sigma-VAE,
Rybkin et al., 2021): reconstruction and KL are then weighed against each other by the likelihood
and not by a knob, and the mean that we show stays sharp.
"""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from typing_extensions import Doc, Self

from duet.core.domains import PIXELS
from duet.data import ImageSet
from duet.models.networks import ResidualConfig
from duet.models.spatial_vae import MOST_GUIDANCE
from duet.models.vae import VAE, VAEConfig
from training.config import OPERATIONAL, BatchSize, ResidualTraining, Steps, TrainingError
from training.ema import averaged_copy
from training.losses import normal_log_density
from training.objective import Batch, DecayingObjective, Phase, detached
from training.processes import whole

DEPTH = 1
FLOW_LAYERS = 8
VECTOR_DIM, GRID_CHANNELS = 32, 8


@dataclass(frozen=True)
class VAETraining(ResidualTraining):
    """Our class-conditional VAE for small images."""

    recipe: ClassVar[str] = "vae"
    # Narrower than the GAN's: the encoder ships too.
    widths: ClassVar[dict[float, int]] = {28: 48, 32: 32, 48: 24, math.inf: 20}
    grid_widths: ClassVar[dict[float, int]] = {48: 44, math.inf: 20}

    steps: Steps = 8_000
    batch_size: BatchSize = 128
    learning_rate: float = 1e-3
    """Of Adam, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    latent: Literal["auto", "vector", "spatial"] = "auto"
    """Form of the latent: vector, best for digits and drawings; spatial, a small grid with a prior
    by flow matching; auto: spatial for colour."""
    latent_dim: int | None = None
    """Dimensions of the latent (default: 32 as a vector, 8 a place as a grid)."""
    guidance: Annotated[
        float, OPERATIONAL,
        Doc("How typical of its class a sample of the spatial latent shall be; 1: as the data."),
    ] = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.guidance <= MOST_GUIDANCE:
            raise TrainingError(
                f"--guidance must be a number in 1..{MOST_GUIDANCE:g}, not {self.guidance}"
            )

    def suited(self, images: ImageSet) -> Self:
        shape = images.image_shape
        return dataclasses.replace(
            super().suited(images), latent="spatial" if self.is_spatial(shape) else "vector",
            latent_dim=self.latent_dim_for(shape),
        )

    def is_spatial(self, image_shape: tuple[int, int, int]) -> bool:
        """Whether the latent is a grid: as asked, else for colour."""
        return self.latent == "spatial" or (self.latent == "auto" and image_shape[0] > 1)

    def latent_dim_for(self, image_shape: tuple[int, int, int]) -> int:
        if not self.is_spatial(image_shape):
            return self.latent_dim or VECTOR_DIM
        _, height, width = image_shape
        stages = self.stages_for(image_shape)
        return self.latent_dim or GRID_CHANNELS * (height >> stages) * (width >> stages)

    def stages_for(self, image_shape: tuple[int, int, int]) -> int:
        """For a grid one less than for a vector, whose coarsest stage the prior has for itself."""
        stages = super().stages_for(image_shape)
        if self.stages or not self.is_spatial(image_shape):
            return stages
        return max(stages - 1, ResidualConfig.BOUNDS["stages"][0])

    def widths_for(self, image_shape: tuple[int, int, int]) -> dict[float, int]:
        return self.grid_widths if self.is_spatial(image_shape) else self.widths


class VAEObjective(DecayingObjective):
    """Minimises the negative ELBO, -log p(x | z) + KL(q(z | x, y) || p(z | y)), the KL estimated
    from the one posterior sample that the reconstruction uses."""

    max_gradient_norm = 1000.0  # in nats an image; only a rare outlier batch is above

    def __init__(
        self, config: VAETraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = VAEConfig(
            image_shape, num_classes, config.latent_dim_for(image_shape),
            config.width_for(image_shape), DEPTH, FLOW_LAYERS,
            stages=config.stages_for(image_shape), domain=domain,
        )
        self.model: VAE = VAE(shape)
        self.average = averaged_copy(self.model)
        self.optimizers = {
            "vae": torch.optim.Adam(self.model.parameters(), lr=config.learning_rate)
        }

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
        # A variance of the whole batch, wherever its images are.
        nll = self.model.domain.negative_log_likelihood(whole(reconstruction), whole(batch.images))
        loss = nll + kl
        yield Phase(
            minimise={"vae": loss}, report=detached(elbo=-loss, reconstruction=nll, kl=kl)
        )
