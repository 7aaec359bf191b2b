"""The level of a data set's background, which a discriminator is to see as 0.

Its convolutions pad with 0, and 0 excites nothing in them. With black at -1, as networks have it,
each digit was drawn in a frame of mid-grey and every black pixel excited the first layer as much as
a white one, which hid single grey specks from it: they stood in 31 % of a GAN's samples after 1,500
steps, and in 3.5 % where black was 0 (docs/log.md, 2026-11-24).
"""

import torch


def border_level(images: torch.Tensor) -> int:
    """The median, over all channels, along the four borders of images uint8 [N, C, H, W]."""
    borders = (images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1])
    counts = sum(torch.bincount(border.flatten(), minlength=256) for border in borders)
    below = torch.as_tensor(counts).cumsum(0)
    return int(torch.searchsorted(below, (below[-1] + 1) // 2))
