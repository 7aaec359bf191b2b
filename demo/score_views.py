"""A leaderboard as the page's HTML. Whatever a record says is escaped; texts are whole sentences,
and numbers stand in cells of their own."""

import base64
from collections.abc import Iterable, Sequence
from html import escape

import torch

from demo.leaderboard import Board, Row, Table
from demo.plots import Dot, Value, scatter, short, whiskers
from demo.png import still
from duet.core.pixels import grid, to_pil
from duet.core.words import duration
from duet.store.scores import SCORES, Score, samples
from duet.store.studies import CopiesRecord

ABSENT = "–"
GAP = 2  # pixels between a picture and its neighbours, beyond the grid's own
INTERVALS = (
    "Below each number stands its interval of 95 %. Models whose intervals overlap cannot be told "
    "apart; training a model again moves its numbers further than that."
)
FLOOR = (
    "The real pictures are those that were held out from training: no model can be expected to do "
    "better. There are fewer of them, which raises their FID a little, and FID by class and SWD "
    "more."
)
NOTHING = "No model of these pictures has been measured yet."
COPIES = (
    "Copying would show as distances to the nearest training picture that are smaller than those "
    "of real pictures the model never saw."
)
COPY_HEADINGS = (
    "Model", "Compared in", "Distance", "Of real pictures", "Nearer (by chance 50 %)",
    "Singled out (by chance 1 %)", "C_T (a copier: below 0)", "Authentic",
    "Authentic, of real pictures",
)
BESIDE = (
    "At the left of each row stands a picture, at the right the training pictures nearest to it. A "
    "model that copies has twins there; how alike one must expect them to be, the real pictures "
    "show, which no model saw."
)
UNLICENSED = (
    "The training pictures are not shown beside the samples: no licence is known that allows it."
)
OF_SAMPLES, OF_REAL = (
    "Its first samples, and the training pictures nearest to each",
    "Real pictures that no model saw, and the training pictures nearest to each",
)
ALONE = "Only one model of these pictures has been measured, so there is nothing to compare yet."


def as_html(boards: Sequence[Board]) -> str:
    """Everything that is known of the data sets in view."""
    return "".join(_board(index, board) for index, board in enumerate(boards))


def _board(index: int, board: Board) -> str:
    tables = [
        _table(f"scores-{index}-{place}", board.title, table)
        for place, table in enumerate(board.tables)
    ]
    left_out = _list("Left out", board.left_out)
    nothing = "" if tables else f"<p>{NOTHING}</p>"
    return (
        f'<section class="board"><h3>{escape(board.title)}</h3>{nothing}{"".join(tables)}'
        f"{_copies(board)}{left_out}</section>"
    )


def _table(identity: str, title: str, table: Table) -> str:
    models = len(table.rows) - (table.rows[0].role == "real")
    notes = [INTERVALS] if models > 1 else [ALONE]
    if models < len(table.rows):
        notes.append(FLOOR)
    return (
        f'<p class="features">Measured in the features of <b>{escape(table.extractor)}</b></p>'
        f"{_leaderboard(title, table)}{''.join(f'<p class=note>{note}</p>' for note in notes)}"
        f'<div class="plots">{_plots(identity, table)}</div>'
        f"<h4>What the numbers say</h4>{_meanings(title, table)}"
        f"<h4>Measure it again</h4>{_commands(table.rows)}"
    )


def _leaderboard(title: str, table: Table) -> str:
    shown = table.headlines
    headings = ["Model", *map(_heading, shown.values()), "Samples", "Parameters", "Training"]
    lines = [
        [
            *(_cell(row, key, score) for key, score in shown.items()),
            escape(samples(row.measured.protocol)),
            ABSENT if row.parameters is None else f"{row.parameters:,}",
            ABSENT if row.training_seconds is None else escape(duration(row.training_seconds)),
        ]
        for row in table.rows
    ]
    return _grid(f"Scores: {title}", headings, table.rows, lines, "leaderboard")


def _meanings(title: str, table: Table) -> str:
    """A row a score: its name, arrow and unit, its sentence, what each row of the table has."""
    headings = ["Score", *(row.name for row in table.rows)]
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row"><b>{escape(_heading(score))}</b>'
        f"<small>{escape(score.meaning)}</small></th>"
        + "".join(f"<td>{_cell(row, key, score)}</td>" for row in table.rows) + "</tr>"
        for key, score in table.scores.items()
    )
    return _scrolling(f"All scores: {title}", head, body, "meanings")


def _plots(identity: str, table: Table) -> str:
    rows = table.rows
    distances = [Dot(r.name, r.role, x) for r in rows if (x := _value(r, "frechet_distance"))]
    shares = [
        Dot(r.name, r.role, x, y) for r in rows
        if (x := _value(r, "recall")) and (y := _value(r, "precision"))
    ]
    fid, recall, precision = (
        SCORES[key].title for key in ("frechet_distance", "recall", "precision")
    )
    drawn = []
    if distances:
        words = "FID with its interval: further left is better"
        drawn.append((whiskers(words, distances, f"{identity}-fid"), words, fid))
    if shares:
        words = "Variety to the right, quality upwards: nearer to the corner is better"
        drawn.append((scatter(words, recall, precision, shares, f"{identity}-shares"), words, ""))
    return "".join(f"<figure>{plot}<figcaption>{words}</figcaption></figure>"
                   for plot, words, _ in drawn)


def _copies(board: Board) -> str:
    told = _neighbours(board) + _copies_table(board)
    return f"<h4>Do they copy?</h4>{told}" if told else ""


def _neighbours(board: Board) -> str:
    """A figure for each model that has its sheet, and one for the real pictures, the same for all
    of them; a sentence where they may not be shown."""
    if board.neighbours is None:
        return f"<p class=note>{UNLICENSED}</p>"
    if not board.neighbours:
        return ""
    figures = [
        _figure(sheet.samples, OF_SAMPLES, name) for name, sheet in board.neighbours.items()
    ]
    one = next(iter(board.neighbours.values()))
    figures.append(_figure(one.held_out, OF_REAL))
    return f'<p>{BESIDE}</p><div class="neighbours">{"".join(figures)}</div>'


def _figure(rows: torch.Tensor, words: str, name: str = "") -> str:
    """Rows of pictures uint8 [R, 1 + K, C, h, w], a gap behind the first of each."""
    first, others = (
        grid(part.flatten(0, 1), part.shape[1], 1) for part in (rows[:, :1], rows[:, 1:])
    )
    between = torch.full_like(first[:, :, :GAP], 48)
    picture = to_pil(torch.cat([first, between, others], dim=2))
    encoded = base64.b64encode(still(picture)).decode("ascii")
    named = f"<b>{escape(name)}</b> " if name else ""
    return (
        f'<figure><img src="data:image/png;base64,{encoded}" width="{2 * picture.width}" '
        f'height="{2 * picture.height}" alt="{words}"><figcaption>{named}<span>{words}</span>'
        "</figcaption></figure>"
    )


def _copies_table(board: Board) -> str:
    if not board.copies:
        return ""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in COPY_HEADINGS)
    body = "".join(_copies_rows(name, study) for name, study in board.copies.items())
    return f"<p>{COPIES}</p>{_scrolling(f'Copies: {board.title}', head, body, 'copies')}"


def _copies_rows(name: str, study: CopiesRecord) -> str:
    return "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(space)}</td>'
        f"<td>{short(found.distance, 3)}</td><td>{short(found.held_out_distance, 3)}</td>"
        f"<td>{found.nearer:.1%}</td><td>{found.singled_out:.1%}</td>"
        f"<td>{short(found.copying, 2)}</td><td>{found.authenticity:.1%}</td>"
        f"<td>{found.held_out_authenticity:.1%}</td></tr>"
        for space, found in study.spaces.items()
    )


def _commands(rows: Iterable[Row]) -> str:
    """Each command once: it measures the models of its line, and the real images beside them."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row.command, []).append(row.name)
    lines = "".join(
        f'<li><span>{escape(", ".join(named))}</span><code>{escape(command)}</code>'
        f'<button type="button" data-copy="{escape(command)}" '
        f'aria-label="Copy: {escape(command)}">Copy</button></li>'
        for command, named in names.items()
    )
    return f'<ul class="commands">{lines}</ul>'


def _grid(
    label: str, headings: Sequence[str], rows: Sequence[Row], lines: Sequence[Sequence[str]],
    kind: str,
) -> str:
    head = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr data-kind="{escape(row.role)}"><th scope="row">{escape(row.name)}</th>'
        + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>"
        for row, line in zip(rows, lines, strict=True)
    )
    return _scrolling(label, head, body, kind)


def _scrolling(label: str, head: str, body: str, kind: str) -> str:
    """A table that scrolls within itself where the screen is narrow, by keyboard too."""
    return (
        f'<div class="scrolling" role="region" tabindex="0" aria-label="{escape(label)}">'
        f'<table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _list(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<h4>{title}</h4><ul class="left-out">{items}</ul>'


def _heading(score: Score) -> str:
    return f"{score.heading} ({score.unit})" if score.unit else score.heading


def _value(row: Row, key: str) -> Value | None:
    found = row.measured.scores.get(key)
    return None if found is None else Value(found.value, found.interval)


def _cell(row: Row, key: str, score: Score) -> str:
    """A number, its spread over training seeds where that is known, and its interval."""
    found = _value(row, key)
    if found is None:
        return ABSENT
    spread = row.spreads.get(key)
    beside = "" if spread is None else f" ± {short(spread, score.digits)}"
    if found.interval is None:
        return f"{short(found.value, score.digits)}{beside}"
    low, high = (short(end, score.digits) for end in found.ends)
    return f"{short(found.value, score.digits)}{beside}<small>{low} to {high}</small>"
