"""Does the patch distance see what eyes see? Real images with specks and with noise; the samples of
shipped models, and the same with their specks painted out; by several choices of directions, places
and images.

    python -m benchmarks.eyes mnist mnist-gan mnist-vae mnist-dcgan
    python -m benchmarks.eyes fashion-mnist fashion-gan fashion-vae

Wants the images (DUET_DATA). Prints a table in Markdown: one column a choice.
"""

import argparse

import numpy as np
import torch

import duet
from duet.data import ImageSet, load
from evaluation import patches, specks
from evaluation.ladder import DISTORTIONS, Pictures

REAL, SHOWN = 10_000, 2_500
STEPS = {"specks": (0.1, 0.3, 1.0), "noise": (2, 5, 20)}


def drawn(whole: ImageSet, count: int, seed: int) -> Pictures:
    chosen = torch.from_numpy(np.random.default_rng(seed).permutation(len(whole))[:count])
    return Pictures(whole.images[chosen], whole.labels[chosen])


def rows_of(
    real: Pictures, samples: dict[str, torch.Tensor], seed: int
) -> dict[str, torch.Tensor]:
    """What is compared, by its title: uint8 [N, 1, H, W]."""
    rows = {"held-out images": real.images}
    for name, steps in STEPS.items():
        for amount in steps:
            worse = DISTORTIONS[name](real, amount, seed).images
            rows[f"{name} {amount:g} {DISTORTIONS[name].unit}"] = worse
    for name, images in samples.items():
        rows[name] = images
        rows[f"{name}, specks painted out"] = images.masked_fill(specks.pixels_of(images, 0), 0)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("checkpoints", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    asked = parser.parse_args()
    train, test = (load(asked.data, split, download=False) for split in ("train", "test"))
    found: dict[str, list[float]] = {}
    for seed in asked.seeds:
        patches.SEED = seed
        reference = patches.describe(drawn(train, REAL, seed).images)
        samples = {
            name: duet.load(name).model.sample(SHOWN, seed=seed) for name in asked.checkpoints
        }
        for title, images in rows_of(drawn(test, SHOWN, seed), samples, seed).items():
            found.setdefault(title, []).append(patches.distance(images, reference))
    print(f"| {asked.data} |" + "".join(f" seed {seed} |" for seed in asked.seeds))
    print("| --- |" + " --: |" * len(asked.seeds))
    for title, values in found.items():
        print(f"| {title} |" + "".join(f" {value:.2f} |" for value in values))


if __name__ == "__main__":
    main()
