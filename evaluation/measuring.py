"""Measuring checkpoints: what can fail cheaply first, then the long work, then the words."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple

import duet
from duet.hub import client
from duet.store.checkpoint import METRICS, Checkpoint
from duet.store.metrics import Measurement
from evaluation import stored, tables
from evaluation.errors import EvaluationError
from evaluation.fidelity import Extractor, OpenExtractors
from evaluation.harness import Request, check_fit, measure
from evaluation.reference import Reference, open_reference
from evaluation.sets import SetId


class Named(NamedTuple):
    """A checkpoint, and what it was called on the command line."""

    source: str
    checkpoint: Checkpoint


class Work(NamedTuple):
    """What is needed to measure one checkpoint."""

    checkpoint: Checkpoint
    extractor: Extractor
    reference: Reference

    def done(self, request: Request) -> Measurement:
        return measure(self.checkpoint, self.extractor, self.reference, request)


def load_all(sources: Sequence[str]) -> list[Named]:
    """What was named, each once, with what it is."""
    if len(sources) == 0:
        raise EvaluationError("name at least one checkpoint, e.g. checkpoints/mnist-gan")
    return [Named(source, duet.load(source)) for source in dict.fromkeys(sources)]


def prepare(checkpoint: Checkpoint, extractors: OpenExtractors) -> Work:
    """All that can fail before the long work: extractor, reference, a folder to write to."""
    images = SetId.of(checkpoint)
    extractor = extractors.serving(images)
    check_fit(checkpoint, extractor)
    if not client.is_cached(checkpoint.folder):
        stored.check_writable(checkpoint)
    return Work(checkpoint, extractor, open_reference(images, extractor))


def keep(checkpoint: Checkpoint, measured: Measurement, force: bool) -> list[str]:
    """Write a measurement into the checkpoint's folder, but not into the Hub's cache; why that
    failed, in words, where it did: the numbers are printed all the same."""
    if client.is_cached(checkpoint.folder):
        return []
    try:
        stored.store(checkpoint.folder / METRICS, measured, force)
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def print_measured(done: Sequence[tuple[Named, Measurement]], as_json: bool) -> None:
    """JSON keyed by what was named, or a table a data set."""
    if as_json:
        found = {named.source: dataclasses.asdict(measured) for named, measured in done}
        print(json.dumps(found, indent=2))
        return
    entries = [(checkpoint, measured) for (_, checkpoint), measured in done]
    for images in dict.fromkeys(SetId.of(checkpoint) for checkpoint, _ in entries):
        same = [entry for entry in entries if SetId.of(entry[0]) == images]
        try:
            table = tables.rows(same)
        except EvaluationError as error:  # the floor is of another protocol: the numbers stay
            print(f"without the real images: {error}", file=sys.stderr)
            table = tables.model_rows(same)
        print(tables.terminal_table(table))
