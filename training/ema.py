"""The average of the weights over training, which is what we ship."""

import copy
from typing import TypeVar

import torch
from torch import nn

EXPONENT = 6.94  # a relative width of 10 % of the training so far

Network = TypeVar("Network", bound=nn.Module)


def averaged_copy(network: Network) -> Network:
    """A frozen copy to be kept up by `update_average`."""
    return copy.deepcopy(network).requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, step: int) -> None:
    """Power-function average: beta = (1 - 1/t)^(exponent + 1), t = step + 1 (Karras et al., 2024,
    section 3.1, equation 4). Scale-free: it needs no horizon, forgets the start by itself, and is
    right at whatever step the run ends. Buffers are copied: the running statistics of a
    normalisation are averages themselves, and a count cannot be averaged."""
    beta = (1 - 1 / (step + 1)) ** (EXPONENT + 1)
    for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(weight, 1 - beta)
    for kept, buffer in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(buffer)
