"""Measuring again by what is stored: checkpoints, and the real images that frame their tables."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

from duet import data
from duet.data import DataError
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement
from duet.store.scores import samples as samples_text
from evaluation import reconstruction
from evaluation.comparison import differences, protocol_differences
from evaluation.fidelity import OpenExtractors
from evaluation.harness import Request, measure, measure_held_out, protocol_of
from evaluation.reference import open_reference
from evaluation.sets import SetId
from evaluation.stored import held_out


def verify_checkpoint(
    checkpoint: Checkpoint, stored: Measurement, extractors: OpenExtractors
) -> list[str]:
    """What differs, in words; where the protocol does already, nothing is measured."""
    asked, extractor = stored.protocol, extractors[stored.protocol.extractor]
    reference = open_reference(SetId.of(checkpoint), extractor)
    request = Request(
        asked.samples, asked.seed, asked.truncation, asked.repeats or 0,
        modes=asked.mode_images is not None,
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
        extractor = extractors[before.protocol.extractor]
        repeats = before.protocol.repeats or 0
        after = measure_held_out(found, extractor, open_reference(images, extractor), repeats)
        words = differences(before, after)
        if before.subject_sha256 != after.subject_sha256:
            words.append("the held-out images are others")
        yield before, words


def is_wanted(stored: Measurement, at_most: int | None) -> bool:
    """Whether a measurement is of no more samples than a quick look wants."""
    return at_most is None or stored.protocol.samples <= at_most


def tell(name: str, stored: Measurement, words: list[str]) -> None:
    """One line on stdout for one measurement."""
    asked = f"{stored.protocol.extractor}, {samples_text(stored.protocol)} samples"
    print(f"{name} ({asked}): {'; '.join(words) or 'as stored'}", flush=True)
