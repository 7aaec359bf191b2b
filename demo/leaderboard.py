"""How good the models on offer are, as their stored records say: tables of what compares.

A model is left out, in words, where its scores are absent or belong to other weights. Rows of other
protocols stand in tables of their own.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.catalogue import Catalogue
from duet.core.checkout import ROOT, SHIPPED
from duet.store import records
from duet.store.checkpoint import Checkpoint
from duet.store.config import DataRecord
from duet.store.metrics import Measurement, MetricsRecord
from duet.store.neighbours import Neighbours
from duet.store.records import RecordError
from duet.store.scores import SCORES, Score, headline_columns
from duet.store.studies import CopiesRecord

HELD_OUT = ROOT / "evaluation" / "reference"  # scores of real images; no pictures of them
REAL, REAL_NAME = "real", "real held-out images"
BASELINE = "baseline"
COMMAND = "python -m evaluation verify {}"  # measures again, and compares with what is stored
FOLDER = "CHECKPOINT_FOLDER"  # of somebody's own model, wherever it lies on his machine


@dataclass(frozen=True)
class Row:
    """A model, or the real images that no model saw, by one protocol. `spreads`: standard
    deviations over training seeds, where they are known."""

    name: str
    role: str
    measured: Measurement
    command: str
    parameters: int | None = None
    training_seconds: float | None = None
    spreads: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """Rows that compare, at least one of them a model: the real images first, then the models by
    Frechet distance, the baseline last."""

    rows: tuple[Row, ...]

    @property
    def extractor(self) -> str:
        return self.rows[-1].measured.protocol.extractor

    @property
    def headlines(self) -> dict[str, Score]:
        return headline_columns(row.measured.scores for row in self.rows)

    @property
    def scores(self) -> dict[str, Score]:
        """Every score that a row has."""
        return {
            key: score for key, score in SCORES.items()
            if any(key in row.measured.scores for row in self.rows)
        }


@dataclass(frozen=True)
class Board:
    """What is known of one data set's models. `copies`: the newest study of each that has one;
    `neighbours`: the sheet of each that has one, None where no licence is known by which the
    training pictures may be shown."""

    title: str
    tables: tuple[Table, ...]
    copies: Mapping[str, CopiesRecord]
    neighbours: Mapping[str, Neighbours] | None
    left_out: tuple[str, ...]


def boards(offer: Catalogue, models: Iterable[str]) -> list[Board]:
    """A board for each data set that one of the named models was made from."""
    shown = set(models)
    return [
        board(offer, title) for title, names in offer.datasets().items() if shown & set(names)
    ]


def board(offer: Catalogue, dataset: str) -> Board:
    """All models on offer of a data set, by its title there."""
    rows: list[Row] = []
    copies: dict[str, CopiesRecord] = {}
    neighbours: dict[str, Neighbours] = {}
    left_out: list[str] = []
    names = offer.datasets()[dataset]
    for name in names:
        checkpoint = offer.checkpoints[name]
        problem = _problem(name, checkpoint)
        if problem:
            left_out.append(problem)
            continue
        rows += _rows(name, checkpoint)
        if checkpoint.neighbours is not None:
            neighbours[name] = checkpoint.neighbours
        for study in checkpoint.metrics.copies:
            if study.subject_sha256 == checkpoint.weights_sha256:
                copies[name] = study
    made_from = offer.checkpoints[names[0]].made_from
    shown = neighbours if made_from.may_be_shown else None
    return Board(dataset, _tables(rows, made_from), copies, shown, tuple(left_out))


def as_json(found: Board) -> dict[str, Any]:
    """A board for programs."""
    return {
        "dataset": found.title,
        "tables": [
            {
                "extractor": table.extractor,
                "rows": [
                    {
                        "name": row.name, "role": row.role, "command": row.command,
                        "samples": row.measured.protocol.samples,
                        "scores": {
                            key: {"value": score.value, "interval": score.interval}
                            for key, score in row.measured.scores.items() if key in SCORES
                        },
                    }
                    for row in table.rows
                ],
            }
            for table in found.tables
        ],
        "left_out": list(found.left_out),
    }


def _problem(name: str, checkpoint: Checkpoint) -> str:
    """Why a model cannot have a row; "" where it can."""
    measured = checkpoint.metrics.measurements
    if checkpoint.problems:
        return f"{name}: a record of its could not be read."
    if not measured:
        return f"{name}: it was not measured yet; python -m evaluation measure does so."
    if any(m.subject_sha256 != checkpoint.weights_sha256 for m in measured):
        return f"{name}: its scores belong to other weights; python -m evaluation measure mends it."
    return ""


def _rows(name: str, checkpoint: Checkpoint) -> list[Row]:
    """A model's row in each feature space that it was measured in."""
    metrics, training = checkpoint.metrics, checkpoint.training
    published = (metrics.published(extractor) for extractor in metrics.extractors())
    shipped = checkpoint.folder.parent == SHIPPED
    return [
        Row(
            name, checkpoint.model.role, measured,
            COMMAND.format(checkpoint.folder.name if shipped else FOLDER), checkpoint.parameters,
            None if training is None else training.seconds, metrics.retraining_spreads(measured),
        )
        for measured in published if measured is not None
    ]


def _tables(rows: Sequence[Row], made_from: DataRecord) -> tuple[Table, ...]:
    """Rows of equal protocols together, each table under the real images where those compare."""
    alike: list[list[Row]] = []
    for row in rows:
        for table in alike:
            if table[0].measured.protocol.of_values == row.measured.protocol.of_values:
                table.append(row)
                break
        else:
            alike.append([row])
    return tuple(
        Table((*_floor(table[0], made_from), *sorted(table, key=_place))) for table in alike
    )


def _place(row: Row) -> tuple[bool, float]:
    distance = row.measured.scores.get("frechet_distance")
    return row.role == BASELINE, math.inf if distance is None else distance.value


def _floor(model: Row, made_from: DataRecord) -> list[Row]:
    """The row of the real held-out images, of which there are as many as there are: all else of
    their protocol is the model's."""
    digits = "" if made_from.images_sha256 is None else made_from.images_sha256[:16]
    for stem in filter(None, (digits, made_from.name)):
        measured = _held_out(stem, model.measured.protocol.extractor)
        if measured is not None and (
            measured.protocol.without_counts() == model.measured.protocol.without_counts()
        ):
            return [Row(REAL_NAME, REAL, measured, model.command)]
    return []


def _held_out(stem: str, extractor: str) -> Measurement | None:
    """What evaluation/reference/ holds of a data set's held-out images; None where it is absent or
    damaged."""
    try:
        found = records.read(MetricsRecord, HELD_OUT / f"{stem}-held-out.json")
    except RecordError:
        return None
    return None if found is None else found.published(extractor)
