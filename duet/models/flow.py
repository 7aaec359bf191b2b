"""A class-conditional normalising flow over latents, the VAE's learned prior."""

import torch
import torch.nn.functional as F
from torch import nn

HIDDEN = 128
MAX_LOG_SCALE = 2.0


class Coupling(nn.Module):
    """Affine coupling: half of the dimensions scale and shift the other half (Dinh et al.,
    "Density estimation using Real NVP", 2017, equations 4-8). The identity at the start."""

    def __init__(self, dim: int, num_classes: int, flip: bool) -> None:
        super().__init__()
        self.flip = flip
        self.kept = dim // 2
        moved = dim - self.kept
        self.hidden = nn.Linear(self.kept, HIDDEN)
        self.embed = nn.Embedding(max(num_classes, 1), HIDDEN)
        self.middle = nn.Linear(HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, 2 * moved)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def _scale_and_shift(
        self, kept: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = F.silu(self.hidden(kept) + self.embed(labels))
        raw, shift = self.out(F.silu(self.middle(hidden))).chunk(2, dim=1)
        return MAX_LOG_SCALE * torch.tanh(raw / MAX_LOG_SCALE), shift

    def forward(self, noise: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        noise = noise.flip(1) if self.flip else noise
        kept, moved = noise[:, : self.kept], noise[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept, labels)
        z = torch.cat([kept, moved * log_scale.exp() + shift], dim=1)
        return z.flip(1) if self.flip else z

    def inverse(
        self, z: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        z = z.flip(1) if self.flip else z
        kept, moved = z[:, : self.kept], z[:, self.kept :]
        log_scale, shift = self._scale_and_shift(kept, labels)
        noise = torch.cat([kept, (moved - shift) * (-log_scale).exp()], dim=1)
        return (noise.flip(1) if self.flip else noise), -log_scale.sum(1)


class ConditionalFlow(nn.Module):
    """Standard normal noise [N, dim] and labels [N] <-> latents [N, dim] of p(z | y)."""

    def __init__(self, dim: int, num_classes: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Coupling(dim, num_classes, flip=bool(i % 2)) for i in range(layers)]
        )

    def forward(self, noise: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            noise = layer(noise, labels)
        return noise

    def inverse(
        self, z: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents -> (noise [N, dim], log |det d noise / d z| [N])."""
        log_determinant = z.new_zeros(len(z))
        for layer in reversed(self.layers):
            z, term = layer.inverse(z, labels)  # type: ignore[operator]  # ModuleList forgets types
            log_determinant = log_determinant + term
        return z, log_determinant
