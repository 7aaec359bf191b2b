"""--eval-every: what is measured when, what is kept, and that the run itself does not notice."""

import json
import math
import os
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure

import duet
from duet.core.files import read_json
from duet.core.tensors import load_tensors
from duet.store import records
from duet.store.metrics import MetricsRecord, ScoreRecord
from duet.store.run import LogRow, read_log
from training import scoring
from training.config import TrainingError
from training.log import RunLog, draw_curves
from training.scoring import OF_A_LAUNCHER, TOLD
from training.state import Progress

WEIGHTS = "checkpoint/model.safetensors"


@pytest.fixture
def evaluation(monkeypatch, measurement):
    """Stands for the evaluation's process: FIDs in turn; `asked`: (command, environment)."""
    fake = SimpleNamespace(asked=[], fids=[], protocols=[], returncode=0, stderr="")

    def run(command, env, **options):
        assert options["start_new_session"]
        fake.asked.append((command, env))
        folder = command[command.index("measure") + 1]
        fid = fake.fids[len(fake.asked) - 1]
        scores = {
            "frechet_distance": ScoreRecord(fid), "kernel_distance": ScoreRecord(fid / 10),
            "precision": ScoreRecord(0.5), "recall": ScoreRecord(0.25),
            "label_agreement": ScoreRecord(0.9),
        }
        measured = measurement(scores=scores, samples=fake.protocols.pop() if fake.protocols
                               else 2000)
        duet.load(folder).check_records()  # it is a whole checkpoint
        if not fake.returncode:
            path = scoring.Path(folder) / "metrics.json"
            records.write(path, MetricsRecord((measured,)))
        return SimpleNamespace(returncode=fake.returncode, stderr=fake.stderr)

    monkeypatch.setattr("training.scoring.subprocess", SimpleNamespace(run=run))
    return fake


def saved_step(path):
    return json.loads(load_tensors(path)[1]["duet"])["step"]


def test_scores_are_taken_every_so_many_steps_and_at_the_end(run, evaluation, capsys):
    evaluation.fids = [9.0, 3.0, 1.5, 2.0]
    folder = run("gan", "a", steps=5, save_every=3, eval_every=2)
    rows = read_log(folder / "scores.jsonl")
    assert [row.step for row in rows] == [0, 2, 4, 5]
    assert rows[2].losses == {
        "frechet_distance": 1.5, "kernel_distance": 0.15, "precision": 0.5, "recall": 0.25
    }
    assert list(rows[0].losses) == [key for key in TOLD if key != "specks"]
    said = capsys.readouterr().err
    assert "step 4: FID 1.500, KID 0.15000, Precision 0.500, Recall 0.250 (the best so far)" in said
    assert "step 5: FID 2.000, KID 0.20000, Precision 0.500, Recall 0.250\n" in said
    training = duet.load(folder / "checkpoint").training
    assert training.scores["step"] == (0, 2, 4, 5)
    assert training.scores["frechet_distance"] == (9, 3, 1.5, 2)


def test_the_best_is_kept_beside_the_last(run, evaluation):
    """A whole checkpoint, measured, with the state that it was made from."""
    evaluation.fids = [9.0, 1.5, 2.0]
    folder = run("gan", "a", steps=4, eval_every=2)
    best = duet.load(folder / "best")
    assert (best.name, best.training.steps) == ("a", 2)
    assert best.metrics.measurements[0].scores["frechet_distance"].value == 1.5
    assert saved_step(folder / "best" / "state.safetensors") == 2
    assert saved_step(folder / "state.safetensors") == 4
    alone = run("gan", "b", steps=2)
    assert (folder / "best" / "model.safetensors").read_bytes() == (alone / WEIGHTS).read_bytes()


def test_the_run_does_not_notice(run, evaluation):
    evaluation.fids = [9.0] * 3
    watched, alone = run("gan", "a", steps=3, eval_every=2), run("gan", "b", steps=3)
    assert (watched / WEIGHTS).read_bytes() == (alone / WEIGHTS).read_bytes()
    assert not (alone / "scores.jsonl").exists()
    assert not (alone / "best").exists()


def test_a_resumed_run_measures_no_step_twice(run, evaluation):
    evaluation.fids = [9.0, 8.0, 7.0, 6.0]
    folder = run("gan", "a", steps=2, eval_every=2)
    run("gan", "a", steps=4, eval_every=2, resume=True)
    assert [row.step for row in read_log(folder / "scores.jsonl")] == [0, 2, 4]
    with (folder / "scores.jsonl").open("a") as file:  # of a sitting whose state was lost
        file.write(LogRow(9, 1.0, read_log(folder / "scores.jsonl")[-1].losses).to_line())
    run("gan", "a", steps=5, eval_every=2, resume=True)
    assert [row.step for row in read_log(folder / "scores.jsonl")] == [0, 2, 4, 5]
    assert len(evaluation.asked) == 4


def test_scores_by_another_protocol_are_not_compared(run, evaluation):
    evaluation.fids, evaluation.protocols = [1.0, 5.0], [3000, 2000]
    folder = run("gan", "a", steps=2, eval_every=2)
    assert duet.load(folder / "best").training.steps == 2


def test_a_refusal_keeps_the_state_and_is_named(run, evaluation, tmp_path):
    evaluation.fids, evaluation.returncode = [1.0], 2
    evaluation.stderr = "img/s\nerror: there is no reference of toy; make one"
    with pytest.raises(TrainingError, match="not be done: there is no reference of toy; make"):
        run("gan", "a", steps=2, eval_every=2)
    assert saved_step(tmp_path / "a" / "state.safetensors") == 0
    assert not (tmp_path / "a" / "best").exists()
    evaluation.stderr, evaluation.fids = "", [1.0, 1.0]
    with pytest.raises(TrainingError, match=r"the evaluation could not be done: .*it ended by 2"):
        run("gan", "a", steps=2, eval_every=2, resume=True)
    run("gan", "a", steps=2, resume=True)


def test_what_the_evaluation_is_asked(run, evaluation, monkeypatch, tmp_path):
    for name in OF_A_LAUNCHER:
        monkeypatch.setenv(name, "0")
    monkeypatch.delenv("WORLD_SIZE")
    evaluation.fids = [1.0, 1.0]
    run("gan", "a", steps=1, eval_every=9, data_dir=tmp_path)
    command, environment = evaluation.asked[0]
    assert command[1:4] == ["-m", "evaluation", "measure"]
    for name, value in (("--samples", "2000"), ("--repeats", "0"), ("--device", "cpu"),
                        ("--data-dir", str(tmp_path))):
        assert command[command.index(name) + 1] == value
    assert not environment.keys() & set(OF_A_LAUNCHER)
    assert environment.keys() >= os.environ.keys() - set(OF_A_LAUNCHER)


def test_what_a_killed_run_was_measuring_goes(run, evaluation, monkeypatch):
    """kill -9 while a candidate is measured: it lies in the run's folder, and the next one sweeps.
    """
    evaluation.fids = [3.0, 2.0, 1.0]
    places = []
    fake = scoring.subprocess.run

    def look(command, **options):
        places.append(scoring.Path(command[command.index("measure") + 1]))
        return fake(command, **options)

    monkeypatch.setattr(scoring.subprocess, "run", look)
    folder = run("gan", "a", steps=2, eval_every=2)
    assert {place.parent.parent for place in places} == {folder}
    assert not [path for path in folder.iterdir() if path.name.startswith(".candidate")]
    pid = f"-{2**22 + 1}-"  # more than there can be
    left = folder / places[0].parent.name.replace(f"-{os.getpid()}-", pid)
    (left / "checkpoint").mkdir(parents=True)
    run("gan", "a", steps=4, eval_every=2, resume=True)
    assert not left.exists()


def test_measuring_takes_no_training_time(tmp_path, monkeypatch):
    now = iter([1000.0, 1001.0, 1061.0, 1064.0])
    monkeypatch.setattr("training.log.time", SimpleNamespace(monotonic=now.__next__))
    log = RunLog(tmp_path / "log.jsonl", (), Progress(3, 10.0), steps=100, batch_size=1)
    with log.off_the_clock():
        pass
    assert log.progress == Progress(3, 14.0)
    log.close()


def test_scores_have_panels_below_the_losses(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr("matplotlib.figure.Figure",
                        lambda **options: figures.append(Figure(**options)) or figures[0])
    rows = [LogRow(step, 0.0, {"a": 1.0}) for step in (5, 9)]
    scores = [LogRow(step, 0.0, {"frechet_distance": 1.0 / step, "recall": 0.5}) for step in (2, 9)]
    draw_curves(rows, scores, tmp_path / "curves.png")
    axes = figures[0].axes
    assert [panel.get_title() for panel in axes] == ["a", "FID ↓", "Recall ↑"]
    assert axes[1].get_lines()[0].get_xydata().tolist() == [[2, 0.5], [9, 1 / 9]]
    tops = [round(panel.get_position().y1, 2) for panel in axes]
    assert tops[0] > tops[1] == tops[2]


@pytest.mark.slow
def test_the_evaluation_measures_a_run_of_digits(mnist, run, monkeypatch):
    """The real command, of few samples."""
    mnist("train")
    monkeypatch.setattr("training.scoring.SAMPLES", 200)
    folder = run("gan", "a", data="mnist", steps=1, eval_every=1)
    first, last = read_log(folder / "scores.jsonl")
    assert (first.step, last.step, set(last.losses)) == (0, 1, set(TOLD))
    assert all(math.isfinite(value) for value in last.losses.values())
    record = read_json(folder / "best" / "metrics.json")
    assert record["measurements"][0]["protocol"]["samples"] == 200
