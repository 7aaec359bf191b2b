"""Several processes for one measurement: `torchrun --nproc-per-node 2 -m evaluation measure …`.

Batch i is generated and extracted by process i mod n, just as one process alone would do it, and so
with batches of paths and of reconstructions; then each has all features, in order. The main process
scores them and tells the others. So every score
is the single-process one to the last digit, given as many threads. Only the main process writes
metrics.json and prints. Without torchrun all this is nothing.
"""

import contextlib
import datetime
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import torch
from pydantic import TypeAdapter
from torch import distributed

from duet.store.metrics import ScoreRecord
from evaluation.errors import EvaluationError

MAIN = 0
PATIENCE = datetime.timedelta(days=1)  # the others wait while the main process scores
T = TypeVar("T")
_SCORES = TypeAdapter(dict[str, ScoreRecord])


def launched() -> int:
    """How many processes torchrun has started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def processes() -> Iterator[None]:
    """Join the other processes for the length of a command; all but the main one fall silent."""
    if launched() == 1:
        yield
        return
    distributed.init_process_group("gloo", timeout=PATIENCE)
    try:
        with _stdout_for_the_main_one():
            yield
    finally:
        distributed.destroy_process_group()


@contextlib.contextmanager
def _stdout_for_the_main_one() -> Iterator[None]:
    if is_main():
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


def is_main() -> bool:
    return _rank() == MAIN


def share(batches: Sequence[T]) -> Sequence[T]:
    """This process's part of what is to be done: every n-th batch, perhaps none."""
    return batches[_rank() :: _size()]


def check_enough(batches: int) -> None:
    """EvaluationError where there are fewer batches than processes."""
    if batches < _size():
        raise EvaluationError(
            f"{batches} batches are too few for {_size()} processes; start fewer by torchrun "
            "--nproc-per-node, or take more images"
        )


def together(own: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """All batches in order, from each process's results [n, …]; `sizes`: of every batch."""
    if _size() == 1:
        return own
    parts = []
    for rank in range(_size()):
        theirs = list(sizes[rank :: _size()])
        whole = own if rank == _rank() else own.new_empty(sum(theirs), *own.shape[1:])
        distributed.broadcast(whole, rank)
        parts.append(whole.split(theirs))
    return torch.cat([parts[i % _size()][i // _size()] for i in range(len(sizes))])


def by_main(score: Callable[[], dict[str, ScoreRecord]]) -> dict[str, ScoreRecord]:
    """What the main process computes, for all."""
    if _size() == 1:
        return score()
    content = _SCORES.dump_json(score()) if is_main() else b""
    length = torch.tensor(len(content))
    distributed.broadcast(length, MAIN)
    told = torch.tensor(list(content or bytes(int(length))), dtype=torch.uint8)
    distributed.broadcast(told, MAIN)
    return _SCORES.validate_json(bytes(told.tolist()))


def _rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else MAIN


def _size() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1
