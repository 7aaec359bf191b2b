"""training.json: the run that made the weights."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from duet.store.records import STRICT, Amount, Count, Curve, Line, Setting, Text, Versions, Word

Steps = Annotated[tuple[Count, ...], Field(max_length=1000)]


@dataclass(frozen=True)
class TrainingRecord:
    """training.json: the run that made the weights. `seconds` is wall-clock time; `evolution`: of
    which steps evolution.png has a row, in order; `scores`: what was measured on the way, as
    columns like those of `curves`; `retries`: at which steps numbers were not finite and the run
    went on from an earlier state with other random numbers."""

    __pydantic_config__ = STRICT

    recipe: Word
    command: Text
    git_commit: Word | None
    settings: Annotated[dict[Word, Setting], Field(max_length=100)]
    versions: Versions
    hardware: Line
    seconds: Amount
    steps: Count
    images_seen: Count
    epochs: Amount
    curves: Annotated[dict[Word, Curve], Field(max_length=50)]
    threads: Count | None = None  # of the CPU; weights repeat bit for bit for the same number
    evolution: Steps = ()
    retries: Steps = ()
    scores: Annotated[dict[Word, Curve], Field(max_length=50)] = dataclasses.field(
        default_factory=dict
    )
    schema: Literal[1] = 1
