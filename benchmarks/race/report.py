"""What a race has found, as a table and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from duet.core.words import aligned, duration

TARGETS = (1.0, 0.3, 0.1, 0.05)


class Point(NamedTuple):
    """FID of a checkpoint that stood on disk after so many seconds."""

    seconds: float
    fid: float


Curves = Mapping[str, Sequence[Point]]  # by what a contender is called


def seconds_to(points: Sequence[Point], target: float) -> float | None:
    """When the first checkpoint at or below a target stood on disk, None where none did. Nothing is
    read in between two checkpoints."""
    return min((point.seconds for point in points if point.fid <= target), default=None)


def table(curves: Curves) -> str:
    """A line a contender: its best FID and when that stood, then the time to each target."""
    rows = [["", "best FID", "after", *(f"to {target:g}" for target in TARGETS)]]
    for name, points in curves.items():
        if not points:
            rows.append([name, *["–"] * (len(rows[0]) - 1)])
            continue
        best = min(points, key=lambda point: point.fid)
        times = (seconds_to(points, target) for target in TARGETS)
        shown = ("–" if seconds is None else duration(seconds) for seconds in times)
        rows.append([name, f"{best.fid:.3f}", duration(best.seconds), *shown])
    return aligned(rows)


def draw(curves: Curves, floor: float | None, samples: int, path: Path) -> None:
    """FID against seconds, both by powers of ten; `floor`: FID of real held-out images."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        if points:
            axes.plot(*zip(*sorted(points), strict=True), marker="o", markersize=4, label=name)
    if floor is not None:
        axes.axhline(floor, color="0.5", linestyle="--", label="real held-out images")
    axes.set(
        xscale="log", yscale="log", xlabel="seconds from process start to saved checkpoint",
        ylabel=f"FID, mnist features, {samples:,} samples",
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
