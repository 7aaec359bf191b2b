"""Measurements as one figure: precision against recall, Frechet distances, samples of each."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from duet.core.domains import DOMAINS
from duet.core.files import replacing
from duet.core.pixels import grid
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import ScoreRecord
from duet.store.scores import SCORES
from evaluation import outputs
from evaluation.errors import EvaluationError
from evaluation.harness import Request
from evaluation.measuring import Done, shuffled, subset
from evaluation.metrics import Scores
from evaluation.reference import Reference
from evaluation.sources import Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg", ".pdf")
SHEET, COLUMNS = 32, 8  # pictures of each, in so many columns
SHEETS_A_ROW = 4


def check(path: Path) -> None:
    """EvaluationError, before the long work, where no figure could be written to a path."""
    outputs.check("--plot", path, SUFFIXES)


def check_comparable(references: Sequence[Reference]) -> None:
    """EvaluationError where distances to several references would stand in one figure."""
    if len({reference.about for reference in references}) > 1:
        raise EvaluationError(
            "--plot draws what was compared with one data set; name it by --against, or measure "
            "one data set's models at a time"
        )


def draw(done: Done, request: Request, path: Path) -> None:
    """What was measured against one reference, into a file, whole or not at all."""
    from matplotlib.figure import Figure  # takes half a second, which no other work needs

    names = [f"{work.source.text} ({m.protocol.samples:,})" for work, m in done]
    scores = [measured.scores for _, measured in done]
    rows, columns = -(-len(done) // SHEETS_A_ROW), max(2, min(len(done), SHEETS_A_ROW))
    heights = (4.0, 5.5 / columns * rows + 0.3)
    figure = Figure(figsize=(10, sum(heights)), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    left, right = above.subplots(1, 2)
    _draw_manifold(left, names, scores)
    _draw_distances(right, names, scores)
    for place, name, (work, _) in zip(range(rows * columns), names, done, strict=False):
        axes = below.add_subplot(rows, columns, place + 1)
        axes.set_title(name, fontsize="small")
        axes.axis("off")
        sheet = grid(_drawn(work.source, request), COLUMNS)
        axes.imshow(sheet.permute(1, 2, 0).squeeze(2).numpy(), cmap="gray", vmin=0, vmax=255)
    with replacing(path) as scratch:
        figure.savefig(scratch, dpi=110)


def _drawn(source: Source, request: Request) -> torch.Tensor:
    """The first pictures that a request would measure, as pixels uint8 [n, C, H, W]."""
    origin = source.origin
    if isinstance(origin, Checkpoint):
        model = origin.model
        found = model.sample(SHEET, seed=request.seed, truncation=request.truncation)
        return model.domain.to_pixels(found)
    chosen = subset(origin, shuffled(origin, request.seed)[:SHEET])
    return DOMAINS[origin.domain].to_pixels(chosen.images)


def _draw_manifold(axes: "Axes", names: Sequence[str], scores: Sequence[Scores]) -> None:
    """Precision against recall, with intervals where there are such."""
    for name, found in zip(names, scores, strict=True):
        if {"precision", "recall"} <= found.keys():
            x, y = found["recall"], found["precision"]
            axes.errorbar(
                x.value, y.value, xerr=_reach(x), yerr=_reach(y), fmt="o", capsize=3, label=name
            )
    axes.set(xlabel=SCORES["recall"].heading, ylabel=SCORES["precision"].heading)
    axes.locator_params(axis="x", nbins=5)  # else their numbers run into each other
    axes.grid(alpha=0.3)
    if axes.containers:
        axes.legend(fontsize="small")


def _draw_distances(axes: "Axes", names: Sequence[str], scores: Sequence[Scores]) -> None:
    """A row a model, the first on top."""
    for row, found in enumerate(scores):
        if "frechet_distance" in found:
            score = found["frechet_distance"]
            axes.errorbar(score.value, row, xerr=_reach(score), fmt="o", capsize=3)
    axes.set(xlabel=SCORES["frechet_distance"].heading)
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(alpha=0.3)


def _reach(score: ScoreRecord) -> list[list[float]] | None:
    """How far an interval reaches below and above its value, which may lie outside of it."""
    if score.interval is None:
        return None
    low, high = score.interval
    return [[max(0.0, score.value - low)], [max(0.0, high - score.value)]]
