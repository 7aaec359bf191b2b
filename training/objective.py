"""What the loop needs of an objective: networks, optimisers and one training step."""

import torch
from torch import nn

from duet.models import LatentModel
from training.config import TrainConfig

Losses = dict[str, torch.Tensor]  # name -> detached scalar


class Objective(nn.Module):
    """Networks as submodules, optimisers in `optimizers`: together the whole training state.

    A subclass builds them from its configuration, an image shape and a number of classes.
    """

    optimizers: dict[str, torch.optim.Optimizer]

    def __init__(self, config: TrainConfig) -> None:
        super().__init__()
        self.config = config

    @property
    def shipped(self) -> LatentModel:
        """The model that samples: the averaged one where there is one."""
        raise NotImplementedError

    def step(self, step: int, images: torch.Tensor, labels: torch.Tensor) -> Losses:
        """One update from images float [N, C, H, W] in [-1, 1] and labels int64 [N].

        `step` counts from 0. Returns the losses by name.
        """
        raise NotImplementedError

    def autocast(self) -> torch.autocast:
        device_type = next(self.parameters()).device.type
        return torch.autocast(
            device_type, torch.bfloat16, enabled=self.config.precision == "bfloat16"
        )


def set_learning_rate(optimizer: torch.optim.Optimizer, base: float, step: int) -> None:
    """Inverse square root decay without a horizon, so that a run may be stopped or prolonged at
    any step (Karras et al., "Analyzing and improving the training dynamics of diffusion models",
    2024, equation 67): full rate for the first `decay_from` steps, then 1/sqrt(step)."""
    decay_from, warm_up = 2000, 100
    rate = base * min(1.0, (step + 1) / warm_up) / max(1.0, step / decay_from) ** 0.5
    for group in optimizer.param_groups:
        group["lr"] = rate
