"""Golden pictures of the shipped checkpoints: python tests/models/golden.py writes them anew.

A row a model: images 0-3 of seed 0, and where it encodes, its reconstructions of the first two.
They may differ between machines by a grey level, and change only when a checkpoint is retrained.
"""

from pathlib import Path

import torch

import duet
from duet.core import latents
from duet.core.pixels import grid, to_pil
from duet.store import checkpoint

FOLDER = Path(__file__).with_name("golden")


def pictures(name: str) -> torch.Tensor:
    """uint8 [4 or 6, C, H, W]."""
    model = duet.load(name).model
    _, labels = latents.draw(0, range(2), model.latent_dim, model.num_classes)
    images = model.sample(4, seed=0)
    if not hasattr(model, "encode"):
        return images
    with torch.inference_mode():
        z = model.encode(model.domain.to_network(images[:2]), labels)
        again = model.domain.to_values(model.decode(z, labels))
    return torch.cat([images, again])


def row(name: str) -> torch.Tensor:
    """`pictures` as one uint8 picture [C, H, W]."""
    images = pictures(name)
    return grid(images, columns=len(images), gap=0)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in checkpoint.shipped_names():
        to_pil(row(name)).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
