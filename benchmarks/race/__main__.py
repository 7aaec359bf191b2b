"""make race: FID against seconds of training, ours beside what people would pick instead, one after
the other on this machine. A table on stdout; OUT.json and OUT.png. The rules: docs/records.md."""

import argparse
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.race.clock import Failed, outside
from benchmarks.race.contenders import CONTENDERS, PEERS, Contender, Peer, Saved, Track
from benchmarks.race.report import Curves, Point, draw, table
from duet.core.checkout import ROOT, git_commit
from duet.data import data_root
from evaluation.sets import SetId
from evaluation.stored import held_out

TIMES = "times.json"


def trained(contender: Contender, track: Track, folder: Path) -> list[Saved]:
    """Its checkpoints, and when each stood on disk: what an earlier sitting found is not repeated.
    """
    kept = folder / TIMES
    if kept.exists():
        return [Saved(seconds, Path(path)) for seconds, path in json.loads(kept.read_text())]
    shutil.rmtree(folder, ignore_errors=True)  # of a sitting that was stopped
    folder.mkdir(parents=True)
    found = []
    for saved in contender.train(track, folder):
        print(f"{contender.name}: {saved.path.name} at {saved.seconds:.1f} s", file=sys.stderr)
        found.append(saved)
    kept.write_text(json.dumps([(saved.seconds, str(saved.path)) for saved in found]))
    return found


def scored(
    contender: Contender, saved: Sequence[Saved], samples: int, track: Track, folder: Path
) -> list[Point]:
    """FID of each checkpoint, by the public command, off the clock."""
    if not saved:
        return []
    sources = [str(contender.pictures(each, samples, track, folder)) for each in saved]
    command = [
        sys.executable, "-m", "evaluation", "measure", *sources, "--against", "mnist", "--json",
        "--samples", str(samples), "--repeats", "0", "--data-dir", str(track.data),
    ]
    found = json.loads(outside(command, folder / "log.txt", track.threads, ROOT))
    return [
        Point(each.seconds, found[source]["scores"]["frechet_distance"]["value"])
        for each, source in zip(saved, sources, strict=True)
    ]


def race(asked: argparse.Namespace, track: Track) -> dict[str, Any]:
    """Every contender in turn, all trained before any is scored. One that fails is told, and the
    others go on."""
    chosen = [c for c in CONTENDERS if not asked.only or c.name in asked.only]
    checkpoints, curves, failed = {}, {}, {}
    for contender in chosen:
        try:
            folder = asked.folder / contender.name
            checkpoints[contender.name] = trained(contender, track, folder)
        except Failed as error:
            failed[contender.name] = str(error)
    for contender in chosen:
        saved = checkpoints.get(contender.name, [])
        folder = asked.folder / contender.name
        try:
            curves[contender.name] = scored(contender, saved, asked.samples, track, folder)
        except Failed as error:
            curves[contender.name], failed[contender.name] = [], str(error)
    return {
        "minutes": asked.minutes, "samples": asked.samples, "threads": track.threads,
        "machine": machine(), "git_commit": git_commit(), "failed": failed,
        "contenders": {
            contender.name: {
                "about": contender.about, "pins": pins(contender),
                "points": [point._asdict() for point in curves[contender.name]],
            }
            for contender in chosen
        },
    }


def pins(contender: Contender) -> list[str]:
    """The lines of a peer's requirements; ours are those of the checkout."""
    if not isinstance(contender, Peer):
        return []
    lines = (PEERS / f"{contender.name}.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def machine() -> str:
    """The CPU's name and how many of its cores this process may use."""
    name = platform.processor() or platform.machine()
    told = Path("/proc/cpuinfo")
    if told.exists():
        names = [line for line in told.read_text().splitlines() if line.startswith("model name")]
        name = names[0].partition(":")[2].strip() if names else name
    return f"{name}, {len(os.sched_getaffinity(0))} cores"


def curves_of(found: dict[str, Any]) -> Curves:
    """The points of a stored race, by what contenders are."""
    return {
        told["about"]: [Point(**point) for point in told["points"]]
        for told in found["contenders"].values()
    }


def floor_of(samples: int) -> float | None:
    """FID of the real held-out images, where they are as many as the samples."""
    measured = held_out(SetId("mnist", None)).published("mnist")
    if measured is None or measured.protocol.samples != samples:
        return None
    return measured.scores["frechet_distance"].value


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.race", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20, help="on the clock, a contender")
    parser.add_argument("--samples", type=int, default=10_000, help="a checkpoint's FID is of")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU, for each contender")
    parser.add_argument("--only", nargs="*", choices=[c.name for c in CONTENDERS])
    parser.add_argument("--folder", type=Path, default=ROOT / "runs/race")
    parser.add_argument(
        "--resume", action="store_true", help="go on; who has finished training is not run again"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/race")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--environments", type=Path, default=ROOT / ".venv")
    asked = parser.parse_args(argv)
    asked.folder, asked.out = asked.folder.resolve(), asked.out.resolve()
    if asked.folder.exists() and not asked.resume:
        parser.error(f"{asked.folder} holds a race; delete it, or go on with it by --resume")
    track = Track(
        60 * asked.minutes, asked.threads, data_root(asked.data_dir).resolve(),
        asked.environments.absolute(),
    )
    found = race(asked, track)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")
    curves = curves_of(found)
    draw(curves, floor_of(asked.samples), asked.samples, asked.out.with_suffix(".png"))
    print(table(curves))
    for name, reason in found["failed"].items():
        print(f"{name}: {reason}", file=sys.stderr)
    return 1 if found["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
