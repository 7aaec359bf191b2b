"""What an optimiser remembers, as named tensors and back: half of any training's saved state."""

from collections.abc import Mapping

import torch


def moments_of(optimizer: torch.optim.Optimizer, prefix: str) -> dict[str, torch.Tensor]:
    """All that it keeps of its parameters, as PREFIX.INDEX.MOMENT; nothing before its first
    step."""
    return {
        f"{prefix}.{index}.{moment}": torch.as_tensor(value)
        for index, moments in optimizer.state_dict()["state"].items()
        for moment, value in moments.items()
    }


def make_moments(optimizer: torch.optim.Optimizer) -> None:
    """Let it make what it keeps, by a step down no slope. Its parameters may move."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad()


def load_moments(
    optimizer: torch.optim.Optimizer, prefix: str, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put what `moments_of` gave back; tensors of other names are passed over."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}."):
            index, moment = key.removeprefix(f"{prefix}.").split(".")
            state.setdefault(int(index), {})[moment] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
