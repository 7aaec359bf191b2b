"""What test_processes.py starts, alone or as one of two: trains the jobs of its argument, a JSON
list of [recipe, settings], on 30 pictures of 16x16 that are sorted by class."""

import json
import sys
from pathlib import Path

import torch

from duet.core.errors import DuetError
from duet.data import DATASETS, DataSet, Facts, ImageSet
from training import processes
from training.loop import train
from training.recipes import RECIPES


def load(root, split, download):
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(30) // 6
    images = torch.randint(0, 200, (30, 1, 16, 16), generator=generator, dtype=torch.uint8)
    images[:, 0, :4] = (50 * labels).to(torch.uint8)[:, None, None]
    return ImageSet("toy", split, images, labels, tuple("abcde"))


def main(jobs):
    DATASETS["toy"] = DataSet(Facts("toy", "Toy", tuple("abcde"), ""), load)
    configs = [
        RECIPES[recipe].config(**settings | {"out": Path(settings["out"])})
        for recipe, settings in jobs
    ]
    try:
        with processes.together(configs[0]):
            for config in configs:
                print(train(config, "the command"))
    except DuetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
