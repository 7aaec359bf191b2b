"""How far a second measurement may lie from the first: one request, measured with other numbers of
threads, other batches, and without oneDNN's kernels, as another machine would round.

    python -m benchmarks.tolerances mnist-gan --samples 10000

Prints, a score, the largest difference from the first way of value, interval's ends, spread and
value within a class, and the tolerances of duet/store/scores.py. Another machine, or another
version of torch: let it `--keep FILE` of its first way, and name that file here by `--beside`.
"""

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from pydantic import TypeAdapter

import duet
from duet.store.metrics import Measurement, ScoreRecord
from duet.store.scores import SCORES
from evaluation import harness, path_length, reconstruction, reference
from evaluation.fidelity import OpenExtractors
from evaluation.sets import SetId

WAYS = {
    "1 thread, batches of 250": (1, 250, True),
    "2 threads": (2, 250, True),
    "batches of 50": (1, 50, True),
    "batches of 1000": (1, 1000, True),
    "without oneDNN": (1, 250, False),
}
MEASUREMENT = TypeAdapter(Measurement)


@contextlib.contextmanager
def computing(threads: int, batch: int, with_onednn: bool) -> Iterator[None]:
    """Generation and extraction by so many threads, in such batches."""
    torch.set_num_threads(threads)
    for module in (harness, reference, reconstruction):
        module.BATCH = batch
    path_length.BATCH = batch // 2
    with torch.backends.mkldnn.flags(enabled=with_onednn):
        yield


class Moved(NamedTuple):
    """The largest differences of a score's numbers."""

    value: float
    interval: float
    spread: float
    by_class: float


def moved(one: ScoreRecord, two: ScoreRecord) -> Moved:
    pairs = (
        ((one.value,), (two.value,)), (one.interval, two.interval),
        ((one.spread or 0,), (two.spread or 0,)), (one.by_class, two.by_class),
    )
    return Moved(*(
        max((abs(a - b) for a, b in zip(first or (), second or (), strict=True)
             if a is not None and b is not None), default=0.0)
        for first, second in pairs
    ))


def report(ways: dict[str, Measurement]) -> None:
    first, *others = ways.values()
    for name, measured in list(ways.items())[1:]:
        found = ", ".join(
            f"{key} {moved(score, measured.scores[key]).value:.2g}"
            for key, score in first.scores.items()
        )
        print(f"{name}: {found}")
    print(f"\n{'score':26}{'value':>12}{'interval':>12}{'tolerance':>12}"
          f"{'spread':>12}{'tolerance':>12}{'class':>12}{'tolerance':>12}")
    for key, score in first.scores.items():
        found = [moved(score, other.scores[key]) for other in others]
        most, kind = Moved(*map(max, zip(*found, strict=True))), SCORES[key]
        numbers = (most.value, most.interval, kind.tolerance, most.spread, kind.spread_tolerance,
                   most.by_class, kind.class_tolerance)
        print(f"{key:26}" + "".join(f"{number:12.2g}" for number in numbers))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--ways", type=int, default=len(WAYS), help="only the first so many")
    parser.add_argument("--keep", type=Path, help="write the first way's measurement here")
    parser.add_argument("--beside", type=Path, nargs="*", default=[], help="kept ones of others")
    arguments = parser.parse_args()
    checkpoint = duet.load(arguments.checkpoint)
    images = SetId.of(checkpoint)
    extractor = OpenExtractors(torch.device("cpu")).serving(images)
    opened = reference.open_reference(images, extractor)
    request = harness.Request(arguments.samples)
    ways = {}
    for name, way in list(WAYS.items())[: arguments.ways]:
        with computing(*way):
            ways[name] = harness.measure(checkpoint, extractor, opened, request)
    if arguments.keep is not None:
        arguments.keep.write_bytes(MEASUREMENT.dump_json(next(iter(ways.values()))))
    ways |= {
        path.name: MEASUREMENT.validate_json(path.read_bytes()) for path in arguments.beside
    }
    report(ways)


if __name__ == "__main__":
    main()
