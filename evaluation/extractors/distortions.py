"""Random changes of the pictures that an extractor is trained on: uint8 [N, C, H, W] in, float32 of
the same shape in 0..255 out."""

import math

import torch
import torch.nn.functional as F


def turned_and_scaled(images: torch.Tensor) -> torch.Tensor:
    """Random rotation within 10 degrees, scale within 10 %, shift within 2 pixels."""
    count, _, height, width = images.shape
    angle = (torch.rand(count) * 2 - 1) * math.radians(10)
    scale = 1 + (torch.rand(count) * 2 - 1) * 0.1
    shift = (torch.rand(count, 2) * 2 - 1) * (2 * 2 / torch.tensor([width, height]))
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    matrices = torch.stack(
        [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)],
        dim=1,
    ).to(images.device)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    # Black (0) outside the picture, which is the background of a digit.
    return F.grid_sample(images.float(), grid, align_corners=False)


def flipped_and_shifted(images: torch.Tensor) -> torch.Tensor:
    """Left and right exchanged in every other picture, then a crop of the same size after two
    mirrored pixels were put around (as in He et al., "Deep residual learning", 2016)."""
    count, _, height, width = images.shape
    flip = (torch.rand(count) < 0.5).to(images.device)
    turned = torch.where(flip[:, None, None, None], images.flip(-1), images).float()
    padded = F.pad(turned, (2, 2, 2, 2), mode="reflect")
    down, right = torch.randint(0, 5, (2, count, 1))
    rows, columns = down + torch.arange(height), right + torch.arange(width)
    picture = torch.arange(count)[:, None, None]
    return padded[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
