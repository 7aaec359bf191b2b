"""Several processes for one measurement: `torchrun --nproc-per-node 2 -m evaluation measure …`.

Batch i is generated and extracted by process i mod n, just as one process alone would do it, and so
with batches of paths and of reconstructions; then each has all features, in order. The main process
scores them and tells the others. So every score is the single-process one to the last digit, given
as many threads. Only the main process writes metrics.json and prints. Without torchrun all this is
nothing.
"""

import contextlib
import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from pydantic import TypeAdapter
from torch import distributed

from duet.core.ranks import MAIN, asked, count, is_main, launched, main_speaks, meet, rank
from duet.store.metrics import ScoreRecord
from evaluation.errors import EvaluationError

PATIENCE = datetime.timedelta(days=1)  # the others wait while the main process scores
T = TypeVar("T")
_SCORES = TypeAdapter(dict[str, ScoreRecord])


@contextlib.contextmanager
def processes() -> Iterator[None]:
    """Join the other processes for the length of a command; all but the main one fall silent."""
    if launched() == 1:
        yield
        return
    meet(lambda: distributed.init_process_group("gloo", timeout=PATIENCE))
    try:
        with main_speaks():
            yield
    finally:
        distributed.destroy_process_group()


def share(batches: Sequence[T]) -> Sequence[T]:
    """This process's part of what is to be done: every n-th batch, perhaps none."""
    return batches[rank() :: count()]


def check_enough(batches: int) -> None:
    """EvaluationError where there are fewer batches than processes."""
    if batches < count():
        raise EvaluationError(
            f"{batches} batches are too few for {count()} processes; start fewer by torchrun "
            "--nproc-per-node, or take more images"
        )


def together(own: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """All batches in order, from each process's results [n, …]; `sizes`: of every batch."""
    if count() == 1:
        return own
    parts = []
    for source in range(count()):
        theirs = list(sizes[source :: count()])
        whole = own if source == rank() else own.new_empty(sum(theirs), *own.shape[1:])
        _broadcast(whole, source)
        parts.append(whole.split(theirs))
    return torch.cat([parts[i % count()][i // count()] for i in range(len(sizes))])


def by_main(score: Callable[[], dict[str, ScoreRecord]]) -> dict[str, ScoreRecord]:
    """What the main process computes, for all."""
    if count() == 1:
        return score()
    content = _SCORES.dump_json(score()) if is_main() else b""
    length = torch.tensor(len(content))
    _broadcast(length, MAIN)
    told = torch.tensor(list(content or bytes(int(length))), dtype=torch.uint8)
    _broadcast(told, MAIN)
    return _SCORES.validate_json(bytes(told.tolist()))


def _broadcast(tensor: torch.Tensor, source: int) -> None:
    asked(lambda: distributed.broadcast(tensor, source))
