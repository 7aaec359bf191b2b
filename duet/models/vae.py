"""Our VAE: the shared encoder and decoder, and a flow as the prior.

The model's latent, for whoever samples it, is the flow's standard normal noise: `decode` sends it
through the flow, then through the decoder; `encode` goes the other way. A learned prior closes the
gap between the aggregate posterior and the prior, which is where a VAE's bad samples come from
(Huang et al., "Learnable explicit density for continuous latent space", 2017; Dai & Wipf,
"Diagnosing and enhancing VAE models", 2019).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from duet.models.base import LatentModel
from duet.models.flow import ConditionalFlow
from duet.models.networks import ImageDecoder, ImageEncoder, ResidualConfig, activate

ENCODER_FEATURES = 256


@dataclass(frozen=True)
class VAEConfig(ResidualConfig):
    """The fields of the shared networks, and `flow_layers`: coupling layers of the prior (0:
    standard normal)."""

    flow_layers: int

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        **ResidualConfig.BOUNDS, "flow_layers": (0, 64),
    }


class VAE(LatentModel):
    """Class-conditional variational autoencoder (Kingma & Welling, 2014; Sohn et al., 2015)."""

    Config = VAEConfig
    title = "VAE"
    role = "variational"
    about = (
        "A class-conditional variational autoencoder: Gaussian decoder with calibrated variance "
        "(σ-VAE), normalising-flow prior, averaged weights. It also encodes images."
    )
    limits = (
        "Fine strokes break off, fade or blur, since the decoder's mean is shown. The ELBO is a "
        "bound on a density of continuous pixels; do not compare it with bits a pixel."
    )
    config: VAEConfig

    def __init__(self, config: VAEConfig) -> None:
        super().__init__(config)
        self.encoder = ImageEncoder(config, ENCODER_FEATURES)
        self.embed = nn.Embedding(max(config.num_classes, 1), ENCODER_FEATURES)
        self.to_posterior = nn.Linear(ENCODER_FEATURES, 2 * config.latent_dim)
        self.prior = ConditionalFlow(config.latent_dim, config.num_classes, config.flow_layers)
        self.decoder = ImageDecoder(config)

    def posterior(
        self, images: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images float [N, C, H, W] -> mean and log variance [N, latent_dim] of q(z | x, y)."""
        hidden = activate(self.encoder(images) + self.embed(labels))
        mean, log_variance = self.to_posterior(hidden).float().chunk(2, dim=1)
        return mean, log_variance.clamp(-14, 8)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.prior(z, labels), labels)

    def encode(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Images float [N, C, H, W] -> the latents z [N, latent_dim] that decode to the
        posterior mean's reconstruction."""
        return self.prior.inverse(self.posterior(images, labels)[0], labels)[0]
