"""Whether two differ, and in what."""

import json

import numpy as np
import pytest

from duet.store.metrics import ScoreRecord
from evaluation import pairs
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.pairs import Plan, differences


def test_streams_are_disjoint_and_the_references_too():
    plan = Plan(200, 4, seed=7, truncation=0.5)
    streams = [[request.seed for request in plan.requests(side)] for side in (0, 1)]
    assert streams == [[7, 8, 9, 10], [11, 12, 13, 14]]
    assert plan.of_reference.seed == 15
    assert (plan.of_reference.samples, plan.of_reference.truncation) == (800, 1.0)
    both = [request for side in (0, 1) for request in plan.requests(side)]
    assert {(r.samples, r.truncation, r.repeats) for r in both} == {(200, 0.5, 0)}


@pytest.fixture
def sides(measurement):
    """sides([(fid, recall), …], [(fid, recall), …]) -> measurements that say so."""

    def make(*values):
        return [
            [measurement(scores={"frechet_distance": ScoreRecord(fid), "recall": ScoreRecord(r)})
             for fid, r in side]
            for side in values
        ]

    return make


def test_a_sentence_a_score(sides):
    """Lower is better in one, higher in the other; the third repetition lacks nothing."""
    found = differences(("a", "b"), sides(
        [(1.0, 0.5), (1.1, 0.6), (0.9, 0.4)], [(3.0, 0.51), (3.1, 0.61), (2.9, 0.41)],
    ))
    assert list(found) == ["frechet_distance", "recall"]
    fid, recall = found.values()
    assert (fid.better, recall.better) == (0, None)
    assert fid.sentence == "a is better in FID by 2.000 ± 0.285 (1.000, not 3.000)"
    assert recall.sentence == (
        "no difference can be seen in Recall: 0.500 and 0.510, 0.010 apart, ± 0.285"
    )
    assert fid.as_dict()["better"] == "a"
    assert fid.as_dict()["difference"] == pytest.approx(2)
    assert (fid.as_dict()["first"], fid.as_dict()["second"]) == pytest.approx((1, 3))
    assert fid.as_dict()["interval"] == pytest.approx((2 - 0.285, 2 + 0.285), abs=1e-3)
    assert recall.as_dict()["better"] is None
    turned = differences(("a", "b"), sides([(3.0, 0.1)] * 3, [(1.0, 0.9)] * 3))
    assert [each.better for each in turned.values()] == [1, 1]
    assert turned["recall"].sentence.startswith("b is better in Recall by 0.800 ± 0.000 (0.900")


def test_more_scores_make_wider_intervals(sides, measurement):
    """All hold at once."""
    both = sides([(1.0, 0.5), (1.1, 0.6), (0.9, 0.4)], [(3.0, 0.5), (3.1, 0.6), (2.9, 0.4)])
    alone = [
        [measurement(scores={"recall": measured.scores["recall"]}) for measured in side]
        for side in both
    ]
    margins = [differences(("a", "b"), s)["recall"].found.margin for s in (both, alone)]
    assert margins[0] > 1.2 * margins[1]
    assert margins[1] == pytest.approx(2.7764 * (2 * 0.01 / 3) ** 0.5, rel=1e-4)  # 4 degrees


def test_a_score_that_one_repetition_lacks_is_left_out(sides, measurement):
    both = sides([(1.0, 0.5)] * 3, [(1.0, 0.5)] * 3)
    both[1][2] = measurement(scores={"recall": ScoreRecord(0.5)})
    assert list(differences(("a", "b"), both)) == ["recall"]


def test_small_margins_keep_two_digits():
    assert pairs._digits(0.00051234, 0.000123, 3) == ("0.00051", "0.00012")
    assert pairs._digits(1.25, 0.5, 3) == ("1.250", "0.500")
    assert pairs._digits(0.0, 0.0, 2) == ("0.00", "0.00")


def test_a_model_differs_from_real_images_but_not_from_itself(
    folder, toy_data, reference, tmp_path, capsys
):
    real = tmp_path / "real.npy"
    np.save(real, toy_data.images.numpy())
    few = ["--repeats", "3", "--samples", "120"]
    assert main(["compare", str(folder), str(folder), *few]) == 0
    shown, said = capsys.readouterr()
    shown = shown.splitlines()
    assert len(shown) > 6
    assert said.endswith(
        "3 times 120 images each in mnist's space, against 300 of toy (train); all intervals hold "
        "at once at 95%\n"
    )
    assert "parts of" not in said
    assert all(line.startswith("no difference can be seen in ") for line in shown), shown
    assert main(["compare", str(folder), str(real), *few, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found.keys() == {"first", "second", "repeats", "confidence", "protocol", "scores"}
    assert (found["first"], found["second"]) == (str(folder), str(real))
    assert (found["repeats"], found["confidence"]) == (3, 0.95)
    assert found["scores"]["recall"].keys() == {
        "first", "second", "difference", "interval", "better", "sentence",
    }
    assert found["protocol"]["seed"] == 0  # the first of all
    assert found["protocol"]["samples"] == 100  # what three disjoint parts of 300 hold
    assert "parts of 100 images" in captured.err
    assert found["scores"]["frechet_distance"]["better"] == str(real)
    assert found["scores"]["recall"]["better"] == str(real)
    assert not (folder / "metrics.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["FOLDER", "few.npy"], "few.npy holds 320 pictures, 10 parts of 32; at least 100"),
        (["FOLDER", "FOLDER", "--repeats", "2"], "--repeats must be at least 3, not 2"),
        (["few.npy", "few.npy", "--repeats", "3"], r"what should they be like\? neither says it"),
        (["FOLDER", "mnist-gan"], "they were made from different data .toy and mnist"),
        (["FOLDER", "rgb.npy", "--repeats", "3"], "rgb.npy has 28×28 pixels in colour"),
        (["FOLDER", "FOLDER", "--samples", "99"], "--samples must be at least 100"),
    ],
)
def test_what_cannot_be_compared_is_named(
    folder, reference, tmp_path, capsys, monkeypatch, arguments, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pairs, "repeat", lambda *_: pytest.fail("measured"))
    np.save("few.npy", np.zeros((320, 28, 28), np.uint8))
    np.save("rgb.npy", np.zeros((320, 28, 28, 3), np.uint8))
    assert main(["compare", *(str(folder) if a == "FOLDER" else a for a in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    with pytest.raises(EvaluationError, match=said):
        raise EvaluationError(captured.err)
