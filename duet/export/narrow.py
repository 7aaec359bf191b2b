"""Weights as narrow as the pictures allow: a file that travels should not carry idle digits.

A weight becomes a whole number of steps, one step size a row, and is multiplied out again where it
is used, so every runtime computes in float32. How many bits that takes is found by trying: what it
costs is measured in grey levels, not assumed.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import nn
from torch.nn.utils import parametrize

# Grey levels that the whole may cost. Below 1, so that two roundings never lie two levels apart.
MOST_LEVELS = 0.95
BITS = range(8, 16)  # 16 would need a coarse half of 128, which int8 has not got
SMALLEST = 1024  # smaller tensors stay as they are: they hardly weigh

Place = tuple[nn.Module, str]


class FixedPoint(nn.Module):
    """Weights as whole numbers of `bits` bits, in two int8 tensors, coarse and fine, and a float32
    step for each row. Apart they compress: the coarse half is nearly all zero."""

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.most = 2 ** (bits - 1) - 1

    def right_inverse(self, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
        largest = weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True)
        step = (largest / self.most * (1 + 2**-8)).bfloat16().float()  # few digits, never too small
        whole = (weight / step.clamp_min(torch.finfo(torch.float32).tiny)).round().int()
        coarse = (whole + 128) >> 8
        return coarse.to(torch.int8), (whole - 256 * coarse).to(torch.int8), step

    def forward(
        self, coarse: torch.Tensor, fine: torch.Tensor, step: torch.Tensor
    ) -> torch.Tensor:
        return (coarse.float() * 256 + fine.float()) * step


@torch.no_grad()
def narrow(model: nn.Module, draws: Sequence[Callable[[], torch.Tensor]]) -> None:
    """Store the weights of `model` in fixed point, in place, in as few bits as let none of `draws`,
    each -> pixels in [0, 255], move anywhere by more than MOST_LEVELS.

    At first so fine that a quarter of that suffices. Then coarser tensor by tensor, the largest
    first, judged by the one draw that moved most, since a draw may take seconds. Where that was too
    coarse for another draw, the smallest are made fine again, which costs least, until it is not. A
    model that no number of bits is enough for stays as it is."""
    exact = [draw() for draw in draws]
    weights = {
        (module, name): weight.detach()
        for module in model.modules()
        for name, weight in _own_tensors(module)
        if weight.numel() >= SMALLEST and weight.is_floating_point()
    }

    def store(places: list[Place], bits: int) -> None:
        for place in places:
            _store(*place, weights[place], bits)

    def error(number: int) -> float:
        return (draws[number]() - exact[number]).abs().max().item()

    largest_first = sorted(weights, key=lambda place: -weights[place].numel())
    for fine in BITS:
        store(largest_first, fine)
        errors = list(_below(MOST_LEVELS / 4, map(error, range(len(draws)))))
        if len(errors) == len(draws):
            break
    else:
        for place in largest_first:
            _restore(*place, weights[place])
        return
    judge = errors.index(max(errors))
    for place in largest_first:
        for bits in BITS:
            store([place], bits)
            if bits == fine or error(judge) < MOST_LEVELS:
                break
    coarse = list(largest_first)
    for other in (number for number in range(len(draws)) if number != judge):
        while coarse and error(other) >= MOST_LEVELS:
            store([coarse.pop()], fine)


def _below(bound: float, errors: Iterable[float]) -> Iterator[float]:
    """The errors until one reaches the bound; what comes after is not computed."""
    return itertools.takewhile(lambda error: error < bound, errors)


def _own_tensors(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    yield from module.named_parameters(recurse=False)
    yield from module.named_buffers(recurse=False)


def _store(module: nn.Module, name: str, weight: torch.Tensor, bits: int) -> None:
    _restore(module, name, weight)
    parametrize.register_parametrization(module, name, FixedPoint(bits), unsafe=True)


def _restore(module: nn.Module, name: str, weight: torch.Tensor) -> None:
    if parametrize.is_parametrized(module, name):
        parametrize.remove_parametrizations(module, name)
    delattr(module, name)
    module.register_buffer(name, weight)  # a parameter would have to be of floating point
