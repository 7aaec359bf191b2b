"""Pictures for the eye: uint8 pixels put together and enlarged."""

import torch
from PIL import Image


def grid(images: torch.Tensor, columns: int, gap: int = 2) -> torch.Tensor:
    """uint8 [N, C, H, W] -> one uint8 picture [C, rows*(H+gap)+gap, columns*(W+gap)+gap], row by
    row, a dark grey gap between the images and black where the last row is not full."""
    count, channels, height, width = images.shape
    rows = -(-count // columns)
    cells = torch.zeros(rows * columns, channels, height, width, dtype=torch.uint8)
    cells[:count] = images
    framed = torch.nn.functional.pad(cells, (gap, 0, gap, 0), value=48)
    table = framed.unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
    return torch.nn.functional.pad(table, (0, gap, 0, gap), value=48)


def to_pil(image: torch.Tensor, scale: int = 1) -> Image.Image:
    """uint8 [1 or 3, H, W] -> a PIL picture (L or RGB), enlarged `scale` times, pixels crisp."""
    pixels = image.permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)
