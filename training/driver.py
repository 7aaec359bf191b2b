"""One training step, the same for every recipe: losses come from the objective, updates from here.

Gradients meet optimisers in `update` and nowhere else: there they are averaged over processes.
"""

from typing import NamedTuple

import torch

from training import processes
from training.ema import update_average
from training.objective import Batch, Losses, Objective


class Step(NamedTuple):
    """What a step tells: its losses by name, and the norms of the gradients that moved something,
    before they were clipped, by the names of their optimisers."""

    losses: Losses
    norms: Losses


def train_step(
    objective: Objective, step: int, images: torch.Tensor, labels: torch.Tensor,
    own_seed: int | None = None,
) -> Step:
    """Step number `step`, from 0, on images float [N, C, H, W] and labels int64 [N], this process's
    share of the batch.

    Draws the step's noise from torch's generator as it stands, which has to stand alike in all
    processes. `own_seed`: where it stands for whatever else is drawn, where that shall differ.
    """
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = objective.learning_rate(optimizer.defaults["lr"], step)
    shape = len(images) * processes.count(), objective.model.latent_dim
    noise = processes.share(torch.randn(shape, device=images.device))
    if own_seed is not None:
        torch.manual_seed(own_seed)
    told = Step({}, {})
    for phase in objective.phases(Batch(images, labels, noise)):
        told.norms.update(update(objective, phase.minimise))
        means = processes.average([*phase.report.values()])
        told.losses.update(zip(phase.report, means, strict=True))
    if objective.average is not None:
        update_average(objective.average, objective.model, step)
    return told


def update(objective: Objective, losses: Losses) -> Losses:
    """Move the parameters of each named optimiser down its own loss. All gradients are taken
    before anything moves. Returns their norms."""
    norms: Losses = {}
    for name, loss in losses.items():
        optimizer = objective.optimizers[name]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad()
        # Only along these: a generator's loss leaves no gradient in the discriminator it asks.
        loss.backward(inputs=parameters, retain_graph=len(losses) > 1)
        gradients = [p.grad for p in parameters if p.grad is not None]
        processes.average_(gradients)
        norms[name] = torch.nn.utils.get_total_norm(gradients)
        if objective.max_gradient_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(
                parameters, objective.max_gradient_norm, norms[name]
            )
    for name in losses:
        objective.optimizers[name].step()
    return norms
