"""config.json: what rebuilds a model's network, and what data it was made from."""

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from duet.data import DATASETS, Facts
from duet.data.base import OTHER_LICENCE
from duet.store.records import STRICT, Digest, Line, Migrations, Name, RepositoryId, Text, Word

NO_LICENCE = (OTHER_LICENCE, "unknown")  # what the Hub calls it; neither is a licence's name

ClassName = Annotated[Word, Field(max_length=99)]


@dataclass(frozen=True)
class DataRecord:
    """The data set that a model was made from: its facts at that time, and its images by the
    SHA-256 of the training split's bytes (None where an older version did not keep it), so that
    two folders called "cats" are not taken for one. What its values are, the model's own
    configuration says: `domain`."""

    __pydantic_config__ = STRICT

    name: Name
    title: Line
    class_names: Annotated[tuple[ClassName, ...], Field(max_length=10_000)]
    about: Text = ""
    licence: Word = OTHER_LICENCE
    credit: Text = ""
    hub_id: RepositoryId | None = None
    ethics: Text = ""
    origin: Line = ""
    images_sha256: Digest | None = None

    @property
    def may_be_shown(self) -> bool:
        """Whether a licence is known by which its pictures may be passed on."""
        return self.licence not in NO_LICENCE

    @classmethod
    def of(cls, facts: Facts, images_sha256: str | None) -> "DataRecord":
        """What a checkpoint keeps of a data set's facts."""
        kept = {f.name for f in dataclasses.fields(cls)} & set(vars(facts))
        return cls(**{name: getattr(facts, name) for name in kept}, images_sha256=images_sha256)


def _from_1(old: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 named the data set and its classes, and nothing more of it."""
    name, class_names = old.pop("data", None), old.pop("class_names", None)
    known = DATASETS.get(name) if isinstance(name, str) else None
    if known is not None:
        facts = dataclasses.asdict(DataRecord.of(known.facts, None))
    else:
        facts = {"name": name, "title": name}
    return old | {"data": facts | {"class_names": class_names}, "schema": 2}


@dataclass(frozen=True)
class ConfigRecord:
    """`architecture`: a name in MODELS; `config`: the fields of its configuration, bounded there.
    `weights_sha256`: of model.safetensors."""

    __pydantic_config__ = STRICT

    name: Name
    architecture: Word
    config: Annotated[dict[Word, int | float | str | tuple[int, ...]], Field(max_length=50)]
    data: DataRecord
    weights_sha256: Digest
    schema: Literal[2] = 2

    MIGRATIONS: ClassVar[Migrations] = {1: _from_1}
