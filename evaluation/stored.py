"""The stored numbers: metrics.json of checkpoints and of the real held-out images."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from duet.core.files import replacing
from duet.core.lock import in_turn
from duet.core.ranks import is_main
from duet.hub import client
from duet.store import records
from duet.store.checkpoint import METRICS, Checkpoint
from duet.store.metrics import Measurement, MetricsRecord, Retraining
from duet.store.scores import SCORES
from duet.store.studies import Study
from evaluation.errors import EvaluationError
from evaluation.reference import home
from evaluation.sets import SetId


def store(path: Path, measured: Measurement, force: bool) -> None:
    """Put a measurement into a metrics.json. It replaces what answers the same request, and what
    belongs to other weights; other protocols stay beside it, unless `force`. EvaluationError, and
    nothing is changed, where what it would replace tells more, unless `force`. Of several processes
    the main one does so."""
    if not is_main():
        return
    with _in_turn(path) as content:
        before = content.answering(measured)
        if before is not None and not force and (lost := _lost(before, measured)):
            raise EvaluationError(
                f"{path} keeps the measurement that is there, since the new one lacks "
                f"{', '.join(lost)}; --force replaces it"
            )
        records.write(path, content.with_measurement(measured, force))


@contextlib.contextmanager
def _in_turn(path: Path) -> Iterator[MetricsRecord]:
    """What a metrics.json holds, and until this is left nobody else writes there."""
    with in_turn(path.parent):
        yield records.read(MetricsRecord, path) or MetricsRecord()


def _lost(before: Measurement, after: Measurement) -> list[str]:
    """The scores and intervals that one measurement has and another has not, by title."""
    scores = [(SCORES[key].title, score, after.scores.get(key))
              for key, score in before.scores.items() if key in SCORES]
    return [title for title, _, new in scores if new is None] + [
        f"the interval of {title}" for title, old, new in scores
        if new is not None and old.interval is not None and new.interval is None
    ]


def store_study(path: Path, study: Study) -> None:
    """Put a study into a metrics.json, as `store` does a measurement."""
    if not is_main():
        return
    with _in_turn(path) as content:
        records.write(path, content.with_study(study))


def store_retraining(path: Path, spread: Retraining, force: bool) -> None:
    """Put what training again changes beside a checkpoint's measurements. EvaluationError, and
    nothing is changed, where what is there is of more models or samples, unless `force`."""
    with _in_turn(path) as content:
        for before in content.retraining:
            weaker = len(spread.subjects) < len(before.subjects) or spread.samples < before.samples
            if before.extractor == spread.extractor and weaker and not force:
                raise EvaluationError(
                    f"{path} keeps the spread over {len(before.subjects)} models of "
                    f"{before.samples:,} samples that is there; --force replaces it"
                )
        records.write(path, content.with_retraining(spread))


def check_keeps(checkpoint: Checkpoint) -> None:
    """Refuse, before the long work, a checkpoint that `keep` could not write to."""
    if not client.is_cached(checkpoint.folder):
        check_writable(checkpoint)


def keep(checkpoint: Checkpoint, put: Callable[[Path], None]) -> list[str]:
    """Let `put` write into a checkpoint's metrics.json, but not into the Hub's cache; why that
    failed, in words, where it did: what was found is shown all the same."""
    if client.is_cached(checkpoint.folder):
        return []
    try:
        put(checkpoint.folder / METRICS)
    except (OSError, ValueError) as error:
        return [str(error)]
    return []


def check_writable(checkpoint: Checkpoint) -> None:
    """Refuse, before the long work, a folder whose metrics.json could not be written."""
    checkpoint.check_records()
    if is_main():
        check_folder(checkpoint.folder)


def check_folder(folder: Path) -> None:
    """EvaluationError where nothing could be written into a checkpoint's folder."""
    try:
        with replacing(folder / f".{METRICS}.trial") as scratch:
            scratch.touch()
        (folder / f".{METRICS}.trial").unlink()
    except OSError as error:
        raise EvaluationError(
            f"{folder} cannot be written to ({error}); copy it somewhere else first"
        ) from error


def stored(checkpoint: Checkpoint) -> tuple[Measurement, ...]:
    """A checkpoint's measurements; EvaluationError where it was never measured, or the weights
    changed since."""
    checkpoint.check_records()
    again = f"python -m evaluation measure {checkpoint.folder}"
    if not checkpoint.metrics.measurements:
        raise EvaluationError(
            f"{checkpoint.folder / METRICS} is absent or empty; make it by: {again}"
        )
    for measured in checkpoint.metrics.measurements:
        if measured.subject_sha256 != checkpoint.weights_sha256:
            raise EvaluationError(
                f"{checkpoint.folder / METRICS}: scores in {measured.protocol.extractor}'s space "
                f"belong to other weights; measure again: {again}"
            )
    return checkpoint.metrics.measurements


def published(checkpoint: Checkpoint, extractor: str) -> Measurement:
    """What tables show of a checkpoint; EvaluationError where it was not measured so."""
    stored(checkpoint)
    found = checkpoint.metrics.published(extractor)
    if found is None:
        raise EvaluationError(
            f"{checkpoint.name} was not measured in {extractor}'s space; do it by: "
            f"python -m evaluation measure {checkpoint.folder} --extractor {extractor}"
        )
    return found


def held_out_path(images: SetId) -> Path:
    """Where the scores of a data set's real held-out images are kept."""
    return home(images, "held-out.json")


def held_out(images: SetId) -> MetricsRecord:
    """The stored scores of a data set's real held-out images; empty where there are none."""
    return records.read(MetricsRecord, held_out_path(images)) or MetricsRecord()
