"""The ladder as tables, as JSON, as a picture."""

import dataclasses
from pathlib import Path
from typing import Any

from duet.core.files import replacing
from duet.core.words import aligned
from duet.store.scores import SCORES
from evaluation.ladder import DISTORTIONS, Ladder

SEES, BLIND = "✓", "–"
GREEN, GREY = "#1a7f37", "#999999"


def values_table(ladder: Ladder) -> str:
    """Every score of every step, aligned for a fixed-width font."""
    lines = [["distortion", *(SCORES[key].heading for key in ladder.keys)]]
    for name, rungs in ladder.rungs.items():
        for rung in rungs[1:] if len(lines) > 1 else rungs:
            title = f"{name} {rung.amount:g} {DISTORTIONS[name].unit}" if rung.amount else "none"
            lines.append([title, *(SCORES[k].text(rung.scores[k]) for k in ladder.keys)])
    return aligned(lines)


def sight_table(ladder: Ladder) -> str:
    """Which score gets worse at every step of which distortion, in Markdown."""
    lines = [
        ["score", *ladder.rungs], ["---"] + [":-:"] * len(ladder.rungs),
        *([SCORES[key].title, *_sight(ladder, key)] for key in ladder.keys),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sight(ladder: Ladder, key: str) -> list[str]:
    return [SEES if ladder.sees(key, name) else BLIND for name in ladder.rungs]


def as_json(ladder: Ladder) -> dict[str, Any]:
    return {
        "images": ladder.images,
        "distortions": {
            name: {
                "unit": DISTORTIONS[name].unit,
                "sees": [key for key in ladder.keys if ladder.sees(key, name)],
                "steps": [
                    {"amount": rung.amount,
                     "scores": {k: dataclasses.asdict(v) for k, v in rung.scores.items()}}
                    for rung in rungs
                ],
            }
            for name, rungs in ladder.rungs.items()
        },
    }


def plot(ladder: Ladder, path: Path) -> None:
    """A panel a score and distortion: green where it gets worse at every step, grey where not. A
    score has one scale in all its panels: logarithmic where less is better, but linear below its
    tolerance."""
    from matplotlib.figure import Figure  # takes half a second, which no other work needs

    keys, names = ladder.keys, list(ladder.rungs)
    figure = Figure(figsize=(1.5 * len(names) + 1.2, 0.95 * len(keys) + 0.6), layout="constrained")
    panels = figure.subplots(len(keys), len(names), sharex="col", sharey="row", squeeze=False)
    for row, key in zip(panels, keys, strict=True):
        kind = SCORES[key]
        row[0].set_ylabel(kind.heading, rotation=0, ha="right", va="center")
        if not kind.higher_is_better:
            row[0].set_yscale("symlog", linthresh=kind.tolerance)
        for panel, name in zip(row, names, strict=True):
            rungs = ladder.rungs[name]
            values = [rung.scores[key].value for rung in rungs]
            colour = GREEN if ladder.sees(key, name) else GREY
            panel.plot(range(len(rungs)), values, ".-", color=colour)
            panel.set_xticks(range(len(rungs)), [f"{rung.amount:g}" for rung in rungs])
            panel.tick_params(labelsize=7)
    for panel, name in zip(panels[0], names, strict=True):
        panel.set_title(name, fontsize=10)
    for panel, name in zip(panels[-1], names, strict=True):
        panel.set_xlabel(DISTORTIONS[name].unit, fontsize=8)
    with replacing(path) as scratch:
        figure.savefig(scratch, format=path.suffix[1:].lower(), dpi=110)
