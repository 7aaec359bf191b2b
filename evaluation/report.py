"""Stored numbers in, tables out: metrics.json files, the terminal's table, the README's."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from duet.core.files import replacing
from duet.core.words import duration
from duet.store import records
from duet.store.checkpoint import METRICS, Checkpoint
from duet.store.metrics import Measurement, MetricsRecord, Protocol
from duet.store.scores import SCORES, samples
from evaluation.errors import EvaluationError
from evaluation.reference import FOLDER

BEGIN, END = "<!-- scores: python -m evaluation table -->", "<!-- /scores -->"


class Row(NamedTuple):
    """One line of a table. `order` 0: the real images, 1: a model, 2: the baseline."""

    order: int
    name: str
    measured: Measurement
    parameters: int | None = None
    training_seconds: float | None = None


def store(path: Path, measured: Measurement, force: bool = False) -> None:
    """Put a measurement into a metrics.json. It replaces what answers the same request, and what
    belongs to other weights; other protocols stay beside it, unless `force`."""
    content = records.read(MetricsRecord, path) or MetricsRecord()
    records.write(path, content.with_measurement(measured, force))


def check_writable(checkpoint: Checkpoint) -> None:
    """Refuse, before the long work, a folder whose metrics.json could not be written."""
    checkpoint.check_records()
    try:
        with replacing(checkpoint.folder / f".{METRICS}.trial") as scratch:
            scratch.touch()
        (checkpoint.folder / f".{METRICS}.trial").unlink()
    except OSError as error:
        raise EvaluationError(
            f"{checkpoint.folder} cannot be written to ({error}); copy it somewhere else first"
        ) from error


def stored(checkpoint: Checkpoint) -> tuple[Measurement, ...]:
    """A checkpoint's measurements; EvaluationError where it was never measured, or the weights
    changed since."""
    checkpoint.check_records()
    again = f"python -m evaluation measure {checkpoint.folder}"
    if not checkpoint.metrics.measurements:
        raise EvaluationError(
            f"{checkpoint.folder / METRICS} is absent or empty; make it by: {again}"
        )
    for measured in checkpoint.metrics.measurements:
        if measured.subject_sha256 != checkpoint.weights_sha256:
            raise EvaluationError(
                f"{checkpoint.folder / METRICS}: scores in {measured.protocol.extractor}'s space "
                f"belong to other weights; measure again: {again}"
            )
    return checkpoint.metrics.measurements


def published(checkpoint: Checkpoint, extractor: str) -> Measurement:
    """What tables show of a checkpoint; EvaluationError where it was not measured so."""
    stored(checkpoint)
    found = checkpoint.metrics.published(extractor)
    if found is None:
        raise EvaluationError(
            f"{checkpoint.name} was not measured in {extractor}'s space; do it by: "
            f"python -m evaluation measure {checkpoint.folder} --extractor {extractor}"
        )
    return found


def held_out_path(data: str) -> Path:
    """Where the scores of the real held-out images are kept."""
    return FOLDER / f"{data}-held-out.json"


def held_out(data: str) -> MetricsRecord:
    """The stored scores of a data set's real held-out images; empty where there are none."""
    return records.read(MetricsRecord, held_out_path(data)) or MetricsRecord()


def rows(
    data: str, extractor: str, entries: Iterable[tuple[Checkpoint, Measurement]]
) -> list[Row]:
    """The real images first, then the models by Frechet distance, the baseline last.

    EvaluationError where two rows were not measured alike, but for which samples and how many.
    """
    table = model_rows(entries)
    floor = held_out(data).published(extractor)
    if floor is not None:
        table.append(Row(0, "real held-out images", floor))
    table.sort(key=lambda row: (row.order, row.measured.scores["frechet_distance"].value))
    for row in table[1:]:
        _check_comparable(table[0], row)
    return table


def model_rows(entries: Iterable[tuple[Checkpoint, Measurement]]) -> list[Row]:
    """The models alone, in no order."""
    return [
        Row(
            2 if checkpoint.model.role == "baseline" else 1, checkpoint.name, measured,
            checkpoint.parameters,
            None if checkpoint.training is None else checkpoint.training.seconds,
        )
        for checkpoint, measured in entries
    ]


def _check_comparable(one: Row, two: Row) -> None:
    found = protocol_differences(*(row.measured.protocol.comparable() for row in (one, two)))
    if found:
        raise EvaluationError(
            f"{one.name} and {two.name} cannot stand in one table ({'; '.join(found)}); "
            "measure both again"
        )


def titles() -> list[str]:
    return ["model", *(s.heading for s in SCORES.values()), "samples", "parameters", "training"]


def cells(row: Row) -> list[str]:
    found = row.measured.scores
    return [
        row.name,
        *(score.text(found[key]) if key in found else "–" for key, score in SCORES.items()),
        samples(row.measured.protocol),
        "–" if row.parameters is None else f"{row.parameters:,}",
        "–" if row.training_seconds is None else duration(row.training_seconds),
    ]


def terminal_table(table: list[Row]) -> str:
    """Aligned columns for a fixed-width font."""
    lines = [titles(), *(cells(row) for row in table)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def markdown_table(table: list[Row]) -> str:
    alignment = ["---"] + ["--:"] * (len(titles()) - 1)
    lines = [titles(), alignment, *(cells(row) for row in table)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace_table(readme: Path, table: str, check: bool) -> None:
    """Put the table between the README's two marks; with `check`, refuse where it differs."""
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise EvaluationError(f"{readme} must hold the marks {BEGIN} and {END}, once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    fresh = f"{before}{BEGIN}\n{table}\n{END}{after}"
    if fresh == text:
        return
    if check:
        raise EvaluationError(
            f"the score table of {readme} differs from the stored numbers; "
            "write it anew: python -m evaluation table"
        )
    with replacing(readme) as scratch:
        scratch.write_text(fresh, encoding="utf-8")


def protocol_differences(old: Protocol, new: Protocol) -> list[str]:
    """Where two protocols differ, in words, one an entry."""
    return [
        f"{name}: {before} and {after}"
        for (name, before), (_, after) in zip(
            _flat(dataclasses.asdict(old)), _flat(dataclasses.asdict(new)), strict=True
        )
        if before != after
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        found += _flat(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return found


def differences(old: Measurement, new: Measurement) -> list[str]:
    """Where a second measurement is not what is stored, one sentence each: the protocol whole, each
    score and spread beyond its tolerance."""
    found = [f"protocol, {words}" for words in protocol_differences(old.protocol, new.protocol)]
    for key in sorted(old.scores.keys() | new.scores.keys()):
        if key not in old.scores or key not in new.scores or key not in SCORES:
            found.append(f"{key} is stored or measured, but not both")
            continue
        kind, before, after = SCORES[key], old.scores[key], new.scores[key]
        pairs = [(kind.title, before.value, after.value, kind.tolerance)]
        if (before.spread is None) != (after.spread is None):
            found.append(f"{kind.title}: a spread is stored or measured, but not both")
        elif before.spread is not None and after.spread is not None:
            spread = (f"{kind.title}'s spread", before.spread, after.spread, kind.spread_tolerance)
            pairs.append(spread)
        found += [
            f"{title}: stored {one:.6g}, measured {two:.6g} (tolerance {tolerance:g})"
            for title, one, two, tolerance in pairs
            if not abs(one - two) <= tolerance
        ]
    return found
