"""Stored numbers in, tables out: metrics.json files, the terminal's table, the README's."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from duet.core.files import read_json, replacing, write_json
from duet.store.checkpoint import METRICS, Checkpoint
from evaluation.errors import EvaluationError
from evaluation.metrics import SCORES
from evaluation.reference import FOLDER

SCHEMA = 1
BASELINE = "dcgan"  # the architecture whose row closes the table
BEGIN, END = "<!-- scores: python -m evaluation table -->", "<!-- /scores -->"


class Row(NamedTuple):
    """One line of a table. `order` 0: the real images, 1: a model, 2: the baseline."""

    order: int
    name: str
    entry: dict[str, Any]
    parameters: int | None = None
    training_seconds: float | None = None


def store(path: Path, extractor: str, entry: dict[str, Any]) -> None:
    """Put one extractor's entry into a metrics.json, the others kept."""
    content: Any = {"schema": SCHEMA, "extractors": {}}
    if path.exists():
        content = read_json(path)
    content["extractors"][extractor] = entry
    write_json(path, content)


def stored(checkpoint: Checkpoint) -> dict[str, dict[str, Any]]:
    """A checkpoint's entries by extractor; EvaluationError where it was never measured, or the
    weights changed since."""
    entries: dict[str, dict[str, Any]] = checkpoint.metrics.get("extractors", {})
    if not entries:
        raise EvaluationError(
            f"{checkpoint.folder / METRICS} is absent or empty; "
            f"make it by: python -m evaluation measure {checkpoint.folder}"
        )
    for name, entry in entries.items():
        if entry["weights_sha256"] != checkpoint.weights_sha256:
            raise EvaluationError(
                f"{checkpoint.folder / METRICS}: the scores in {name}'s space belong to other "
                f"weights; measure again: python -m evaluation measure {checkpoint.folder}"
            )
    return entries


def held_out_path(data: str) -> Path:
    """Where the scores of the real held-out images are kept."""
    return FOLDER / f"{data}-held-out.json"


def rows(data: str, extractor: str, entries: Iterable[tuple[Checkpoint, Any]]) -> list[Row]:
    """The real images first, then the models by Frechet distance, the baseline last."""
    table = [
        Row(
            2 if checkpoint.architecture == BASELINE else 1, checkpoint.name, entry,
            checkpoint.parameters, checkpoint.training.get("seconds"),
        )
        for checkpoint, entry in entries
    ]
    path = held_out_path(data)
    floor = read_json(path)["extractors"].get(extractor) if path.exists() else None
    if floor:
        table.append(Row(0, "real held-out images", floor))
    return sorted(table, key=lambda row: (row.order, row.entry["scores"]["frechet_distance"]))


def titles() -> list[str]:
    arrows = {True: "↑", False: "↓"}
    scores = [f"{score.title} {arrows[score.higher_is_better]}" for score in SCORES.values()]
    return ["model", *scores, "samples", "parameters", "training"]


def cells(row: Row) -> list[str]:
    scores = [f"{row.entry['scores'][key]:.{SCORES[key].digits}f}" for key in SCORES]
    seconds = row.training_seconds
    return [
        row.name, *scores, f"{row.entry['protocol']['samples']:,}",
        "–" if row.parameters is None else f"{row.parameters:,}",
        "–" if seconds is None else f"{seconds / 60:.0f} min",
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


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Where a second measurement leaves its tolerance, one sentence each."""
    found = []
    for key, score in SCORES.items():
        before, after = old["scores"][key], new["scores"][key]
        if not abs(before - after) <= score.tolerance:
            found.append(
                f"{score.title}: stored {before:.6g}, measured {after:.6g} "
                f"(tolerance {score.tolerance:g})"
            )
    return found
