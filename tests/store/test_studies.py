"""Studies in metrics.json: one a request, and of these weights only."""

import dataclasses

import pytest

from duet.store import records
from duet.store.metrics import MetricsRecord
from duet.store.records import RecordError
from duet.store.studies import (
    CellRecord,
    CopiesRecord,
    CopyScores,
    GainRecord,
    ImagesRecord,
    MeanRecord,
    UtilityRecord,
)

DIGEST, OTHER = "0" * 64, "1" * 64
REAL = ImagesRecord("mnist", "train", 60_000, DIGEST)
SCORES = CopyScores(-1.5, (CellRecord(50, 60, -2.0),), 0.6, 0.01, 0.5, 0.6, -2.5, 1.0, 1.25)
COPIES = CopiesRecord(
    {"features": SCORES}, {"features": SCORES}, 10_000, 0, 1.0, "mnist", DIGEST, REAL, REAL, 0,
    DIGEST, "cpu", {"torch": "2.11.0"},
)
MEAN = MeanRecord(0.9, 0.01, (0.88, 0.92))
UTILITY = UtilityRecord(
    (GainRecord(10, MEAN, MEAN, MEAN), GainRecord(100, MEAN, MEAN, MEAN)), MEAN, MEAN, 1000, 5,
    200, 0, 1.0, REAL, REAL, DIGEST, "cpu", {"torch": "2.11.0"},
)
STUDIES = pytest.mark.parametrize(("key", "study"), [("copies", COPIES), ("utility", UTILITY)])


def changed(study, **changes):
    return dataclasses.replace(study, **changes)


@STUDIES
def test_they_are_read_as_written(tmp_path, key, study):
    path = tmp_path / "metrics.json"
    records.write(path, MetricsRecord().with_study(study))
    assert getattr(records.read(MetricsRecord, path), key) == (study,)


@STUDIES
def test_another_request_stays_and_the_same_is_replaced(key, study):
    again = changed(study, device="cuda")
    content = MetricsRecord()
    for new in (study, changed(study, seed=1), again):
        content = content.with_study(new)
    assert getattr(content, key) == (changed(study, seed=1), again)


@pytest.mark.parametrize(
    "change",
    [{"per_class": 11}, {"generated_per_class": 9}, {"repeats": 4}, {"steps": 9}, {"seed": 1},
     {"truncation": 0.5}],
)
def test_requests_of_utility_differ_in_what_was_asked(change):
    if "per_class" in change:
        change = {"gains": (changed(UTILITY.gains[0], **change), UTILITY.gains[1])}
    assert changed(UTILITY, **change).request != UTILITY.request


@pytest.mark.parametrize(
    "change", [{"samples": 9}, {"seed": 1}, {"truncation": 0.5}, {"extractor": "inception"}]
)
def test_requests_of_copies_differ_in_what_was_asked(change):
    assert changed(COPIES, **change).request != COPIES.request


@STUDIES
def test_those_of_other_weights_go(key, study, measurement):
    content = MetricsRecord().with_study(study)
    other = changed(study, seed=1, subject_sha256=OTHER)
    assert getattr(content.with_study(other), key) == (other,)
    assert getattr(content.with_measurement(measurement()), key) == (study,)
    assert getattr(content.with_measurement(measurement(subject_sha256=OTHER)), key) == ()


def test_what_is_no_number_is_not_written(tmp_path):
    bad = changed(COPIES, floor={"features": changed(SCORES, copying=float("nan"))})
    with pytest.raises(RecordError, match="would not be a valid record"):
        records.write(tmp_path / "metrics.json", MetricsRecord().with_study(bad))
    assert not any(tmp_path.iterdir())
