"""What counts as a difference from what is stored, and what is measured again to find it."""

import dataclasses

import pytest

import duet
from duet.core.files import read_json, write_json
from duet.store.metrics import MetricsRecord, ScoreRecord
from duet.store.scores import SCORES
from evaluation import stored as stored_module
from evaluation import tables, verification
from evaluation.__main__ import main
from evaluation.comparison import differences, protocol_differences
from evaluation.errors import EvaluationError
from evaluation.sets import SetId

TOY = SetId("toy", None)
FID = SCORES["frechet_distance"]
EDGE = FID.tolerance
OVER = 1.01 * EDGE


@pytest.fixture
def measured(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "200"]) == 0
    capsys.readouterr()
    return folder


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (ScoreRecord(0.0), ScoreRecord(EDGE), []),
        (ScoreRecord(0.0), ScoreRecord(-OVER), [f"{FID.title}: stored 0, measured "]),
        (ScoreRecord(1.0), ScoreRecord(1.0, spread=0.1), ["'s spread is stored or measured, but"]),
        (ScoreRecord(1.0, spread=0.1), ScoreRecord(1.0), ["'s spread is stored or measured, but"]),
        (ScoreRecord(1.0, spread=0.0), ScoreRecord(1.0, spread=FID.spread_tolerance), []),
        (ScoreRecord(1.0, spread=0.0), ScoreRecord(1.0, spread=1.01 * FID.spread_tolerance + 1e-9),
         ["'s spread: stored 0, measured "]),
        (ScoreRecord(1.0, count=5), ScoreRecord(1.0, count=6), ["'s count: stored 5, measured 6"]),
        (ScoreRecord(1.0, count=5), ScoreRecord(1.0), ["'s count: stored 5, measured 0"]),
        (ScoreRecord(1.0, interval=(0.0, 2.0)), ScoreRecord(1.0, interval=(EDGE, 2.0)), []),
        (ScoreRecord(1.0, interval=(0.0, 2.0)), ScoreRecord(1.0, interval=(OVER, 2.0)),
         ["'s interval from: stored 0"]),
        (ScoreRecord(1.0, interval=(0.0, 2.0)), ScoreRecord(1.0, interval=(0.0, 2 + OVER)),
         ["'s interval to: stored 2"]),
        (ScoreRecord(1.0), ScoreRecord(1.0, interval=(0.0, 2.0)),
         ["'s interval from is stored or measured", "'s interval to is stored or measured"]),
        (ScoreRecord(1.0, 0.2, (0.0, 2.0), 5), ScoreRecord(1.0, 0.2, (0.0, 2.0), 5), []),
    ],
)
def test_each_number_of_a_score_is_compared(measurement, before, after, found):
    one, two = (measurement(scores={"frechet_distance": score}) for score in (before, after))
    said = differences(one, two)
    assert len(said) == len(found)
    for words, part in zip(said, found, strict=True):
        assert part in words


def test_scores_that_went_are_told_and_those_that_came_are_not(measurement):
    one, two = ScoreRecord(1.0), ScoreRecord(2.0)
    old = measurement(scores={"recall": one, "forgotten": one})
    new = measurement(scores={"precision": two, "forgotten": one})
    assert differences(old, new) == [
        f"{key} is stored, but not measured any more" for key in ("recall", "forgotten")
    ]


def test_every_part_of_a_protocol_is_compared(measurement):
    old, other = measurement().protocol, measurement(seed=1, truncation=0.5)
    assert protocol_differences(old, old) == []
    assert protocol_differences(old, other.protocol) == ["seed: 0 and 1", "truncation: 1.0 and 0.5"]
    assert differences(measurement(), other)[0] == "protocol, seed: 0 and 1"
    reference = dataclasses.replace(old.reference, images=9)
    assert protocol_differences(old, dataclasses.replace(old, reference=reference)) == [
        "reference.images: 60000 and 9"
    ]


@pytest.mark.parametrize(("at_most", "wanted"), [(None, True), (200, True), (199, False)])
def test_a_quick_look_is_at_few_samples(measurement, at_most, wanted):
    assert verification.is_wanted(measurement(samples=200), at_most) is wanted


def test_another_protocol_is_told_without_measuring(measured, capsys, monkeypatch):
    content = read_json(measured / "metrics.json")
    content["measurements"][0]["protocol"]["rng_seed"] = 7
    write_json(measured / "metrics.json", content)
    monkeypatch.setattr(verification, "measure", lambda *_: pytest.fail("measured"))
    assert main(["verify", str(measured)]) == 1
    shown, said = capsys.readouterr()
    assert f"{measured} (mnist, 200 samples): rng_seed: 7 and 2020\n" == shown
    assert "error: 1 of 1 measurements are not as stored" in said


def test_what_is_stored_comes_first_in_the_words(measured, capsys, monkeypatch):
    (again,) = duet.load(measured).metrics.measurements
    monkeypatch.setattr(verification, "measure", lambda *_: again)
    content = read_json(measured / "metrics.json")
    content["measurements"][0]["scores"]["recall"]["value"] = 0.125
    write_json(measured / "metrics.json", content)
    assert main(["verify", str(measured)]) == 1
    assert "Recall: stored 0.125, measured " in capsys.readouterr().out


def test_the_floor_is_of_the_stored_images(measured, toy_data, capsys, monkeypatch):
    """Which are looked for, and never fetched."""
    assert main(["reference", "--data", "toy"]) == 0
    path = stored_module.held_out_path(TOY)
    content = read_json(path)
    content["measurements"][0]["subject_sha256"] = "0" * 64
    content["measurements"][0]["scores"]["recall"]["value"] = 0.125
    write_json(path, content)
    load, asked = duet.data.load, []
    monkeypatch.setattr(
        "duet.data.load", lambda *given, **named: asked.append((given, named)) or load(*given)
    )
    capsys.readouterr()
    assert main(["verify", str(measured)]) == 1
    shown = capsys.readouterr().out
    assert "the held-out images are others" in shown
    assert "Recall: stored 0.125, measured " in shown
    assert asked == [(("toy", "test", None), {"download": False})]


def test_verify_wants_something_stored_and_readable(folder, reference, capsys):
    assert main(["verify", str(folder)]) == 2
    assert "metrics.json is absent or empty" in capsys.readouterr().err
    (folder / "metrics.json").write_text("{")
    assert main(["verify", str(folder)]) == 2
    assert "metrics.json" in capsys.readouterr().err


def test_scores_of_other_weights_are_in_no_table(folder, measurement):
    loaded = dataclasses.replace(duet.load(folder), metrics=MetricsRecord((measurement(),)))
    with pytest.raises(EvaluationError, match="belong to other weights"):
        stored_module.published(loaded, "mnist")


def test_trials_leave_nothing_behind(measured):
    stored_module.check_writable(duet.load(measured))
    assert [path.name for path in measured.iterdir() if path.name.startswith(".")] == []


def test_what_is_in_the_hubs_cache_is_measured_and_left_alone(
    folder, reference, capsys, monkeypatch
):
    monkeypatch.setattr("evaluation.stored.client.is_cached", lambda _: True)
    monkeypatch.setattr(stored_module, "check_writable", lambda _: pytest.fail("tried"))
    assert main(["measure", str(folder), "--samples", "100"]) == 0
    assert "tiny" in capsys.readouterr().out
    assert not (folder / "metrics.json").exists()


def test_a_terminals_columns_are_aligned_and_hold_whatever_a_row_has(measurement):
    score, other = ScoreRecord(1.25), ScoreRecord(0.5)
    table = [
        tables.Row(0, "real", measurement(scores={"frechet_distance": score})),
        tables.Row(1, "a model", measurement(scores={"recall": other}), 1234567, 7200.0),
    ]
    heading, real, model = tables.terminal_table(table).splitlines()
    fid, recall = SCORES["frechet_distance"], SCORES["recall"]
    assert heading.split("  ")[0] == "model"
    for title in (fid.heading, recall.heading, "samples", "parameters", "training"):
        end = heading.index(f" {title}") + 1 + len(title)
        for line, row in ((real, table[0]), (model, table[1])):
            shown = dict(zip(tables.titles({"a": fid, "b": recall}),
                             tables.cells(row, {"frechet_distance": fid, "recall": recall}),
                             strict=True))[title]
            assert line[:end].endswith(f" {shown}")
    assert model.startswith("a model  ")
    assert real.startswith("real     ")
    assert "1,234,567" in model
    assert real.split()[-2:] == ["–", "–"]


@pytest.mark.parametrize("text", [
    "", tables.BEGIN, tables.END, tables.BEGIN * 2 + tables.END, tables.BEGIN + tables.END * 2,
])
def test_marks_stand_once_each(tmp_path, text):
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(EvaluationError, match="must hold the marks"):
        tables.replace_table(readme, "| new |", check=False)
    assert readme.read_text() == text


def test_the_table_command_writes_and_shows_the_table(root, tmp_path, capsys):
    """Checking changes nothing."""
    readme = tmp_path / "README.md"
    old = f"a\n{tables.BEGIN}\nold\n{tables.END}\nb\n"
    readme.write_text(old)
    assert main(["table", "--readme", str(readme), "--check"]) == 2
    assert readme.read_text() == old
    assert main(["table", "--readme", str(readme)]) == 0
    table = capsys.readouterr().out
    assert "| mnist-gan |" in table
    assert readme.read_text(encoding="utf-8") == f"a\n{tables.BEGIN}\n{table}{tables.END}\nb\n"
    assert main(["table", "--readme", str(readme), "--check"]) == 0
