"""The spread of scores over training seeds, and what must be alike for it."""

import dataclasses
import statistics
from types import SimpleNamespace

import pytest

import duet
from duet.store import records
from duet.store.checkpoint import METRICS, TRAINING, save
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord, Retraining, ScoreRecord
from evaluation import retraining, stored
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.verification import verify_retraining

SEEDS = (0, 4, 7)


@pytest.fixture
def trained(tmp_path, tiny_gan, measurement, training_record, monkeypatch):
    """trained(index, **changes) -> a measured checkpoint's folder; changes of its settings or
    measurement. Weights differ by a bias."""

    def make(index, settings=None, samples=50_000):
        folder = tmp_path / f"run-{index}"
        folder.mkdir(exist_ok=True)
        next(tiny_gan.parameters()).data.add_(1)
        save(folder, tiny_gan, name="tiny",
             made_from=DataRecord("mnist", "MNIST", tuple("0123456789")))
        given = {"seed": SEEDS[index], "batch_size": 64} | (settings or {})
        records.write(folder / TRAINING, training_record(settings=given))
        digest = duet.load(folder).weights_sha256
        scores = {"frechet_distance": ScoreRecord(0.1 * index**2), "recall": ScoreRecord(0.5)}
        if index == 1:
            scores["specks"] = ScoreRecord(0.3)
        record = measurement(subject_sha256=digest, scores=scores, samples=samples)
        records.write(folder / METRICS, MetricsRecord((record,)))
        return folder

    return make


def test_the_spread_is_written_beside_every_ones_scores(trained, capsys):
    folders = [trained(index) for index in range(3)]
    assert main(["retraining", *map(str, folders)]) == 0
    expected = {"frechet_distance": statistics.stdev((0, 0.1, 0.4)), "recall": 0}
    for folder in folders:
        found = duet.load(folder)
        (spread,) = found.metrics.retraining
        assert spread.spreads == pytest.approx(expected)
        assert (spread.extractor, spread.samples) == ("mnist", 50_000)
        assert spread.subjects == tuple(duet.load(each).weights_sha256 for each in folders)
        assert len(found.metrics.measurements) == 1
    assert "frechet_distance  0.208" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"seed": 0}}, "two checkpoints have one training seed"),
        ({"settings": {"batch_size": 32}}, "more than their training seed: batch_size: 64 and 32"),
        ({"settings": {"width": 8}}, "width: None and 8"),
        ({"samples": 5000}, "samples: 50000 and 5000"),
    ],
)
def test_what_differs_in_more_than_the_seed_is_refused(trained, capsys, changes, words):
    folders = [trained(0), trained(1, **changes)]
    assert main(["retraining", *map(str, folders)]) == 2
    assert words in capsys.readouterr().err
    assert duet.load(folders[0]).metrics.retraining == ()


def test_one_is_no_spread_and_without_its_record_nothing_is_known(trained, capsys):
    one, two = trained(0), trained(1)
    assert main(["retraining", str(one)]) == 2
    assert "takes two checkpoints or more" in capsys.readouterr().err
    (two / TRAINING).unlink()
    assert main(["retraining", str(one), str(two)]) == 2
    assert "has no record of its training" in capsys.readouterr().err


def test_unmeasured_ones_are_refused(trained, capsys):
    one, two = trained(0), trained(1)
    path = two / METRICS
    content = records.read(MetricsRecord, path)
    records.write(path, dataclasses.replace(content, measurements=()))
    assert main(["retraining", str(one), str(two)]) == 2
    assert "absent or empty" in capsys.readouterr().err


def test_the_hubs_cache_is_not_written_to(trained, capsys, tmp_path, monkeypatch):
    """What is found is shown all the same; a folder that is the user's own is written to."""
    folders = [trained(index) for index in range(2)]
    monkeypatch.setattr("evaluation.stored.client.cache_folder", lambda: folders[0])
    assert main(["retraining", *map(str, folders)]) == 0
    assert "recall  0" in capsys.readouterr().out
    assert [len(duet.load(folder).metrics.retraining) for folder in folders] == [0, 1]


def test_a_spread_over_fewer_models_takes_no_place(trained, capsys):
    folders = [str(trained(index)) for index in range(3)]
    assert main(["retraining", *folders]) == 0
    assert main(["retraining", *folders[:2]]) == 2
    captured = capsys.readouterr()
    assert "frechet_distance  0.0707" in captured.out
    assert "keeps the spread over 3 models of 50,000 samples" in captured.err
    assert len(duet.load(folders[0]).metrics.retraining[0].subjects) == 3
    assert main(["retraining", *folders[:2], "--force"]) == 0
    assert len(duet.load(folders[0]).metrics.retraining[0].subjects) == 2


def test_a_spread_over_fewer_samples_takes_no_place(trained):
    folder = trained(0)
    spread = Retraining("mnist", 50_000, ("0" * 64, "1" * 64), {"recall": 0.01})
    fewer = dataclasses.replace(spread, samples=10_000)
    stored.store_retraining(folder / METRICS, spread, force=False)
    with pytest.raises(EvaluationError, match="keeps the spread"):
        stored.store_retraining(folder / METRICS, fewer, force=False)
    elsewhere = dataclasses.replace(fewer, extractor="inception")
    stored.store_retraining(folder / METRICS, elsewhere, force=False)
    assert duet.load(folder).metrics.retraining == (spread, elsewhere)


def test_a_spread_of_other_models_is_told(trained):
    one, two, other = (duet.load(trained(index)) for index in range(3))
    spread = Retraining("mnist", 50_000, (one.weights_sha256, two.weights_sha256), {})
    untrue = dataclasses.replace(other, metrics=other.metrics.with_retraining(spread))
    assert list(verify_retraining(untrue, [one, two, other])) == [
        ("mnist", ["retraining: the spreads are those of other models"])
    ]


def test_verify_tells_other_spreads_where_all_models_are_at_hand(trained, capsys):
    """And says so where not all are named."""
    folders = [str(trained(index)) for index in range(3)]
    assert main(["retraining", *folders]) == 0
    checkpoints = [duet.load(folder) for folder in folders]
    assert list(verify_retraining(checkpoints[0], checkpoints)) == [("mnist", [])]
    assert list(verify_retraining(checkpoints[0], checkpoints[:2])) == []
    assert "retraining: not verified (name all 3 models" in capsys.readouterr().err
    (spread,) = checkpoints[0].metrics.retraining
    other = dataclasses.replace(spread, spreads=spread.spreads | {"recall": 0.1})
    untrue = dataclasses.replace(
        checkpoints[0], metrics=checkpoints[0].metrics.with_retraining(other)
    )
    ((_, words),) = verify_retraining(untrue, checkpoints)
    assert words == ["retraining: the spreads are others"]


def test_every_setting_of_either_and_what_is_no_setting_is_compared(training_record):
    def trained(digest, **changes):
        return SimpleNamespace(
            training=training_record(**changes), made_from=SimpleNamespace(images_sha256=digest)
        )

    one = trained("a", settings={"seed": 1, "width": 8, "depth": 2}, recipe="gan", steps=9)
    two = trained("b", settings={"seed": 2, "depth": 2, "gamma": 3}, recipe="vae", steps=8)
    assert retraining._differences(one, one) == []
    assert retraining._differences(one, two) == [
        "gamma: None and 3", "images: a and b", "recipe: gan and vae", "steps: 9 and 8",
        "width: 8 and None",
    ]
