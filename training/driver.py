"""One training step, the same for every recipe: losses come from the objective, updates from here.

Gradients meet optimisers in `update` and nowhere else: it is the place to sum them over parts of a
batch, and to average them over processes.
"""

import torch

from training.ema import update_average
from training.objective import Batch, Losses, Objective


def train_step(
    objective: Objective, step: int, images: torch.Tensor, labels: torch.Tensor
) -> Losses:
    """Step number `step`, from 0, on images float [N, C, H, W] and labels int64 [N].

    Draws the step's noise from torch's generator as it stands. Returns the losses by name.
    """
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = objective.learning_rate(optimizer.defaults["lr"], step)
    noise = torch.randn(len(images), objective.model.latent_dim, device=images.device)
    report: Losses = {}
    for phase in objective.phases(Batch(images, labels, noise)):
        update(objective, phase.minimise)
        report |= phase.report
    if objective.average is not None:
        update_average(objective.average, objective.model, step)
    return report


def update(objective: Objective, losses: Losses) -> None:
    """Move the parameters of each named optimiser down its own loss. All gradients are taken
    before anything moves."""
    for name, loss in losses.items():
        optimizer = objective.optimizers[name]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad()
        # Only along these: a generator's loss leaves no gradient in the discriminator it asks.
        loss.backward(inputs=parameters, retain_graph=len(losses) > 1)
        if objective.max_gradient_norm is not None:
            torch.nn.utils.clip_grad_norm_(parameters, objective.max_gradient_norm)
    for name in losses:
        objective.optimizers[name].step()
