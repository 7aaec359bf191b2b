"""Stacked MNIST: three random digits as the channels of one picture, 1,000 classes to find.

The usual test for a generator that drops modes (Metz et al., "Unrolled generative adversarial
networks", 2017; counted in evaluation/modes.py), so models are told no class. Drawn here from
MNIST, by a generator whose words every version of NumPy repeats; test triples are of test digits.

As many as in PacGAN's own code: 128,000 to train on, 26,000 to test. Of fewer, the frequencies of
1,000 classes are themselves so uneven that who learns them is as far from uniform.
"""

from pathlib import Path

import numpy as np
import torch

from duet.data import mnist
from duet.data.base import DataSet, Facts, ImageSet

COUNTS = {"train": 128_000, "test": 26_000}
SEEDS = {"train": 0, "test": 1}

FACTS = Facts(
    name="stacked-mnist",
    title="Stacked MNIST",
    class_names=tuple(f"{number:03}" for number in range(1000)),
    about="128,000 triples of random MNIST digits as the channels of 28×28 pixels in colour, one "
    "of 1,000 classes each (after Metz et al., 2017; CC BY-SA 3.0)",
    licence=mnist.FACTS.licence,
    credit=mnist.FACTS.credit,
    hub_id=mnist.FACTS.hub_id,
    ethics=mnist.FACTS.ethics,
    origin=mnist.FACTS.origin,
    classes_are_modes=True,
)


def load(root: Path, split: str, download: bool) -> ImageSet:
    """The split's triples of its digits, the class being the three digits read as a number."""
    digits = mnist.MNIST.load(root, split, download)
    chosen = draw(SEEDS[split], len(digits), COUNTS[split])
    images = digits.images[:, 0][chosen]  # [COUNTS[split], 3, 28, 28]
    labels = (digits.labels[chosen] * torch.tensor([100, 10, 1])).sum(dim=1)
    return ImageSet(
        FACTS.name, split, images, labels, FACTS.class_names, FACTS.domain, FACTS
    )


def draw(seed: int, digits: int, count: int) -> torch.Tensor:
    """int64 [count, 3], each uniform over [0, digits)."""
    words = np.random.Philox(key=[seed, 0]).random_raw(count * 3)
    uniform = (words >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return torch.from_numpy((uniform * digits).astype(np.int64)).reshape(count, 3)


STACKED_MNIST = DataSet(FACTS, load, mnist.MNIST.places)
