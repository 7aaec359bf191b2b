"""Measuring again by what is stored: checkpoints, the real images that frame their tables, studies,
and what training again changes."""

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from duet import data
from duet.data import DataError, ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement
from duet.store.scores import samples as samples_text
from duet.store.studies import CopiesRecord, Study, UtilityRecord
from evaluation import copies, reconstruction
from evaluation.comparison import differences, protocol_differences, study_differences
from evaluation.errors import EvaluationError
from evaluation.fidelity import OpenExtractors
from evaluation.harness import Request, measure, measure_held_out, protocol_of
from evaluation.real import real_images
from evaluation.reference import open_reference
from evaluation.retraining import spread_over_seeds
from evaluation.sets import SetId
from evaluation.stored import held_out
from evaluation.usefulness import Bench, Plan

K = TypeVar("K")
V = TypeVar("V")


def attempted(find: Callable[..., list[str]], *given: object) -> list[str]:
    """What `find` finds to differ. Where it cannot be found out, that is said and counts as a
    difference: one measurement in an unknown space must not leave the others unread."""
    try:
        return find(*given)
    except EvaluationError as error:
        return [f"it cannot be measured again: {error}"]


def verify_checkpoint(
    checkpoint: Checkpoint, stored: Measurement, extractors: OpenExtractors
) -> list[str]:
    """What differs, in words; where the protocol does already, nothing is measured."""
    asked, extractor = stored.protocol, extractors[stored.protocol.extractor]
    reference = open_reference(SetId.of(checkpoint), extractor)
    request = Request(
        asked.samples, asked.seed, asked.truncation, asked.repeats or 0,
        modes=asked.mode_images is not None, equal_parts=asked.part_manifold_images is not None,
    )
    changed = protocol_differences(asked, protocol_of(request, extractor, reference))
    if changed:
        return changed
    after = measure(checkpoint, extractor, reference, request)
    return differences(_at_hand(checkpoint, stored, after), after)


def _at_hand(checkpoint: Checkpoint, stored: Measurement, after: Measurement) -> Measurement:
    """What is stored, without the scores of held-out images that are not at hand; stderr says so.
    """
    absent = [key for key in reconstruction.SCORES if key in stored.scores.keys() - after.scores]
    if not absent or reconstruction.held_out(checkpoint) is not None:
        return stored
    print(
        f"{checkpoint.name}, {', '.join(absent)}: not verified (the held-out images of "
        f"{checkpoint.data} are not at hand)", file=sys.stderr,
    )
    kept = {key: score for key, score in stored.scores.items() if key not in absent}
    return dataclasses.replace(stored, scores=kept)


def verify_held_out(
    images: SetId, extractors: OpenExtractors, data_dir: Path | None, at_most: int | None
) -> Iterator[tuple[Measurement, list[str]]]:
    """Each stored measurement of a data set's held-out images, and what differs; nothing where the
    images are not at hand, which is said on stderr."""
    stored = [m for m in held_out(images).measurements if is_wanted(m, at_most)]
    if not stored:
        return
    try:
        found = data.load(images.name, "test", data_dir, download=False)
    except DataError as error:
        print(f"{images.name}, real held-out images: not verified ({error})", file=sys.stderr)
        return
    for before in stored:
        yield before, attempted(_held_out_differences, found, images, before, extractors)


def _held_out_differences(
    found: ImageSet, images: SetId, before: Measurement, extractors: OpenExtractors
) -> list[str]:
    extractor = extractors[before.protocol.extractor]
    repeats = before.protocol.repeats or 0
    equal_parts = before.protocol.part_manifold_images is not None
    after = measure_held_out(
        found, extractor, open_reference(images, extractor), repeats, equal_parts
    )
    words = differences(before, after)
    if before.subject_sha256 != after.subject_sha256:
        words.append("the held-out images are others")
    return words


class Studies:
    """Makes studies again. The real images of a data set, and what was found out about them alone,
    serve all checkpoints made from it."""

    def __init__(self, extractors: OpenExtractors, data_dir: Path | None) -> None:
        self.extractors, self.data_dir = extractors, data_dir
        self._grounds: dict[tuple[SetId, str], copies.Ground] = {}
        self._benches: dict[tuple[SetId, Plan], Bench] = {}

    def verify(self, checkpoint: Checkpoint) -> Iterator[tuple[Study, list[str]]]:
        """Each stored study of a checkpoint, and what differs; nothing where the real images are
        not at hand, which is said on stderr."""
        metrics = checkpoint.metrics
        stored: tuple[Study, ...] = (*metrics.copies, *metrics.utility)
        if not stored:
            return
        try:
            real = real_images(checkpoint, None, self.data_dir, False, download=False)
        except EvaluationError as error:
            print(f"{checkpoint.name}, its studies: not verified ({error})", file=sys.stderr)
            return
        for before in stored:
            yield before, attempted(self._differences, checkpoint, before, real)

    def _differences(
        self, checkpoint: Checkpoint, stored: Study, real: tuple[ImageSet, ImageSet]
    ) -> list[str]:
        return study_differences(stored, self._again(checkpoint, stored, real))

    def _again(
        self, checkpoint: Checkpoint, stored: Study, real: tuple[ImageSet, ImageSet]
    ) -> Study:
        images = SetId.of(checkpoint)
        if isinstance(stored, UtilityRecord):
            plan = Plan(
                tuple(gain.per_class for gain in stored.gains), stored.generated_per_class,
                stored.repeats, stored.steps, stored.seed, stored.truncation,
            )
            bench = functools.partial(Bench, *real, plan, self.extractors.device)
            return _kept(self._benches, (images, plan), bench).study(checkpoint)
        request = Request(stored.samples, stored.seed, stored.truncation)
        ground = functools.partial(copies.Ground, *real, self.extractors[stored.extractor])
        drawn = copies.draw(checkpoint, request, self.extractors.device)
        place = _kept(self._grounds, (images, stored.extractor), ground)
        return place.study(checkpoint, drawn, request)


def _kept(made: dict[K, V], key: K, make: Callable[[], V]) -> V:
    if key not in made:
        made[key] = make()
    return made[key]


def verify_retraining(
    checkpoint: Checkpoint, others: Sequence[Checkpoint]
) -> Iterator[tuple[str, list[str]]]:
    """Of each extractor in which it is known what training again changes, what differs; nothing
    where not all of those models are among `others`, which is said on stderr."""
    by_weights = {other.weights_sha256: other for other in others}
    for stored in checkpoint.metrics.retraining:
        if checkpoint.weights_sha256 not in stored.subjects:
            yield stored.extractor, ["retraining: the spreads are those of other models"]
            continue
        if not by_weights.keys() >= set(stored.subjects):
            print(
                f"{checkpoint.name}, retraining: not verified (name all {len(stored.subjects)} "
                "models that it is of)", file=sys.stderr,
            )
            continue
        after = spread_over_seeds([by_weights[s] for s in stored.subjects], stored.extractor)
        yield stored.extractor, [] if after == stored else ["retraining: the spreads are others"]


def is_wanted(stored: Measurement, at_most: int | None) -> bool:
    """Whether a measurement is of no more samples than a quick look wants."""
    return at_most is None or stored.protocol.samples <= at_most


def about_measurement(stored: Measurement) -> str:
    return f"{stored.protocol.extractor}, {samples_text(stored.protocol)} samples"


def about_study(stored: Study) -> str:
    if isinstance(stored, CopiesRecord):
        return f"copies, {stored.samples:,} samples"
    return f"utility, {stored.generated_per_class:,} samples a class"


def tell(name: str, about: str, words: list[str]) -> None:
    """One line on stdout for one measurement or study."""
    print(f"{name} ({about}): {'; '.join(words) or 'as stored'}", flush=True)
