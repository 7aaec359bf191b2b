"""Measuring anything: what can fail cheaply first, then the long work, then the words."""

import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

import duet
from duet.data import DATASETS, ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement
from evaluation import stored, tables
from evaluation.against import Against
from evaluation.errors import EvaluationError
from evaluation.extractors import first_made_for
from evaluation.fidelity import Extractor, OpenExtractors
from evaluation.harness import MIN_SAMPLES, Request, check_fit, measure, record
from evaluation.reference import Reference, extract_set, open_reference
from evaluation.sets import SetId
from evaluation.sources import Opening, Source, open_source


class Named(NamedTuple):
    """A checkpoint, and what it was called on the command line."""

    source: str
    checkpoint: Checkpoint


def load_all(sources: Sequence[str]) -> list[Named]:
    """Checkpoints that were named, each once, with what it is."""
    return [Named(source, duet.load(source)) for source in _once(sources)]


def open_all(sources: Sequence[str], opening: Opening) -> list[Source]:
    """What was named, each once."""
    return [open_source(text, opening) for text in _once(sources)]


def _once(sources: Sequence[str]) -> list[str]:
    if len(sources) == 0:
        raise EvaluationError("name at least one checkpoint, e.g. checkpoints/mnist-gan")
    return list(dict.fromkeys(sources))


class Work(NamedTuple):
    """What is needed to measure one source. `floor`: the data set whose real held-out images frame
    its table; None where the reference is not its training split."""

    source: Source
    extractor: Extractor
    reference: Reference
    floor: SetId | None

    def done(self, request: Request) -> Measurement:
        origin = self.source.origin
        if isinstance(origin, Checkpoint):
            return measure(origin, self.extractor, self.reference, request)
        count = min(request.samples, len(origin))
        if count < request.samples:
            print(
                f"{self.source.text} holds {count:,} pictures: its scores compare with those of as "
                f"many, by --samples {count}", file=sys.stderr,
            )
        (found,) = self.repeated([dataclasses.replace(request, samples=count)])
        return found

    def repeated(self, requests: Sequence[Request]) -> Iterator[Measurement]:
        """Independent measurements of one count: of the streams that were asked for, or of disjoint
        random parts of pictures."""
        origin = self.source.origin
        if isinstance(origin, Checkpoint):
            for request in requests:
                yield measure(origin, self.extractor, self.reference, request)
            return
        order = shuffled(origin, requests[0].seed)
        for request, chosen in zip(requests, order.split(requests[0].samples), strict=False):
            images = subset(origin, chosen)
            yield measure_pictures(images, self.extractor, self.reference, request)


def shuffled(images: ImageSet, seed: int) -> torch.Tensor:
    """All indices of a set in random order: metrics that look at the first so many, or at parts,
    see something of every class of a sorted folder."""
    return torch.from_numpy(np.random.default_rng(seed).permutation(len(images)))


def subset(images: ImageSet, chosen: torch.Tensor) -> ImageSet:
    """Some pictures of a set, in the order of their indices int64 [N]."""
    return dataclasses.replace(
        images, images=images.images[chosen], labels=images.labels[chosen], files=()
    )


def measure_pictures(
    images: ImageSet, extractor: Extractor, reference: Reference, request: Request
) -> Measurement:
    """Extract and score pictures that are there already."""
    found = extract_set(images, extractor)
    found = dataclasses.replace(found, labels=_meant(images, extractor, reference))
    asked = dataclasses.replace(request, samples=len(images), truncation=1.0)
    return record(found, extractor, reference, asked, images.sha256)


def _meant(
    images: ImageSet, extractor: Extractor, reference: Reference
) -> torch.Tensor | None:
    """Labels as the extractor's logits have them: of pictures whose classes are called as those of
    the reference's data set, or by their numbers; None where they mean something else."""
    about = reference.about
    real = SetId(about.data, about.images_sha256)
    if about.data not in DATASETS or not extractor.names_classes_of(real):
        return None
    known, own = DATASETS[about.data].facts.class_names, images.class_names
    if own == known:
        return images.labels
    if not own or own != tuple(map(str, range(len(own)))):
        return None
    if len(own) > len(known):
        raise EvaluationError(
            f"{images.name} has labels up to {len(own) - 1}, {about.data} only {len(known)} classes"
        )
    return images.labels


def prepare(
    sources: Sequence[Source], against: Against | None, extractors: OpenExtractors,
    of_reference: Request,
) -> list[Work]:
    """All that can fail before the long work: extractors, shapes, references (which are extracted
    where need be, after everything else was found good), folders to write to. `of_reference`: the
    samples that are compared with where `against` is a checkpoint."""
    for source in sources:
        if isinstance(source.origin, ImageSet) and len(source.origin) < MIN_SAMPLES:
            raise EvaluationError(
                f"{source.text} holds {len(source.origin)} pictures; at least {MIN_SAMPLES} are "
                "needed"
            )
    if against is None:
        return [_by_default(source, extractors) for source in sources]
    for source in sources:
        against.check_like(source)
    candidates = [*against.sets, *(SetId.of(source.origin) for source in sources)]
    extractor = extractors[first_made_for(candidates, extractors.asked)]
    for source in sources:
        check_fit(source.origin, extractor)
    reference = against.reference(extractor, of_reference)
    return [Work(source, extractor, reference, against.floor) for source in sources]


def _by_default(source: Source, extractors: OpenExtractors) -> Work:
    """A checkpoint against what it was made from."""
    checkpoint = source.origin
    if not isinstance(checkpoint, Checkpoint):
        raise EvaluationError(
            f"{source.text} does not say what it should be like; say so by --against, e.g. "
            "--against mnist"
        )
    images = SetId.of(checkpoint)
    extractor = extractors.serving(images)
    check_fit(checkpoint, extractor)
    stored.check_keeps(checkpoint)
    return Work(source, extractor, open_reference(images, extractor), images)


def keep(source: Source, measured: Measurement, force: bool) -> list[str]:
    """Write a checkpoint's measurement as `stored.keep` does; nothing of pictures."""
    if not isinstance(source.origin, Checkpoint):
        return []
    return stored.keep(source.origin, lambda path: stored.store(path, measured, force))


Done = Sequence[tuple[Work, Measurement]]


def as_json(done: Done) -> str:
    """Keyed by what was named."""
    found = {work.source.text: dataclasses.asdict(measured) for work, measured in done}
    return json.dumps(found, indent=2)


def as_tables(done: Done) -> list[list[tables.Row]]:
    """A table a protocol: what does not compare does not stand together."""
    found = []
    for protocol in dict.fromkeys(measured.protocol for _, measured in done):
        same = [entry for entry in done if entry[1].protocol == protocol]
        found.append(_table([(work.source.origin, m) for work, m in same], same[0][0].floor))
    return found


def _table(
    entries: Sequence[tuple[Checkpoint | ImageSet, Measurement]], floor: SetId | None
) -> list[tables.Row]:
    if floor is None:
        return tables.model_rows(entries)
    try:
        return tables.rows(entries, floor)
    except EvaluationError as error:  # the floor is of another protocol: the numbers stay
        print(f"without the real images: {error}", file=sys.stderr)
        return tables.model_rows(entries)
