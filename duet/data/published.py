"""Sets that others publish: found below the data folder, else fetched there.

The only door to torchvision, which knows the sets' addresses and hashes, and the one reader of
CIFAR-10's pickles. torchvision is imported where it is needed: facts are to be had without it.
"""

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.error import URLError

import numpy as np
import torch

from duet.core.files import scratch_folder
from duet.core.progress import others_bars
from duet.data.base import SPLITS, DataError, DataSet, Facts, ImageSet
from duet.data.decode import Decoding
from duet.data.pictures import load_split

Pair = tuple[torch.Tensor, torch.Tensor]


def published_set(
    facts: Facts, class_name: str, channels: int, side: int,
    files: Mapping[str, tuple[str, ...]], read: Callable[[Path, str], Pair],
) -> DataSet:
    """A row of DATASETS, of square images. `class_name`: torchvision's; `files`: of each split, in
    torchvision's layout below the data folder; `read(root, split)`: images and labels from them,
    DataError where they are damaged."""

    archives = {split: f"{facts.name}-{split}.zip" for split in files}

    def load(root: Path, split: str, download: bool) -> ImageSet:
        archive = root / archives[split]
        lacking = [name for name in files[split] if not (root / name).exists()]
        if lacking == list(files[split]) and archive.exists():
            decoding = Decoding(side, "grey" if channels == 1 else "rgb")
            return load_split(archive, split, decoding, facts)
        if lacking and root != (folder := (root / lacking[0]).parent) and folder.is_dir():
            reason = f"{lacking[0]} is lacking, though its folder is there"
            raise DataError(_missing(facts, root, files[split], reason))
        if lacking and not download:
            raise DataError(_missing(facts, root, files[split], "downloading is switched off"))
        if lacking:
            _fetch(facts, class_name, root, files)
        images, labels = read(root, split)
        return ImageSet(facts.name, split, images, labels, facts.class_names, facts.domain, facts)

    return DataSet(
        facts, load, {split: (names, (archives[split],)) for split, names in files.items()}
    )


def _fetch(facts: Facts, class_name: str, root: Path, files: Mapping[str, tuple[str, ...]]) -> None:
    """Download beside the final place, then rename: a broken download leaves nothing behind."""
    from torchvision import datasets
    from torchvision.datasets.utils import download_url

    try:
        with scratch_folder(root / "download") as scratch, contextlib.redirect_stdout(sys.stderr), \
                others_bars():
            if class_name == "SVHN":  # its class would want scipy to read what it has fetched
                for split in SPLITS:
                    url, filename, md5 = datasets.SVHN.split_list[split]
                    download_url(url, scratch, filename, md5)
            else:
                getattr(datasets, class_name)(scratch, train=True, download=True)
            for entry in sorted({Path(name).parts[0] for split in SPLITS for name in files[split]}):
                os.replace(scratch / entry, root / entry)
    except (RuntimeError, URLError, OSError) as error:
        if all((root / name).exists() for split in SPLITS for name in files[split]):
            return  # another process was quicker
        reason = f"the download failed ({error})"
        raise DataError(_missing(facts, root, files["train"], reason)) from error


def _missing(facts: Facts, root: Path, files: tuple[str, ...], reason: str) -> str:
    return (
        f"{facts.title} is not in {root}: {reason}. Point data_dir (or DUET_DATA) at a folder "
        f"that holds {files[0]} and so on, torchvision's layout, or {facts.name}-train.zip and "
        f"{facts.name}-test.zip of class folders; or run once with internet access."
    )


def check_svhn(path: Path, split: str) -> None:
    """Raise DataError where a file of SVHN is not the published one."""
    from torchvision import datasets

    _check_md5(path, datasets.SVHN.split_list[split][2])


def read_cifar10(root: Path, split: str) -> Pair:
    """torchvision's layout of CIFAR-10, pickles: each file's hash is checked before one is opened.

    Returns images uint8 [N, 3, 32, 32] and labels int64 [N]; raises DataError.
    """
    from torchvision import datasets

    kind = datasets.CIFAR10
    folder = root / kind.base_folder
    meta = (kind.meta["filename"], kind.meta["md5"])
    for name, md5 in (*kind.train_list, *kind.test_list, meta):
        _check_md5(folder / name, md5)
    found = kind(root, train=split == "train", download=False)
    images = torch.from_numpy(np.ascontiguousarray(found.data.transpose(0, 3, 1, 2)))
    return images, torch.tensor(found.targets, dtype=torch.int64)


def _check_md5(path: Path, published: str) -> None:
    try:
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    if found != published:
        raise DataError(
            f"{path} is not the published file (MD5 {found}, not {published}); it was not opened. "
            "Delete it and fetch the set again"
        )
