"""The objectives' mathematics: tensors in, tensors out. Means over the batch, in nats."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def dcgan_discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy on logits [N]: -log s(real) - log(1 - s(fake)) (Goodfellow et al.,
    2014, equation 1)."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def dcgan_generator_loss(fake: torch.Tensor) -> torch.Tensor:
    """Non-saturating: -log s(fake) (Goodfellow et al., 2014, section 3)."""
    return F.softplus(-fake).mean()


def relativistic_loss(winner: torch.Tensor, loser: torch.Tensor) -> torch.Tensor:
    """softplus(-(winner - loser)) on paired logits [N]: the discriminator plays (real, fake), the
    generator (fake, real) (Jolicoeur-Martineau, 2018; Huang et al., "The GAN is dead", 2024,
    equation 2)."""
    return F.softplus(loser - winner).mean()


def gradient_penalty(
    discriminator: nn.Module, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """Zero-centred: E ||d D(x, y) / d x||^2. R1 on real images, R2 on generated ones (Mescheder
    et al., "Which training methods for GANs do actually converge?", 2018, equations 9 and 10)."""
    images = images.detach().requires_grad_()
    logits = discriminator(images, labels).float().sum()
    (gradient,) = torch.autograd.grad(logits, images, create_graph=True)
    return gradient.float().square().sum(dim=(1, 2, 3)).mean()


def normal_log_density(
    x: torch.Tensor, mean: torch.Tensor | float = 0.0, log_variance: torch.Tensor | None = None
) -> torch.Tensor:
    """log N(x; mean, exp(log_variance) I), x [N, D] -> [N]; the standard normal by default."""
    if log_variance is None:
        log_variance = torch.zeros_like(x)
    square = (x - mean).square() * (-log_variance).exp()
    return -0.5 * (square + log_variance + math.log(2 * math.pi)).sum(1)


def standard_normal_kl(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """KL(N(mean, exp(log_variance) I) || N(0, I)), [N, D] -> [N] (Kingma & Welling, "Auto-encoding
    variational Bayes", 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def flow_matching_loss(
    velocity: nn.Module, noise: torch.Tensor, z: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """1/2 E ||velocity(z_t, t, y) - (z - noise)||^2, z_t = (1 - t) noise + t z, an image's sum over
    its latents [N, C, H, W] (Lipman et al., "Flow matching for generative modeling", 2023, equation
    23 with sigma 0). Times are drawn from the standard logistic of a normal, which favours the
    middle, where it is hardest (Esser et al., "Scaling rectified flow transformers", 2024, equation
    19)."""
    times = torch.randn(len(z), device=z.device).sigmoid()
    way = times[:, None, None, None]
    found = velocity((1 - way) * noise + way * z, times, labels)
    return 0.5 * (found - (z - noise)).square().sum(dim=(1, 2, 3)).mean()
