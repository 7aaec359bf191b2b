"""Records come from strangers: whole and strict, or left out in words."""

import dataclasses
import json

import pytest

import duet
from duet.core.files import read_json, write_json
from duet.store import records
from duet.store.checkpoint import METRICS, TRAINING, save
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord, Retraining, ScoreRecord
from duet.store.records import RecordError
from duet.store.training import TrainingRecord


def test_round_trip(tmp_path, training_record, measurement):
    path = tmp_path / "record.json"
    for record in (training_record(curves={"step": (1.0, 2.0)}), MetricsRecord((measurement(),))):
        records.write(path, record)
        assert records.read(type(record), path) == record
        assert next(iter(read_json(path))) == "schema"


def test_absent_is_none(tmp_path):
    assert records.read(TrainingRecord, tmp_path / "none.json") is None


BROKEN = {
    "not JSON": b"{",
    "a list": b"[]",
    "nested": b"[" * 100_000,
    "not UTF-8": b"\xff\xfe",
    "NaN": b'{"seconds": NaN}',
    "surrogate": {"hardware": "\ud800"},
    "long": {"hardware": "x" * 301},
    "boolean": {"steps": True},
    "negative": {"steps": -1},
    "huge": {"steps": 2**70},
    "text": {"seconds": "soon"},
    "unknown": {"extra": 1},
    "another schema": {"schema": 9},
    "many curves": {"curves": {str(number): [1.0] for number in range(51)}},
    "long curve": {"curves": {"loss": [1.0] * 1001}},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_record_of_another_form_is_named(tmp_path, training_record, change):
    path = tmp_path / TRAINING
    records.write(path, training_record())
    if isinstance(change, dict):
        change = json.dumps(read_json(path) | change).encode()
    path.write_bytes(change)
    with pytest.raises(RecordError, match=r"training\.json.*; make it again, or take it out"):
        records.read(TrainingRecord, path)


def test_a_large_record_is_not_read(tmp_path):
    (tmp_path / METRICS).write_bytes(b" " * (2**20 + 1))
    with pytest.raises(RecordError, match="is larger than"):
        records.read(MetricsRecord, tmp_path / METRICS)


def test_many_measurements_are_refused(tmp_path, measurement):
    many = MetricsRecord(tuple(measurement(seed=seed) for seed in range(51)))
    with pytest.raises(RecordError, match="would not be a valid record"):
        records.write(tmp_path / METRICS, many)


def test_a_broken_record_does_not_stop_the_model(tmp_path, tiny_gan):
    save(tmp_path, tiny_gan, name="tiny", made_from=DataRecord("toy", "Toy", tuple("0123456789")))
    (tmp_path / METRICS).write_text('{"extractors": {}}')
    (tmp_path / TRAINING).write_text("[" * 10_000)
    loaded = duet.load(tmp_path)
    assert loaded.model.sample(1).shape == (1, 1, 28, 28)
    assert (loaded.training, loaded.metrics) == (None, MetricsRecord())
    assert [METRICS in problem or TRAINING in problem for problem in loaded.problems] == [True] * 2
    with pytest.raises(duet.CheckpointError, match=r"training\.json .*; .*metrics\.json"):
        loaded.check_records()


def test_a_weaker_protocol_never_takes_the_place_of_a_stricter(measurement):
    published, quick = measurement(), measurement(samples=100)
    record = MetricsRecord((published,)).with_measurement(quick)
    assert record.published("mnist") is published
    assert record.measurements == (published, quick)
    for other in (measurement(seed=3, samples=60_000), measurement(truncation=0.5, samples=60_000)):
        assert record.with_measurement(other).published("mnist") is published
    stricter = measurement(samples=60_000)
    assert record.with_measurement(stricter).published("mnist") is stricter


def test_held_out_images_need_not_be_as_many(measurement):
    """Their protocol is that of samples but for what depends on the count."""
    free = {"samples": 7, "seed": 3, "truncation": 0.5, "inception_score_splits": 2,
            "kernel_subset_size": 9, "manifold_images": 11, "repeats": 3, "limit_parts": 2,
            "patch_images": 5, "path_pairs": 4, "reconstructions": 6,
            "mode_images": 8, "part_manifold_images": 3}
    whole = measurement().protocol
    for name, value in free.items():
        assert measurement(**{name: value}).protocol.without_counts() == whole.without_counts()
    reference = dataclasses.replace(whole.reference, seed=1)
    for name, value in {"extractor": "other", "extractor_sha256": "1" * 64, "kernel_subsets": 9,
                        "neighborhood": 9, "rng_seed": 9, "reference": reference,
                        "class_images": 8, "patches": 9}.items():
        assert measurement(**{name: value}).protocol.without_counts() != whole.without_counts()
    names = {field.name for field in dataclasses.fields(whole)}
    assert len(names) == len(free) + 8


def test_what_was_not_measured_is_none():
    assert MetricsRecord().published("mnist") is None
    assert MetricsRecord().extractors() == ()


def test_the_same_request_is_replaced_and_other_weights_go(measurement):
    first = MetricsRecord((measurement(), measurement(samples=100), measurement(extractor="other")))
    again = measurement(scores={"frechet_distance": ScoreRecord(1.0)})
    assert first.with_measurement(again).measurements == (*first.measurements[1:], again)
    retrained = measurement(subject_sha256="1" * 64)
    assert first.with_measurement(retrained).measurements == (retrained,)


def test_force_drops_the_other_protocols_of_that_space(measurement):
    other = measurement(extractor="other")
    first = MetricsRecord((measurement(), measurement(samples=100), other))
    weaker = measurement(samples=200)
    assert first.with_measurement(weaker, force=True).measurements == (other, weaker)


def test_metrics_of_schema_2_are_brought_up_to_date(tmp_path, measurement):
    """Counts were told by whoever knew the metrics; no number changes."""
    record = MetricsRecord((measurement(manifold_images=4000),))
    new = dataclasses.asdict(record)
    old = json.loads(json.dumps(new)) | {"schema": 2}
    for score in old["measurements"][0]["scores"].values():
        del score["interval"], score["count"]
    write_json(tmp_path / "metrics.json", old)
    (found,) = records.read(MetricsRecord, tmp_path / "metrics.json").measurements
    counts = {key: score.count for key, score in found.scores.items()}
    assert counts == dict.fromkeys(counts, 50_000) | {"precision": 4000, "recall": 4000}
    bare = {key: dataclasses.replace(s, count=0) for key, s in found.scores.items()}
    assert dataclasses.replace(found, scores=bare) == record.measurements[0]


LATER = ("repeats", "limit_parts", "class_images", "patch_images", "patches", "path_pairs",
         "reconstructions")


def test_metrics_of_schema_3_are_brought_up_to_date(tmp_path, measurement):
    """No number changes; what it did not measure it does not claim."""
    record = MetricsRecord((measurement(),))
    old = json.loads(json.dumps(dataclasses.asdict(record))) | {"schema": 3}
    del old["retraining"], old["measurements"][0]["warnings"]
    for key in LATER:
        del old["measurements"][0]["protocol"][key]
    for score in old["measurements"][0]["scores"].values():
        del score["by_class"]
    write_json(tmp_path / "metrics.json", old)
    assert records.read(MetricsRecord, tmp_path / "metrics.json") == record


def test_the_spread_of_retraining_stays_with_its_models(measurement):
    spread = Retraining("mnist", 50_000, ("0" * 64, "1" * 64), {"recall": 0.01})
    record = MetricsRecord((measurement(),)).with_retraining(spread)
    assert record.retraining_spreads(measurement()) == {"recall": 0.01}
    assert record.retraining_spreads(measurement(samples=10_000)) == {}
    assert record.retraining_spreads(measurement(extractor="inception")) == {}
    newer = dataclasses.replace(spread, spreads={"recall": 0.02})
    assert record.with_retraining(newer).retraining == (newer,)
    assert record.with_measurement(measurement(seed=3)).retraining == (spread,)
    assert record.with_measurement(measurement(subject_sha256="2" * 64)).retraining == ()


@pytest.mark.parametrize("broken", [7, [7], [{}], [{"protocol": 1, "scores": {}}], None,
                                    [{"protocol": {}, "scores": [1]}]])
def test_a_broken_record_of_an_older_schema_is_refused(tmp_path, broken):
    write_json(tmp_path / "metrics.json", {"schema": 2, "measurements": broken})
    with pytest.raises(RecordError, match=r"metrics\.json is not what"):
        records.read(MetricsRecord, tmp_path / "metrics.json")
