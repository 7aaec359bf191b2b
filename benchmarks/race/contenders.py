"""Who races. To add one: a row of CONTENDERS, and for a peer its script and its pins in peers/."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.race.clock import Failed, outside, stamped
from duet.core.checkout import ROOT

PEERS = Path(__file__).parent / "peers"
FIRST_STEPS = 100
LEAST_GROWTH = 1.25  # a point that is hardly later than the last one tells nothing


@dataclass(frozen=True)
class Track:
    """What all contenders share: `seconds` on the clock, `threads` of the CPU, where the data sets
    lie, `environments` whose race-NAME are the peers'."""

    seconds: float
    threads: int
    data: Path
    environments: Path


class Saved(NamedTuple):
    """A checkpoint, and when it stood on disk, in seconds on the clock."""

    seconds: float
    path: Path


@dataclass(frozen=True)
class Recipe:
    """A recipe of our own, by its public command.

    It is trained in sittings, each of which goes on from the last: its weights are those of an
    unbroken run, but every sitting's start is on the clock.
    """

    name: str
    about: str

    def train(self, track: Track, folder: Path) -> Iterator[Saved]:
        steps: int | None = FIRST_STEPS
        clock = 0.0
        while steps is not None:
            command = [
                sys.executable, "-m", "training", self.name, "--data", "mnist", "--data-dir",
                str(track.data), "--out", str(folder / "run"), "--steps", str(steps),
                "--save-every", str(steps), *(["--resume"] if clock else []),
            ]
            for seconds, line in stamped(command, folder / "log.txt", track.threads, ROOT):
                saved, checkpoint = clock + seconds, line
            clock = saved
            kept = folder / f"{steps}-steps"
            shutil.copytree(checkpoint, kept)
            yield Saved(clock, kept)
            steps = next_steps(steps, clock, track.seconds)

    def pictures(self, saved: Saved, count: int, track: Track, folder: Path) -> Path:
        """What `python -m evaluation measure` takes: the checkpoint itself."""
        return saved.path


def next_steps(steps: int, seconds: float, budget: float) -> int | None:
    """Twice as many, or as many as fit into the budget; None where that is hardly more."""
    wanted = min(2 * steps, int(steps * budget / seconds))
    return wanted if wanted >= LEAST_GROWTH * steps else None


@dataclass(frozen=True)
class Peer:
    """Somebody else's, by a script of peers/ in an environment of its own; `points`: how many
    checkpoints it saves, the fewer the longer it takes to sample from one."""

    name: str
    about: str
    points: int = 8

    def command(self, track: Track, *arguments: object) -> list[str]:
        python = track.environments / f"race-{self.name}" / "bin" / "python"
        if not python.exists():
            raise Failed(f"{python} is absent; make race installs it")
        return [str(python), str(PEERS / f"{self.name}_mnist.py"), *map(str, arguments)]

    def train(self, track: Track, folder: Path) -> Iterator[Saved]:
        command = self.command(
            track, "train", "--data-dir", track.data, "--out", folder, "--seconds", track.seconds,
            "--points", self.points,
        )
        for seconds, line in stamped(command, folder / "log.txt", track.threads, ROOT):
            yield Saved(seconds, Path(line))

    def pictures(self, saved: Saved, count: int, track: Track, folder: Path) -> Path:
        """An array uint8 [count, 28, 28], drawn off the clock."""
        drawn = saved.path.with_suffix(".npy")
        command = self.command(
            track, "sample", "--weights", saved.path, "--count", count, "--out", drawn
        )
        outside(command, folder / "log.txt", track.threads, ROOT)
        return drawn


Contender = Recipe | Peer

CONTENDERS: tuple[Contender, ...] = (
    Recipe("gan", "Duet's GAN"),
    Recipe("vae", "Duet's VAE"),
    Recipe("dcgan", "DCGAN of TensorFlow's tutorial"),
    Peer("pythae", "Pythae's VAE, its MNIST benchmark networks"),
    Peer("torchcfm", "flow matching, TorchCFM's MNIST example", points=3),
)
