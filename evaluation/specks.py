"""What eyes see and a classifier ignores: grey specks that stand alone in the background."""

import torch
import torch.nn.functional as F

MOST_PIXELS = 4
LEVEL = 16  # of 255: plainly visible on black
CHUNK = 500


def speckled_share(images: torch.Tensor, level: int = LEVEL) -> float:
    """Share of grey images uint8 [N, 1, H, W] with an isolated speck: an 8-connected component of
    at most 4 pixels among those brighter than `level`."""
    found = [has_speck(part, level) for part in images.split(CHUNK)]
    return torch.cat(found).double().mean().item()


def has_speck(images: torch.Tensor, level: int = LEVEL) -> torch.Tensor:
    """uint8 [N, 1, H, W] -> bool [N]."""
    return pixels_of(images, level).flatten(1).any(1)


def pixels_of(images: torch.Tensor, level: int = LEVEL) -> torch.Tensor:
    """Which pixels of uint8 [N, 1, H, W] are a speck's: bool [N, 1, H, W].

    Each bright pixel takes the largest number in reach, as often as it takes to cross a component
    of so few pixels. Those that share a number then, and touch none of another, are a component;
    a larger one is cut into pieces that touch, or has too many pixels.
    """
    bright = images > level
    own = torch.arange(1, bright.numel() + 1, dtype=torch.float64)
    number = own.view(bright.shape) * bright
    for _ in range(MOST_PIXELS - 1):
        number = _largest_around(number) * bright
    others = torch.where(bright, number, torch.inf)
    touches = bright & ((_largest_around(number) != number) | (-_largest_around(-others) != number))
    labels = number.long().flatten()
    sizes = torch.bincount(labels)
    cut = torch.bincount(labels, touches.flatten()) > 0
    is_speck = (sizes <= MOST_PIXELS) & ~cut
    is_speck[0] = False  # the background
    return is_speck[labels].view(images.shape)


def _largest_around(values: torch.Tensor) -> torch.Tensor:
    """The largest of a pixel and its eight neighbours."""
    return F.max_pool2d(values, 3, stride=1, padding=1)
