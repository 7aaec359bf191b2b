"""What the peers' scripts share. They run in environments of their own and know nothing of Duet.

Each is given MNIST as one tensor, which is quicker than the loaders of their examples, and saves
its weights when the time comes: after all of its seconds, a half, a quarter … of them.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import MNIST

# When the process began, by a clock that all processes of a machine share.
STARTED = float(os.environ.get("RACE_STARTED", time.monotonic()))
FEWEST_SECONDS = 10
BATCH = 500  # of samples


class Marks:
    """When to save, and where."""

    def __init__(self, seconds: float, points: int, folder: Path) -> None:
        marks = [seconds / 2**k for k in range(points)]
        self.left = sorted(mark for mark in marks if mark >= min(FEWEST_SECONDS, seconds))
        self.folder = folder

    def passed(self, model: torch.nn.Module) -> bool:
        """Save where a mark has been passed, and print the file's name; whether it was the last."""
        now = time.monotonic() - STARTED
        if self.left and now >= self.left[0]:
            self.left = [mark for mark in self.left if mark > now]
            path = self.folder / f"{now:.0f}-seconds.pt"
            torch.save(model.state_dict(), path.with_suffix(".part"))
            os.replace(path.with_suffix(".part"), path)
            print(path, flush=True)
        return not self.left


def digits(data_dir: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The training split: float [60000, 1, 28, 28] in [0, 1], labels int64 [60000]."""
    found = MNIST(data_dir, train=True)
    return found.data[:, None] / 255, found.targets


def batches(count: int, size: int) -> Iterator[torch.Tensor]:
    """Indices int64 [size], without end, a new order each epoch, what is left over dropped."""
    while True:
        yield from torch.randperm(count)[: count - count % size].split(size)


def write_samples(draw: Callable[[int], torch.Tensor], count: int, path: Path) -> None:
    """`draw(n)` gives float [n, 1, 28, 28] in [0, 1]; kept as uint8 [count, 28, 28]."""
    torch.manual_seed(0)
    parts = []
    with torch.no_grad():
        for first in range(0, count, BATCH):
            images = draw(min(BATCH, count - first)).clamp(0, 1)
            parts.append((images[:, 0] * 255).round().byte().numpy())
    np.save(path, np.concatenate(parts))


def main(
    train: Callable[[Path, Marks], None], sampler: Callable[[Path], Callable[[int], torch.Tensor]]
) -> None:
    """The command line of a peer: train, or sample from weights that it has saved."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("train", "sample"))
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--points", type=int)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--count", type=int)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.what == "train":
        torch.manual_seed(0)
        train(asked.data_dir, Marks(asked.seconds, asked.points, asked.out))
    else:
        write_samples(sampler(asked.weights), asked.count, asked.out)
