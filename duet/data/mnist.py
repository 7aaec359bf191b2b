"""MNIST: 60,000 + 10,000 handwritten digits of 28x28 grey pixels (LeCun et al., 1998)."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from urllib.error import URLError

import torch

from duet.data.base import DataError, DataSet, Facts, ImageSet

SIZES = {"train": 60_000, "test": 10_000}


FACTS = Facts(
    name="mnist",
    title="MNIST",
    class_names=tuple("0123456789"),
    about="60,000 training images of handwritten digits, 28×28 grey pixels, one of ten classes "
    "each (LeCun, Cortes, Burges; CC BY-SA 3.0)",
    licence="cc-by-sa-3.0",
    credit="MNIST: Y. LeCun, C. Cortes, C. Burges, CC BY-SA 3.0.",
    hub_id="ylecun/mnist",
    ethics="The digits were written by American census workers and high-school pupils in the "
    "1990s; other hands and scripts are not represented. The images show no persons.",
)


def load(root: Path, split: str, download: bool) -> ImageSet:
    """Read one split from `root`/MNIST/raw, fetching the files first where that is allowed."""
    if not (root / "MNIST" / "raw").is_dir():
        if not download:
            raise DataError(_missing(root, "downloading is switched off"))
        _fetch(root)
    from torchvision import datasets  # here: the facts alone are to be had without it

    try:
        mnist = datasets.MNIST(root, train=split == "train", download=False)
    except (RuntimeError, ValueError, OSError, AssertionError) as error:
        raise DataError(_missing(root, f"the files there cannot be read ({error})")) from error
    if tuple(mnist.data.shape) != (SIZES[split], 28, 28):
        raise DataError(
            f"MNIST in {root}: {split} holds {list(mnist.data.shape)} pixels instead of "
            f"[{SIZES[split]}, 28, 28]; delete {root / 'MNIST'} and fetch it again"
        )
    return ImageSet(
        name="mnist",
        split=split,
        images=mnist.data.unsqueeze(1).contiguous(),
        labels=mnist.targets.to(torch.int64),
        class_names=FACTS.class_names,
    )


def _fetch(root: Path) -> None:
    """Download beside the final place, then rename: a broken download leaves nothing behind."""
    from torchvision import datasets

    try:
        root.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(dir=root, prefix=".download-") as scratch,
            contextlib.redirect_stdout(sys.stderr),
        ):
            datasets.MNIST(scratch, train=True, download=True)
            os.replace(Path(scratch) / "MNIST", root / "MNIST")
    except (RuntimeError, URLError, OSError) as error:
        raise DataError(_missing(root, f"the download failed ({error})")) from error


def _missing(root: Path, reason: str) -> str:
    return (
        f"MNIST is not in {root}: {reason}. Point --data-dir (or DUET_DATA) at a folder that "
        "holds MNIST/raw/*-ubyte, torchvision's layout, or run once with internet access."
    )


MNIST = DataSet(FACTS, load)
