"""How long and how large what a record holds may be, from both sides of each bound."""

import dataclasses
import math

import pytest

from duet.core.files import write_json
from duet.store import records
from duet.store.checkpoint import CheckpointError, read_config
from duet.store.config import ClassName, ConfigRecord, DataRecord
from duet.store.metrics import Measurement, MetricsRecord, ScoreRecord
from duet.store.records import (
    Amount,
    Count,
    Curve,
    Digest,
    Line,
    Name,
    RecordError,
    RepositoryId,
    Share,
    Text,
    Versions,
    Word,
)
from duet.store.run import LogRow, RunRecord
from duet.store.training import TrainingRecord


def words(count):
    return {f"w{number}": "x" for number in range(count)}


def test_values_have_their_bounds():
    for kind, right, wrong in [
        (Word, ["x", "x" * 100, "é, è"], ["", "x" * 101, "a\nb", "a\x1b", 7]),
        (ClassName, ["x", "x" * 99], ["", "x" * 100]),
        (Line, ["", "x" * 300], ["x" * 301, "a\nb"]),
        (Text, ["", "x\n" * 2000], ["x" * 4001]),
        (Name, ["a", "A-b.c_0", "x" * 96], ["", "-a", "x" * 97, "a/b", "a\n"]),
        (RepositoryId, ["a/b"], ["a", "a/b/c", "a/b\n"]),
        (Digest, ["0f" * 32], ["0" * 63, "0" * 65, "F" * 64]),
        (Count, [0, 2**63 - 1], [-1, 2**63, 1.5]),
        (Share, [0.0, 1.0, 0], [-0.01, 1.01]),
        (Amount, [0.0, 1e9], [-0.01]),
        (Curve, [[], [1.0] * 1000], [[1.0] * 1001]),
        (Versions, [{}, words(20)], [words(21), {"": "x"}]),
    ]:
        for value in right:
            records.validate(kind, value)
        for value in wrong:
            with pytest.raises(RecordError):
                records.validate(kind, value)


def fits(record, **changes):
    """Whether a record with these changes can be read."""
    try:
        records.validate(type(record), dataclasses.asdict(record) | changes)
    except RecordError:
        return False
    return True


def test_collections_have_their_bounds(training_record, measurement):
    digest = "0" * 64
    data = DataRecord("toy", "Toy", ())
    config = ConfigRecord("a", "gan", {}, data, digest)
    run = RunRecord("gan", "command", None, {}, {}, 1)
    measured = measurement()
    one = dataclasses.asdict(measured)
    score = dataclasses.asdict(ScoreRecord(1.0))
    for record, name, make, most in [
        (data, "class_names", lambda n: ["x"] * n, 10_000),
        (config, "config", lambda n: dict.fromkeys(words(n), 1), 50),
        (run, "settings", words, 100),
        (training_record(), "settings", words, 100),
        (training_record(), "curves", lambda n: {word: [1.0] for word in words(n)}, 50),
        (LogRow(1, 1.0, {"loss": 1.0}), "losses", lambda n: dict.fromkeys(words(n), 1.0), 48),
        (measured, "scores", lambda n: dict.fromkeys(words(n), score), 50),
        (MetricsRecord(), "measurements", lambda n: [one] * n, 50),
    ]:
        assert fits(record, **{name: make(most)}), name
        assert not fits(record, **{name: make(most + 1)}), name
    assert not fits(LogRow(1, 1.0, {"loss": 1.0}), losses={})


def test_what_may_be_left_out():
    """Fields that older versions did not write have a value for their absence."""
    least = {
        ConfigRecord: {"name": "a", "architecture": "gan", "config": {}, "weights_sha256": "0" * 64,
                       "data": {"name": "a", "title": "A", "class_names": []}, "schema": 2},
        ScoreRecord: {"value": 1.0},
        MetricsRecord: {"schema": 4},
        RunRecord: {"recipe": "gan", "command": "", "git_commit": None, "settings": {},
                    "versions": {}, "threads": 1, "schema": 1},
        TrainingRecord: {"recipe": "gan", "command": "", "git_commit": None, "settings": {},
                         "versions": {}, "hardware": "", "seconds": 0, "steps": 0,
                         "images_seen": 0, "epochs": 0, "curves": {}, "schema": 1},
    }
    found = {kind: records.validate(kind, values) for kind, values in least.items()}
    assert found[ScoreRecord] == ScoreRecord(1.0, spread=None, interval=None, count=0)
    assert found[MetricsRecord].measurements == ()
    assert (found[RunRecord].data, found[TrainingRecord].threads) == (None, None)
    data = found[ConfigRecord].data
    assert (data.hub_id, data.images_sha256, data.about, data.origin) == (None, None, "", "")
    for kind, values in least.items():
        required = values.keys() - {"schema", "measurements"}
        for key in required:
            with pytest.raises(RecordError, match=f"{key}: Field required"):
                records.validate(kind, {k: v for k, v in values.items() if k != key})
        if "schema" in values:
            with pytest.raises(RecordError, match="schema: Input should be"):
                records.validate(kind, values | {"schema": values["schema"] + 1})


def test_a_refusal_names_the_place_and_no_more_than_is_read(measurement):
    whole = {"kind": LogRow, "values": {"step": 1, "seconds": 1.0, "losses": {"x" * 60: "much"}}}
    with pytest.raises(RecordError, match=rf"^losses\.{'x' * 40}: Input should be a valid number"):
        records.validate(**whole)
    with pytest.raises(RecordError, match=r"^the whole: Input should be an object"):
        records.validate(LogRow, 7)
    measured = dataclasses.asdict(measurement())
    measured["scores"]["precision"]["interval"] = [0.5, "x"]
    with pytest.raises(RecordError, match=r"^scores\.precision\.interval\.1: "):
        records.validate(Measurement, measured)


def test_infinity_is_not_written(tmp_path, training_record):
    for value in (math.inf, math.nan):
        with pytest.raises(RecordError, match="would not be a valid record"):
            records.write(tmp_path / "training.json", training_record(seconds=value))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_configuration_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no .*config\.json"):
        read_config(tmp_path)
    write_json(tmp_path / "config.json", {"schema": 2})
    with pytest.raises(CheckpointError, match="name: Field required"):
        read_config(tmp_path)
