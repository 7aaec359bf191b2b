"""python -m training sweep: one recipe over a grid of settings, compared in one table.

Each cell is a run folder of its own, trained and measured by the commands that anybody would use.
Whatever is done stays: the same command goes on where it was stopped.
"""

import dataclasses
import itertools
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from duet.core.files import read_object, replacing, write_json
from duet.core.lock import locked
from duet.core.stop import Interrupted, stop_signals
from duet.core.words import aligned
from duet.store import records
from duet.store.checkpoint import METRICS, TRAINING
from duet.store.metrics import Measurement, MetricsRecord
from duet.store.scores import SCORES
from duet.store.training import TrainingRecord
from training.config import TrainConfig, TrainingError
from training.folder import CHECKPOINT, STATE
from training.recipes import RECIPES
from training.scoring import child_environment, measure

DEFAULT = "default"  # a value that leaves its flag out
PLAN, TABLE, TEXT, PLOT = "sweep.json", "table.json", "table.txt", "table.png"
TOLD = ("frechet_distance", "kernel_distance", "precision", "recall")
DRAWN = ("frechet_distance", "recall")
Choices = dict[str, str]


@dataclass(frozen=True)
class Cell:
    """One run: the values that it has of what is varied, its flags and its configuration."""

    choices: Choices
    flags: tuple[str, ...]
    config: TrainConfig

    @property
    def checkpoint(self) -> Path:
        return self.config.run_folder / CHECKPOINT


def sweep(
    recipe: Annotated[Literal["dcgan", "gan", "vae"], tyro.conf.Positional], /,
    vary: tuple[str, ...], fixed: tuple[str, ...] = (), out: Path = Path("runs/sweep"),
    samples: int = 10_000,
) -> Path:
    """Train and measure a recipe with every combination of some settings; print the table's place.

    Args:
        recipe: What is trained.
        vary: Settings and their values: train-images=100,1000,default width=24,48.
        fixed: Settings of all runs: steps=2000 data=mnist.
        out: Folder of the runs, a folder each, and of table.json, table.txt and table.png.
        samples: Images that each checkpoint is measured by.
    """
    cells = grid(recipe, vary, fixed, out)
    plan = {"recipe": recipe, "fixed": sorted(fixed), "samples": samples}
    out.mkdir(parents=True, exist_ok=True)
    with locked(out):
        return _sweep(out, cells, plan)


def _sweep(out: Path, cells: Sequence[Cell], plan: dict[str, Any]) -> Path:
    """Work on a sweep's folder, which nobody else does."""
    if (out / PLAN).exists() and read_object(out / PLAN) != plan:
        raise TrainingError(f"--out {out} holds a sweep with other settings; choose another")
    write_json(out / PLAN, plan)
    samples: int = plan["samples"]
    failed: list[str] = []
    with stop_signals() as stop:
        for number, cell in enumerate(cells, start=1):
            print(f"{number} of {len(cells)}: {cell.config.run_folder}", file=sys.stderr)
            try:
                _finish(cell, samples, stop)
            except TrainingError as error:
                failed.append(f"{cell.config.run_folder.name}: {error}")
            if stop:
                raise Interrupted(f"stopped; the same command goes on in {out}", stop[0])
    write_table(out, [row for cell in cells if (row := _row(cell, samples)) is not None])
    if failed:
        raise TrainingError(f"without {len(failed)} of {len(cells)} runs: {'; '.join(failed)}")
    return out / TEXT


def grid(recipe: str, vary: Sequence[str], fixed: Sequence[str], out: Path) -> list[Cell]:
    """Every combination; TrainingError, or a message of the command line's, where one cannot be."""
    choices = {name: values.split(",") for name, values in map(_setting, vary)}
    if len(choices) < len(vary) or not choices:
        raise TrainingError("--vary wants settings, each once: --vary width=24,48")
    common = [word for name, value in map(_setting, fixed) for word in (f"--{name}", value)]
    cells = []
    for values in itertools.product(*choices.values()):
        chosen = dict(zip(choices, values, strict=True))
        own = [word for name, value in chosen.items() if value != DEFAULT
               for word in (f"--{name}", value)]
        parts = [recipe, *(f"{name}_{value}" for name, value in chosen.items())]
        folder = out / re.sub(r"[^A-Za-z0-9._-]", "_", "-".join(parts))
        flags = (*common, *own, "--out", str(folder))
        config = tyro.cli(
            RECIPES[recipe].config, args=flags, prog=f"python -m training {recipe}",
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        cells.append(Cell(chosen, (recipe, *flags), config))
    return cells


def _setting(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value or name.startswith("-"):
        raise TrainingError(f"{text!r} is no setting; say it as width=48")
    return name, value


def _finish(cell: Cell, samples: int, stop: list[int]) -> None:
    """Train what is not trained, and measure what is not measured."""
    done = records.read(TrainingRecord, cell.checkpoint / TRAINING)
    if done is None or done.steps < cell.config.steps:
        _train(cell, stop)
    if not stop and _measured(cell, samples) is None:
        measure(cell.checkpoint, cell.config, samples)


def _train(cell: Cell, stop: list[int]) -> None:
    """Run the training's own command; a signal is handed on to it, once."""
    going_on = ("--resume",) if (cell.config.run_folder / STATE).exists() else ()
    process = subprocess.Popen(
        [sys.executable, "-m", "training", *cell.flags, *going_on], stdout=subprocess.DEVNULL,
        env=child_environment(), start_new_session=True,
    )
    asked = False
    while process.poll() is None:
        if stop and not asked:
            process.send_signal(signal.SIGTERM)
            asked = True
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    if process.returncode and not stop:
        raise TrainingError(f"its training ended by {process.returncode}, see above")


def _measured(cell: Cell, samples: int) -> Measurement | None:
    record = records.read(MetricsRecord, cell.checkpoint / METRICS) or MetricsRecord()
    return next((m for m in record.measurements if m.protocol.samples == samples), None)


def _row(cell: Cell, samples: int) -> dict[str, Any] | None:
    """What the table tells of a cell; None where it is not whole."""
    trained = records.read(TrainingRecord, cell.checkpoint / TRAINING)
    measured = _measured(cell, samples)
    if trained is None or measured is None:
        return None
    scores = {key: measured.scores[key].value for key in TOLD if key in measured.scores}
    return {
        "choices": cell.choices, "scores": scores, "steps": trained.steps,
        "images_seen": trained.images_seen, "seconds": trained.seconds,
        "command": trained.command, "protocol": dataclasses.asdict(measured.protocol),
    }


def write_table(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    """table.json, table.txt and table.png, of the cells that are whole."""
    write_json(out / TABLE, {"rows": list(rows)})
    with replacing(out / TEXT) as scratch:
        scratch.write_text(text(rows), encoding="utf-8")
    if rows:
        draw(rows, out / PLOT)


def text(rows: Sequence[dict[str, Any]]) -> str:
    """The rows below their headings, in columns."""
    if not rows:
        return "no run is whole\n"
    heads = [*rows[0]["choices"], *(SCORES[key].heading for key in rows[0]["scores"]), "seconds"]
    lines = [heads] + [
        [*row["choices"].values(),
         *(f"{value:.{SCORES[key].digits}f}" for key, value in row["scores"].items()),
         f"{row['seconds']:.0f}"]
        for row in rows
    ]
    return aligned(lines, words=0) + "\n"


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """FID and recall over the first setting, a line for each combination of the others."""
    from matplotlib.figure import Figure  # takes half a second, which no other work needs

    first = next(iter(rows[0]["choices"]))
    places = list(dict.fromkeys(row["choices"][first] for row in rows))
    lines: dict[str, dict[int, dict[str, float]]] = {}
    for row in rows:
        others = ", ".join(f"{k} {v}" for k, v in row["choices"].items() if k != first)
        lines.setdefault(others, {})[places.index(row["choices"][first])] = row["scores"]
    figure = Figure(figsize=(5 * len(DRAWN), 3.6), layout="constrained")
    for number, key in enumerate(DRAWN, start=1):
        axes = figure.add_subplot(1, len(DRAWN), number)
        for others, points in lines.items():
            values = [scores[key] for scores in points.values()]
            axes.plot(list(points), values, marker="o", linewidth=1, label=others)
        axes.set(title=SCORES[key].heading, xlabel=first)
        axes.set_xticks(range(len(places)), places)
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend(fontsize="small")
    with replacing(path) as scratch:
        figure.savefig(scratch, dpi=110)
