"""How records are read and written: the JSON files beside the weights.

They come with a checkpoint, perhaps from a stranger. They are read whole and strictly into frozen
dataclasses (a file of this folder each) or not at all: types, lengths and Unicode are checked by
pydantic, unknown and missing keys are refused, and nobody indexes a raw dictionary.
"""

import dataclasses
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from duet.core.errors import DuetError
from duet.core.files import FileError, read_object, write_json
from duet.core.names import LINE, NAME, REPOSITORY, SHA256

MEND = "make it again, or take it out of the folder"
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
RepositoryId = Annotated[str, Field(pattern=f"^{REPOSITORY.pattern}$")]
Word = Annotated[str, Field(min_length=1, max_length=100, pattern=f"^{LINE.pattern}$")]
Line = Annotated[str, Field(max_length=300, pattern=f"^{LINE.pattern}$")]
Text = Annotated[str, Field(max_length=4000)]
Digest = Annotated[str, Field(pattern=f"^{SHA256.pattern}$")]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Setting = str | int | float | bool | None
Versions = Annotated[dict[Word, Word], Field(max_length=20)]
Curve = Annotated[tuple[float, ...], Field(max_length=1000)]


class RecordError(DuetError):
    """A record is not what Duet writes; the message names the file, the key and the mend."""


Record = TypeVar("Record")
Migrations = Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]


def read(kind: type[Record], path: Path) -> Record | None:
    """The record in a file, None where there is no file. A file of an older schema is brought up to
    date by the kind's `MIGRATIONS`: schema -> function from its values to the next one's. Raises
    RecordError."""
    if not os.path.lexists(path):
        return None
    try:
        values = _migrated(kind, read_object(path))
    except FileError as error:
        raise RecordError(f"{error}; {MEND}") from error
    except (AttributeError, KeyError, TypeError) as error:  # of a migration
        raise RecordError(f"{path} is not what an older version of Duet wrote; {MEND}") from error
    try:
        return validate(kind, values)
    except RecordError as error:
        raise RecordError(
            f"{path} is not what this version of Duet writes ({error}); {MEND}"
        ) from error


def validate(kind: type[Record], values: Any) -> Record:
    """The record that JSON values make; RecordError, which names the key, where they make none."""
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part)[:40] for part in first["loc"]) or "the whole"
        raise RecordError(f"{place}: {first['msg']:.200}") from error


def _migrated(kind: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    migrations: Migrations = getattr(kind, "MIGRATIONS", {})
    while type(schema := values.get("schema")) is int and schema in migrations:
        values = migrations[schema](values)
    return values


def write(path: Path, record: Any) -> None:
    """Write a record whole; RecordError where it would not be read again."""
    values = dataclasses.asdict(record)
    try:
        TypeAdapter(type(record)).validate_python(values, strict=False)
    except ValidationError as error:
        raise RecordError(f"{path} would not be a valid record: {error}") from error
    write_json(path, {"schema": values.pop("schema"), **values})
