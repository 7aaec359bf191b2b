"""Which of several processes this is, where a launcher such as torchrun started more than one. What
they do together is each program's own."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

from torch import distributed

from duet.core.errors import DuetError

MAIN = 0
T = TypeVar("T")


class RanksError(DuetError):
    """Processes that a launcher started cannot work together; the message says why."""


class LostProcessError(RanksError):
    """Another process has ended, does not answer, or never came."""


def launched() -> int:
    """How many processes a launcher has started; 1 without one."""
    said = os.environ.get("WORLD_SIZE", "1")
    if not said.isdecimal() or len(said) > 9 or int(said) < 1:
        raise RanksError(
            f"WORLD_SIZE is {said[:40]!r}, no number of processes; unset it, or start by torchrun"
        )
    return int(said)


def rank() -> int:
    """The number of this process, 0 of the main one."""
    return distributed.get_rank() if distributed.is_initialized() else MAIN


def count() -> int:
    """How many have joined; 1 before that."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_main() -> bool:
    """Whether this process is the one that writes and speaks."""
    return rank() == MAIN


def meet(join: Callable[[], object]) -> None:
    """`join()` the others; LostProcessError where the launcher does not say how, or they do not
    come."""
    try:
        join()
    except (ValueError, RuntimeError) as error:
        raise LostProcessError(f"the processes of this program do not meet: {error}") from error


def asked(message: Callable[[], T], advice: str = "") -> T:
    """A message to all; LostProcessError, which ends in `advice`, where one is no longer there."""
    try:
        return message()
    except RuntimeError as error:
        raise LostProcessError(
            "another process of this program has ended or does not answer "
            f"({str(error).splitlines()[0]:.200}){advice}"
        ) from error


@contextlib.contextmanager
def main_speaks() -> Iterator[None]:
    """All but the main process fall silent, but for what ends them."""
    if is_main():
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere), \
            contextlib.redirect_stderr(nowhere):
        yield
