"""A run folder's records: run.json, what is being trained and how, and log.jsonl, how it goes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from duet.core.files import JsonError, parse_json
from duet.store import records
from duet.store.config import DataRecord
from duet.store.records import STRICT, Amount, Count, RecordError, Setting, Text, Versions, Word

LOG = "log.jsonl"
MAX_LOG_BYTES = 2**27  # some 40 million steps


@dataclass(frozen=True)
class RunRecord:
    """run.json: the sitting that trains, or trained last. `settings` are all fields of the recipe's
    configuration, what was left to the machine and the pictures as it was resolved; `data`: what
    is trained on (None where an older version did not keep it)."""

    __pydantic_config__ = STRICT

    recipe: Word
    command: Text
    git_commit: Word | None
    settings: Annotated[dict[Word, Setting], Field(max_length=100)]
    versions: Versions
    threads: Count  # of the CPU; weights repeat bit for bit for the same number
    data: DataRecord | None = None
    schema: Literal[1] = 1


@dataclass(frozen=True)
class LogRow:
    """A line of log.jsonl: the losses' means over the steps since the line before; or of
    scores.jsonl: scores, which stand in `losses` too. `step` is the number of steps done, `seconds`
    the time that they took over all sittings."""

    __pydantic_config__ = STRICT

    step: Count
    seconds: Amount
    losses: Annotated[dict[Word, float], Field(min_length=1, max_length=48)]

    def columns(self) -> dict[str, float]:
        """Everything by name, as it stands in the file."""
        return {"step": self.step, "seconds": self.seconds, **self.losses}

    def to_line(self) -> str:
        return json.dumps(self.columns(), allow_nan=False) + "\n"


def read_log(path: Path) -> tuple[LogRow, ...]:
    """The rows of a log.jsonl, none where there is no file. A last line that a crash cut off is
    passed over; RecordError where another is not what `to_line` writes."""
    if not path.exists():
        return ()
    try:
        if path.stat().st_size > MAX_LOG_BYTES:
            raise RecordError(f"{path} is larger than {MAX_LOG_BYTES} bytes")
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror or error}") from error
    rows: list[LogRow] = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(line, rows))
        except (JsonError, RecordError) as error:
            raise RecordError(
                f"{path}, line {number}: {error}; take this line and those after it away"
            ) from error
    return tuple(rows)


def _row(line: bytes, before: Sequence[LogRow]) -> LogRow:
    values: Any = parse_json(line)
    if not isinstance(values, dict):
        raise RecordError("it is no JSON object")
    fields = {key: values.pop(key) for key in ("step", "seconds") if key in values}
    row = records.validate(LogRow, {**fields, "losses": values})
    if before and row.step <= before[-1].step:
        raise RecordError(f"step {row.step} comes after step {before[-1].step}")
    if before and list(row.losses) != list(before[-1].losses):
        raise RecordError(f"it tells of {list(row.losses)}, the line before of other losses")
    return row
