"""One training step, the same for every recipe: losses come from the objective, updates from here.

Gradients meet optimisers in `move` and nowhere else: by then they are summed over the parts of a
batch, and there they are averaged over processes.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch

from duet.core.ranks import count
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
    own_seed: int | None = None, parts: int = 1,
) -> Step:
    """Step number `step`, from 0, on images float [N, C, H, W] and labels int64 [N], this process's
    share of the batch, taken in `parts` one after the other.

    Draws the step's noise from torch's generator as it stands, which has to stand alike in all
    processes. `own_seed`: where it stands for whatever else is drawn, where that shall differ.
    """
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = objective.learning_rate(optimizer.defaults["lr"], step)
    shape = len(images) * count(), objective.model.latent_dim
    noise = processes.share(torch.randn(shape, device=images.device))
    if own_seed is not None:
        torch.manual_seed(own_seed)
    told = Step({}, {})
    batch = Batch(images, labels, noise)
    dealt = [Batch(*(values[part::parts] for values in batch)) for part in range(parts)]
    running = [objective.phases(part) for part in dealt]
    for first in running[0]:
        # The same phase of every part; its graph goes before the next part's is made.
        take_gradients(objective, first.minimise, parts)
        reports = [first.report]
        for phases in running[1:]:
            phase = next(phases)
            take_gradients(objective, phase.minimise, parts, further=True)
            reports.append(phase.report)
        told.norms.update(move(objective, first.minimise))
        told.losses.update(_mean(reports))
    if objective.average is not None:
        update_average(objective.average, objective.model, step)
    return told


def take_gradients(
    objective: Objective, losses: Losses, parts: int = 1, further: bool = False
) -> None:
    """Let each named optimiser's parameters have the gradients of its own loss, of one of `parts`;
    those of a `further` part come on top."""
    for name, loss in losses.items():
        if not further:
            objective.optimizers[name].zero_grad()
        # Only along these: a generator's loss leaves no gradient in the discriminator it asks.
        (loss / parts).backward(
            inputs=_parameters(objective, name), retain_graph=len(losses) > 1
        )


def move(objective: Objective, names: Iterable[str]) -> Losses:
    """Move the parameters of each named optimiser down their gradients, which were all taken before
    anything moves. Returns the gradients' norms."""
    norms: Losses = {}
    for name in names:
        parameters = _parameters(objective, name)
        gradients = [p.grad for p in parameters if p.grad is not None]
        processes.average_(gradients)
        norms[name] = torch.nn.utils.get_total_norm(gradients)
        if objective.max_gradient_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(
                parameters, objective.max_gradient_norm, norms[name]
            )
    for name in names:
        objective.optimizers[name].step()
    return norms


def _parameters(objective: Objective, name: str) -> list[torch.Tensor]:
    return [p for group in objective.optimizers[name].param_groups for p in group["params"]]


def _mean(reports: list[Losses]) -> Losses:
    """Of the parts of a batch, over all processes."""
    values = [torch.stack([report[name] for report in reports]).mean() for name in reports[0]]
    return dict(zip(reports[0], processes.average(values), strict=True))
