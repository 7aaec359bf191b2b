"""Quarter turns: a question that pictures without labels answer (Gidaris et al., "Unsupervised
representation learning by predicting image rotations", 2018)."""

import torch

TURNS = 4


def turned(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Square images [N, C, H, H], each rotated by a random number of quarter turns, and that number
    int64 [N]."""
    turns = torch.randint(0, TURNS, (len(images),)).to(images.device)
    rotated = images.clone()
    for count in range(1, TURNS):
        rotated[turns == count] = images[turns == count].rot90(count, dims=(-2, -1))
    return rotated, turns
