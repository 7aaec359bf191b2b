"""What the game "Real or generated?" is told: the real pictures that ship with the page, whose they
are, and what may give generated ones away. The game itself is demo/stage/quiz.js."""

from pathlib import Path
from typing import Any

from demo.catalogue import Catalogue
from demo.leaderboard import REAL, Table, board
from duet.core.files import sha256
from duet.store import records
from duet.store.records import RecordError
from duet.store.scores import SCORES
from duet.store.sheet import SheetRecord

# What an eye may notice in a single picture; FID and its kin speak of thousands.
TELLTALES = ("specks", "dim_specks", "patch_distance", "label_agreement")


def facts(offer: Catalogue, folder: Path) -> dict[str, Any]:
    """By the title of a data set: where its real pictures lie, relative to the folder above
    `folder`; nothing of a set that has none."""
    sheets = read_all(folder)
    found = {}
    for title, names in offer.datasets().items():
        made_from = offer.checkpoints[names[0]].made_from
        if made_from.images_sha256 in sheets:
            name, record = sheets[made_from.images_sha256]
            found[title] = {
                **_told(record), "file": f"{folder.name}/{name}",
                "telltales": telltales(board(offer, title).tables),
            }
    return found


def read_all(folder: Path) -> dict[str | None, tuple[str, SheetRecord]]:
    """Training split -> the picture's name and its record; what is damaged is left out."""
    found: dict[str | None, tuple[str, SheetRecord]] = {}
    for path in sorted(folder.glob("*.json")):
        picture = path.with_suffix(".png")
        try:
            record = records.read(SheetRecord, path)
        except RecordError:
            continue
        if record is not None and picture.is_file() and sha256(picture) == record.picture_sha256:
            found[record.images_sha256] = picture.name, record
    return found


def _told(record: SheetRecord) -> dict[str, Any]:
    return {
        "count": len(record.indices), "columns": record.columns,
        "image_shape": list(record.image_shape), "title": record.title, "credit": record.credit,
    }


def telltales(tables: tuple[Table, ...]) -> list[dict[str, Any]]:
    """Scores of the first table that the real pictures stand in: what each means, what the real
    ones have (None: unknown), and what the models have, by name."""
    table = next((t for t in tables if t.rows[0].role == REAL), None)
    if table is None:
        return []
    found = []
    for key in TELLTALES:
        score = SCORES[key]
        texts = {
            row.name: score.text(row.measured.scores[key])[:12]
            for row in table.rows if key in row.measured.scores
        }
        real = texts.pop(table.rows[0].name, None)
        if texts:
            found.append({
                "title": score.title, "meaning": score.meaning, "real": real, "models": texts,
            })
    return found
