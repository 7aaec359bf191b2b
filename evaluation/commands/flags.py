"""Flags that several commands share, as duet/core/flags.py has those of all programs."""

from typing import Annotated

import tyro
from typing_extensions import Doc

from duet.data import DATASETS
from evaluation.extractors import EXTRACTORS

Sources = Annotated[tuple[str, ...], tyro.conf.Positional]
Space = Annotated[
    str,
    Doc("Feature space: auto (the extractor of our own that serves the data set), or one of "
        f"{', '.join(EXTRACTORS)}."),
]
DataName = Annotated[
    str, tyro.conf.arg(name="data"),
    Doc(f"Data set ({', '.join(DATASETS)}), or the path of a folder or zip of pictures."),
]
OwnData = Annotated[
    str | None, tyro.conf.arg(name="data"),
    Doc("Where own pictures lie that a checkpoint was made from (default: the data set by its "
        "name)."),
]
Against = Annotated[
    str | None,
    Doc("What to compare with: a data set (cifar10, or cifar10:test), a folder or zip of pictures, "
        "an array, another checkpoint (default: what a checkpoint was made from)."),
]
