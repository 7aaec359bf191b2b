"""Our VAE's recipe for colour: an autoencoder with a grid of latents, its prior by flow matching.

Three networks learn side by side, each by its own loss, so that a run may be stopped or prolonged
at any step: the features that judge (training/features.py), the autoencoder, the prior. The
prior learns on latents of the *averaged* encoder, the one that ships: they hardly move from step
to step. An image costs the autoencoder as much as the prior, which has the harder task: the
former sees a part of the batch.
"""

from collections.abc import Iterator

import torch

from duet.core.domains import PIXELS
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from training.ema import averaged_copy
from training.features import Features, perceptual_nll, rotation_loss
from training.losses import flow_matching_loss, standard_normal_kl
from training.objective import Batch, DecayingObjective, Objective, Phase, detached, frozen
from training.processes import whole
from training.vae import DEPTH, VAEObjective, VAETraining

PRIOR_WIDTH, PRIOR_DEPTH, FLOW_STEPS = 64, 2, 8
AUTOENCODER_SHARE = 2  # of the batch: one in so many
LABELS_DROPPED = 0.1  # the prior learns them as "any", for guidance


class SpatialVAEObjective(DecayingObjective):
    """The autoencoder minimises -log p(x | z) + KL(q(z | x) || N(0, I)), under the calibrated
    Gaussian, and the perceptual term: no ELBO any more, which the log tells without that term. The
    prior learns q(z), the mixture of all posteriors, from samples of it."""

    max_gradient_norm = VAEObjective.max_gradient_norm

    def __init__(
        self, config: VAETraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = SpatialVAEConfig(
            image_shape, num_classes, config.latent_dim_for(image_shape),
            config.width_for(image_shape), DEPTH, PRIOR_WIDTH, PRIOR_DEPTH, FLOW_STEPS,
            stages=config.stages_for(image_shape), domain=domain, guidance=config.guidance,
        )
        self.model: SpatialVAE = SpatialVAE(shape)
        self.average: SpatialVAE = averaged_copy(self.model)
        self.features = Features(shape)
        autoencoder = [*self.model.encoder.parameters(), *self.model.decoder.parameters()]
        learners = {
            "features": self.features.parameters(), "autoencoder": autoencoder,
            "prior": self.model.prior.parameters(),
        }
        self.optimizers = {
            name: torch.optim.Adam(parameters, lr=config.learning_rate)
            for name, parameters in learners.items()
        }

    def phases(self, batch: Batch) -> Iterator[Phase]:
        images = batch.images[: max(1, len(batch.images) // AUTOENCODER_SHARE)]
        yield self.features_phase(images)
        yield self.autoencoder_phase(images)
        yield self.prior_phase(batch)

    def features_phase(self, images: torch.Tensor) -> Phase:
        with self.autocast():
            loss = rotation_loss(self.features, images)
        return Phase({"features": loss}, detached(rotation=loss))

    def autoencoder_phase(self, images: torch.Tensor) -> Phase:
        with self.autocast():
            mean, log_variance = self.model.posterior(images)
            z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
            reconstruction = self.model.decoder(z)
        with self.autocast(), frozen(self.features):
            perceptual = perceptual_nll(self.features, reconstruction, images)
        nll = self.model.domain.negative_log_likelihood(whole(reconstruction), whole(images))
        kl = standard_normal_kl(mean.flatten(1), log_variance.flatten(1)).mean()
        return Phase(
            {"autoencoder": nll + kl + perceptual},
            detached(elbo=-(nll + kl), reconstruction=nll, kl=kl, perceptual=perceptual),
        )

    def prior_phase(self, batch: Batch) -> Phase:
        with self.autocast(), torch.no_grad():
            mean, log_variance = self.average.posterior(batch.images)
            z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        dropped = torch.rand(len(z), device=z.device) < LABELS_DROPPED
        labels = torch.where(dropped, self.model.num_classes, batch.labels)
        with self.autocast():
            loss = flow_matching_loss(
                self.model.prior.velocity, batch.noise.view_as(z), z, labels
            )
        return Phase({"prior": loss}, detached(prior=loss))


def vae_objective(
    config: VAETraining, image_shape: tuple[int, int, int], num_classes: int,
    domain: str = PIXELS,
) -> Objective:
    """The objective of the latent that suits images of that shape."""
    form = SpatialVAEObjective if config.is_spatial(image_shape) else VAEObjective
    return form(config, image_shape, num_classes, domain)
