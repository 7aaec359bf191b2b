"""Answers that were given already. What the page draws follows from a model and the options alone,
so the second who opens a link is served what the first was.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from duet.store.checkpoint import Checkpoint

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """The answers used last, whose sizes come to no more than `most` together: bytes, or how many
    they are. What several ask for at once is made once."""

    def __init__(self, most: int, size: Callable[[Value], int] = lambda value: 1) -> None:
        self.most, self.size = most, size
        self.held = 0
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._coming: dict[Hashable, Future[Value]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """The answer to `key`; what `make` raises is raised, and not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            others = self._coming.get(key)
            ours: Future[Value] = Future()
            if others is None:
                self._coming[key] = ours
        if others is not None:
            return others.result()
        try:
            value = make()
        except BaseException as error:
            with self._lock:
                del self._coming[key]
            ours.set_exception(error)
            raise
        with self._lock:
            del self._coming[key]
            self._keep(key, value)
        ours.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Value) -> None:
        self._kept[key] = value
        self.held += self.size(value)
        while self.held > self.most:
            _, oldest = self._kept.popitem(last=False)
            self.held -= self.size(oldest)


def identity(checkpoint: Checkpoint) -> Hashable:
    """All of a model that decides what is drawn of it and written below: a folder's name may stand
    for other weights tomorrow, and equal weights may draw otherwise by another configuration."""
    return (
        checkpoint.name, checkpoint.architecture, checkpoint.weights_sha256,
        checkpoint.model.config, checkpoint.class_names,
    )
