"""--log-with: off by default, refused where it is not installed, and what each tracker is told."""

import sys
from types import SimpleNamespace

import pytest

from duet.store.run import read_log
from training.config import TrainingError
from training.trackers import AWAY, TRACKERS, check_tracker


@pytest.fixture
def trackio(monkeypatch):
    """A stand-in that writes down what it is asked."""
    for name in AWAY:
        monkeypatch.delenv(name, raising=False)
    asked = []
    fake = SimpleNamespace(
        asked=asked, init=lambda **about: asked.append(("init", about)),
        log=lambda values, step: asked.append((step, values)),
        finish=lambda: asked.append("finish"),
    )
    monkeypatch.setitem(sys.modules, "trackio", fake)
    return fake


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_is_named(run, tmp_path, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(TrainingError, match=f"{name}: it is not installed .*pip install {name}"):
        run("gan", "a", steps=2, log_with=name)
    assert not (tmp_path / "a").exists()


def test_trackio_hears_every_row(run, trackio):
    folder = run("gan", "a", steps=4, log_with="trackio")
    (first, about), *told, last = trackio.asked
    assert (first, last) == ("init", "finish")
    assert (about["project"], about["name"], about["resume"]) == ("duet", "a", "allow")
    assert not about["auto_log_cpu"]
    assert told == [(row.step, row.losses) for row in read_log(folder / "log.jsonl")]
    run("gan", "a", steps=6, resume=True, log_with="trackio")
    assert trackio.asked[-2][0] == 6


def test_scores_are_told_too(run, trackio, monkeypatch):
    def measure(self, progress, write):
        self.rows.append(SimpleNamespace(step=progress.step, losses={"frechet_distance": 2.0}))
        return "measured"

    monkeypatch.setattr("training.loop.ScoreLog.measure", measure)
    monkeypatch.setattr("training.loop.draw_curves", lambda *_: None)
    monkeypatch.setattr("training.record.downsampled", lambda rows: {})
    run("gan", "a", steps=2, eval_every=2, log_with="trackio")
    assert trackio.asked.count((2, {"frechet_distance": 2.0})) == 1


@pytest.mark.parametrize("name", AWAY)
def test_trackio_sends_nothing_elsewhere(run, trackio, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "me/space")
    with pytest.raises(TrainingError, match=f"{name} is set, and would send the run elsewhere"):
        run("gan", "a", steps=2, log_with="trackio")
    assert trackio.asked == []
    check_tracker(None)


def test_tensorboard_hears_every_row(run, monkeypatch):
    told, begun = [], []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            begun.append((folder, purge_step))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            told.append("closed")

        def add_scalar(self, name, value, step):
            told.append((name, value, step))

        def flush(self):
            pass

    monkeypatch.setitem(sys.modules, "tensorboard", SimpleNamespace())
    fake = SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    folder = run("gan", "a", steps=4, log_with="tensorboard")
    run("gan", "a", steps=5, resume=True, log_with="tensorboard")
    assert begun == [(str(folder / "tensorboard"), None), (str(folder / "tensorboard"), 4)]
    expected = [
        (name, value, row.step) for row in read_log(folder / "log.jsonl")
        for name, value in row.losses.items()
    ]
    assert [entry for entry in told if entry != "closed"] == expected
    assert told.count("closed") == 2
