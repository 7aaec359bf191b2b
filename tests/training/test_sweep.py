"""sweep: every combination once, going on where it was stopped, one table of what is whole."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from duet.core.files import read_json
from duet.core.lock import Locked, locked
from duet.core.stop import Interrupted
from duet.store import records
from duet.store.metrics import MetricsRecord, ScoreRecord
from training import sweep as module
from training.config import TrainingError
from training.loop import train
from training.sweep import grid, sweep, text

FIXED = ("steps=2", "data=toy", "batch-size=8", "device=cpu", "precision=float32")


@pytest.fixture
def work(monkeypatch, toy_data, measurement, tmp_path):
    """sweep(…) with training in this process and made-up scores: the FID is the width's, plus the
    thousandth of the images. `trained` and `measured` tell the folders' names in turn."""
    done = SimpleNamespace(trained=[], measured=[], broken=set(), out=tmp_path / "sweep")

    def _train(cell, stop):
        done.trained.append(cell.config.run_folder.name)
        if cell.config.width in done.broken:
            raise TrainingError("its training ended by 2, see above")
        train(cell.config, "the command")

    def measure(checkpoint, config, samples):
        done.measured.append(config.run_folder.name)
        fid = config.width + (config.train_images or 300) / 1000
        scores = {"frechet_distance": ScoreRecord(fid), "recall": ScoreRecord(0.5)}
        measured = measurement(scores=scores, samples=samples)
        records.write(checkpoint / "metrics.json", MetricsRecord((measured,)))

    monkeypatch.setattr(module, "_train", _train)
    monkeypatch.setattr(module, "measure", measure)
    done.sweep = lambda *vary, fixed=FIXED, samples=500: sweep(
        "gan", vary=vary, fixed=fixed, out=done.out, samples=samples
    )
    return done


def test_every_combination_is_trained_measured_and_told(work):
    path = work.sweep("train-images=20,default", "width=4,8")
    names = [f"gan-train-images_{count}-width_{width}" for count in (20, "default")
             for width in (4, 8)]
    assert work.trained == work.measured == names
    assert path.read_text().split("\n")[0].split() == [
        "train-images", "width", "FID", "↓", "Recall", "↑", "seconds"]
    assert [line.split()[:4] for line in path.read_text().splitlines()[1:]] == [
        ["20", "4", "4.020", "0.500"], ["20", "8", "8.020", "0.500"],
        ["default", "4", "4.300", "0.500"], ["default", "8", "8.300", "0.500"]]
    rows = read_json(work.out / "table.json")["rows"]
    assert rows[1]["choices"] == {"train-images": "20", "width": "8"}
    assert (rows[1]["steps"], rows[1]["images_seen"]) == (2, 16)
    assert rows[1]["protocol"]["samples"] == 500
    assert np.array(Image.open(work.out / "table.png")).std() > 0


def test_what_is_done_is_not_done_again(work):
    work.sweep("width=4")
    work.sweep("width=4,8")
    assert work.trained == work.measured == ["gan-width_4", "gan-width_8"]
    (work.out / "gan-width_8" / "checkpoint" / "metrics.json").unlink()
    work.sweep("width=4,8")
    assert work.trained == ["gan-width_4", "gan-width_8"]
    assert work.measured == ["gan-width_4", "gan-width_8", "gan-width_8"]


def test_a_run_that_cannot_be_leaves_the_others(work):
    work.broken = {8}
    with pytest.raises(TrainingError, match="without 1 of 3 runs: gan-width_8: its training ended"):
        work.sweep("width=4,8,12")
    assert [row["choices"]["width"] for row in read_json(work.out / "table.json")["rows"]] == [
        "4", "12"]


def test_another_sweep_does_not_mix_in(work):
    work.sweep("width=4")
    for changed in ({"samples": 600}, {"fixed": (*FIXED, "seed=1")}):
        with pytest.raises(TrainingError, match="holds a sweep with other settings"):
            work.sweep("width=4", **changed)


def test_two_sweeps_do_not_work_in_one_folder(work):
    work.out.mkdir(parents=True)
    with locked(work.out):
        with pytest.raises(Locked, match="another process is at work"):
            work.sweep("width=4")
        assert not (work.out / "sweep.json").exists()
    work.sweep("width=4")


def test_a_signal_stops_between_runs(work, monkeypatch):
    def stopped(cell, stop):
        stop.append(signal.SIGINT)

    monkeypatch.setattr(module, "_train", stopped)
    with pytest.raises(Interrupted, match="the same command goes on"):
        work.sweep("width=4,8")
    assert work.measured == []


@pytest.mark.parametrize(
    ("vary", "said"),
    [(["width"], "'width' is no setting"), ([], "--vary wants settings"),
     (["width=4", "width=8"], "each once"), (["--width=4"], "is no setting")],
)
def test_a_grid_that_is_none_is_named(tmp_path, vary, said):
    with pytest.raises(TrainingError, match=said):
        grid("gan", vary, (), tmp_path)


def test_settings_are_those_of_the_command_line(tmp_path, capsys):
    (cell,) = grid("vae", ["latent-dim=6"], ["seed=3"], tmp_path)
    assert (cell.config.latent_dim, cell.config.seed) == (6, 3)
    assert cell.flags == ("vae", "--seed", "3", "--latent-dim", "6", "--out",
                          str(tmp_path / "vae-latent-dim_6"))
    with pytest.raises(SystemExit, match="2"):
        grid("gan", ["latent-dim=6"], [], tmp_path)
    assert "latent-dim" in capsys.readouterr().err
    (cell,) = grid("gan", ["data=a b/c"], [], tmp_path)
    assert cell.config.run_folder.name == "gan-data_a_b_c"


def test_a_sweep_without_a_whole_run_says_so():
    assert text([]) == "no run is whole\n"


@pytest.mark.slow
@pytest.mark.usefixtures("mnist")
def test_the_command_sweeps(root, tmp_path):
    """With processes of its own, of a step and few samples."""
    out = tmp_path / "s"
    command = [sys.executable, "-m", "training", "sweep", "gan", "--out", str(out), "--vary",
               "train-images=50", "--samples", "200", "--fixed", "steps=1", "batch-size=8",
               "width=4", "device=cpu"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stdout) == (0, f"{out / 'table.txt'}\n"), done.stderr
    (row,) = read_json(out / "table.json")["rows"]
    assert (row["steps"], row["protocol"]["samples"]) == (1, 200)
    assert "--train-images 50" in row["command"]
