"""Flags that several command lines share: each type carries its help text (PEP 727, which tyro
reads), so that neither a field's docstring nor a function's "Args:" says it again.

    def measure(checkpoints: Sources, /, device: DeviceName = "auto") -> None: ...
"""

from pathlib import Path
from typing import Annotated

from typing_extensions import Doc

from duet.core.latents import SEEDS

DataDir = Annotated[
    Path | None,
    Doc("Folder that holds the data sets (default: $DUET_DATA, else ~/.cache/duet/data)."),
]
DeviceName = Annotated[str, Doc("auto (cuda where there is one), cpu, cuda, cuda:1, mps.")]
Seed = Annotated[int, Doc(f"Stream of random numbers, {SEEDS}; image i of it is always the same.")]
Truncation = Annotated[
    float, Doc("Factor on the latents, 0..1; 1 is the untouched prior.")
]
AsJson = Annotated[bool, Doc("Print the result as JSON.")]
