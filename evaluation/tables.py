"""Measurements as tables: the terminal's, the README's."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from duet.core.files import replacing
from duet.core.words import aligned, duration
from duet.data import WHOLE, ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement
from duet.store.scores import SCORES, Score, headline_columns, samples
from evaluation.comparison import protocol_differences
from evaluation.errors import EvaluationError
from evaluation.extractors import extractor_for
from evaluation.sets import SetId
from evaluation.stored import held_out, published

ABSENT = "–"
SPREAD_LEGEND = "±: standard deviation over models that differ in their training seed alone."
BEGIN, END = "<!-- scores: python -m evaluation table -->", "<!-- /scores -->"


class Row(NamedTuple):
    """One line of a table. `order` 0: the real images, 1: a model, 2: the baseline."""

    order: int
    name: str
    measured: Measurement
    parameters: int | None = None
    training_seconds: float | None = None
    spreads: Mapping[str, float] = {}  # over training seeds, where they are known


def rows(
    entries: Sequence[tuple[Checkpoint | ImageSet, Measurement]], images: SetId
) -> list[Row]:
    """Of what was compared with one data set: its real held-out images first, then the models by
    Frechet distance, the baseline last.

    EvaluationError where two rows do not compare.
    """
    table = model_rows(entries)
    floor = held_out(images).published(table[0].measured.protocol.extractor)
    if floor is not None:
        real = Row(0, "real held-out images", floor)
        _check_alike(real, table[0], counts=False)  # there are as many as there are
        table.insert(0, real)
    return table


def model_rows(
    entries: Sequence[tuple[Checkpoint | ImageSet, Measurement]]
) -> list[Row]:
    """The models alone; EvaluationError where two were not measured by the same protocol."""
    table = [_row(origin, measured) for origin, measured in entries]
    for row in table:
        _check_alike(table[0], row, counts=True)
    return sorted(table, key=_place)


def _row(origin: Checkpoint | ImageSet, measured: Measurement) -> Row:
    if isinstance(origin, ImageSet):
        split = "" if origin.split == WHOLE else f" {origin.split}"
        return Row(1, f"{origin.name}{split}", measured)
    seconds = None if origin.training is None else origin.training.seconds
    order = 2 if origin.model.role == "baseline" else 1
    spreads = origin.metrics.retraining_spreads(measured)
    return Row(order, origin.name, measured, origin.parameters, seconds, spreads)


def _place(row: Row) -> tuple[int, float]:
    distance = row.measured.scores.get("frechet_distance")
    return row.order, math.inf if distance is None else distance.value


def _check_alike(one: Row, two: Row, counts: bool) -> None:
    protocols = [row.measured.protocol.of_values for row in (one, two)]
    if not counts:
        protocols = [protocol.without_counts() for protocol in protocols]
    found = protocol_differences(*protocols)
    if found:
        raise EvaluationError(
            f"{one.name} and {two.name} cannot stand in one table ({'; '.join(found)}); "
            "measure both again"
        )


def titles(columns: Mapping[str, Score]) -> list[str]:
    scores = (_heading(score) for score in columns.values())
    return ["model", *scores, "samples", "parameters", "training"]


def _heading(score: Score) -> str:
    return f"{score.heading} ({score.unit})" if score.unit else score.heading


def cells(row: Row, columns: Mapping[str, Score]) -> list[str]:
    return [
        row.name,
        *(_text(row, key, score) for key, score in columns.items()),
        samples(row.measured.protocol),
        ABSENT if row.parameters is None else f"{row.parameters:,}",
        ABSENT if row.training_seconds is None else duration(row.training_seconds),
    ]


def _text(row: Row, key: str, score: Score) -> str:
    found = row.measured.scores.get(key)
    if found is None:
        return ABSENT
    spread = row.spreads.get(key)
    beside = "" if spread is None else f" ± {spread:.{score.digits}f}"
    return f"{score.text(found)}{beside}"


def headlines(table: list[Row]) -> dict[str, Score]:
    """What every table of such rows shows."""
    return headline_columns(row.measured.scores for row in table)


def columns_of(table: list[Row]) -> dict[str, Score]:
    """All scores that a row has."""
    return {k: s for k, s in SCORES.items() if any(k in row.measured.scores for row in table)}


def terminal_table(table: list[Row]) -> str:
    """For a fixed-width font: the headlines, a line a row; below them, a column a row, the other
    scores, and those that have an interval with it."""
    main = headlines(table)
    lines = [titles(main), *(cells(row, main) for row in table)]
    details = [
        [_heading(score), *(_detail(row, key, score) for row in table)]
        for key, score in columns_of(table).items()
        if key not in main or any(_has_interval(row, key) for row in table)
    ]
    parts = [aligned(lines)]
    if details:
        parts.append(aligned([["", *(row.name for row in table)], *details]))
    return "\n\n".join(parts + _legend(table))


def _legend(table: list[Row]) -> list[str]:
    return [SPREAD_LEGEND] if any(row.spreads for row in table) else []


def _has_interval(row: Row, key: str) -> bool:
    return key in row.measured.scores and row.measured.scores[key].interval is not None


def _detail(row: Row, key: str, score: Score) -> str:
    interval = score.interval_text(row.measured.scores[key]) if _has_interval(row, key) else ""
    text = _text(row, key, score)
    return f"{text} ({interval})" if interval else text


def markdown_tables(checkpoints: Sequence[Checkpoint], extractor: str) -> str:
    """A table a data set, each under its name where there are several."""
    sets = list(dict.fromkeys(map(SetId.of, checkpoints)))
    tables = []
    for images in sets:
        space = extractor_for(images, extractor)
        same = [checkpoint for checkpoint in checkpoints if SetId.of(checkpoint) == images]
        title = f"**{images.title}**\n\n" if len(sets) > 1 else ""
        measured = [(checkpoint, published(checkpoint, space)) for checkpoint in same]
        tables.append(title + markdown_table(rows(measured, images)))
    return "\n\n".join(tables)


def full_markdown_table(table: list[Row]) -> str:
    """All scores that a row has."""
    return markdown_table(table, columns_of(table))


def markdown_table(table: list[Row], shown: Mapping[str, Score] | None = None) -> str:
    """Numbers to the right; the headlines, unless other columns are asked for."""
    shown = headlines(table) if shown is None else shown
    heading = titles(shown)
    alignment = ["---"] + ["--:"] * (len(heading) - 1)
    lines = [heading, alignment, *(cells(row, shown) for row in table)]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return "\n\n".join([rows, *_legend(table)])


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


