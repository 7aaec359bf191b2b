"""SVHN: 73,257 + 26,032 digits of house numbers, 32x32 pixels in colour (Netzer et al., 2011)."""

from pathlib import Path

import numpy as np
import torch

from duet.data.base import DataError, Facts
from duet.data.matlab import read_byte_arrays
from duet.data.published import Pair, check_svhn, published_set

FACTS = Facts(
    name="svhn",
    title="SVHN",
    class_names=tuple("0123456789"),
    about="73,257 training images of digits cropped from photographs of house numbers, 32×32 "
    "pixels in colour, one of ten classes each (Netzer et al., 2011; non-commercial use only)",
    credit="SVHN: Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, Reading Digits in "
    "Natural Images with Unsupervised Feature Learning, 2011.",
    hub_id="ufldl-stanford/svhn",
    ethics="The digits are cropped from Google Street View; single digits tell no address. The "
    "classes are unbalanced: there are nearly three times as many ones as nines or zeros. Its "
    "makers allow non-commercial use only.",
    origin="http://ufldl.stanford.edu/housenumbers/",
)
FILES = {split: (f"{split}_32x32.mat",) for split in ("train", "test")}


def read(root: Path, split: str) -> Pair:
    """Images uint8 [N, 3, 32, 32] and labels int64 [N], the published files' 10 being digit 0."""
    path = root / FILES[split][0]
    check_svhn(path, split)
    arrays = read_byte_arrays(path)
    try:
        images = np.ascontiguousarray(arrays["X"].transpose(3, 2, 0, 1))
        labels = arrays["y"].reshape(-1).astype(np.int64) % 10
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} does not hold SVHN's arrays X and y ({error})") from error
    return torch.from_numpy(images), torch.from_numpy(labels)


SVHN = published_set(FACTS, "SVHN", 3, 32, FILES, read)
