"""The loop with every recipe on toy images: same seed same weights, resume = unbroken run."""

import io
import json
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

import duet
from duet.core.errors import DeviceError, DuetError
from duet.core.tensors import load_tensors
from duet.store.run import LogRow, read_log
from training import release
from training.config import TrainingError
from training.driver import Step
from training.log import LOG_EVERY_STEPS, RunLog, draw_curves
from training.recipes import RECIPES
from training.record import preview
from training.state import Progress

WEIGHTS = "checkpoint/model.safetensors"

@pytest.mark.parametrize("recipe", RECIPES)
def test_resumed_equals_unbroken_bit_for_bit(recipe, run):
    unbroken = run(recipe, "a", steps=5)
    run(recipe, "b", steps=2)
    resumed = run(recipe, "b", steps=5, resume=True)
    assert (unbroken / WEIGHTS).read_bytes() == (resumed / WEIGHTS).read_bytes()
    logs = [read_log(folder / "log.jsonl") for folder in (unbroken, resumed)]
    one, two = ([(row.step, row.losses) for row in rows] for rows in logs)
    assert one == two


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_seed_decides_the_weights(recipe, run):
    first, again = run(recipe, "a", steps=2), run(recipe, "b", steps=2)
    other = run(recipe, "c", steps=2, seed=1)
    assert (first / WEIGHTS).read_bytes() == (again / WEIGHTS).read_bytes()
    assert (first / WEIGHTS).read_bytes() != (other / WEIGHTS).read_bytes()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_ends_in_a_whole_checkpoint(recipe, run):
    folder = run(recipe, "mnist-toy", steps=3) / "checkpoint"
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "config.json", "model.safetensors", "training.json", "preview.png", "evolution.png",
        "README.md",
    }
    loaded = duet.load(folder)
    assert (loaded.name, loaded.data) == ("mnist-toy", "toy")
    record = loaded.training
    assert (record.command, record.steps, record.images_seen) == ("the command", 3, 24)
    assert record.epochs == pytest.approx(24 / 300, abs=0.01)
    assert record.seconds > 0
    assert set(record.versions) == {"python", "torch", "torchvision", "numpy", "safetensors"}
    assert len(record.curves["step"]) == 2  # at the save of step 2, and at the end


def test_weights_do_change_and_precision_matters(run):
    settings = ("float32", "bfloat16")
    folders = [run("gan", name, steps=2, precision=name) for name in settings]
    one, two = (load_tensors(folder / WEIGHTS)[0] for folder in folders)
    key = "generator.to_pixels.weight"
    assert not torch.equal(one[key], two[key])
    torch.testing.assert_close(one[key], two[key], atol=5e-3, rtol=0.1)


def test_pictures_are_written_on_the_way(run):
    folder = run("vae", "a", steps=4)
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    sheet = preview(duet.load(folder / "checkpoint").model)[0].numpy()
    for path in (folder / "samples.png", folder / "checkpoint" / "preview.png"):
        shown = np.asarray(Image.open(path))
        assert (shown == sheet.repeat(3, axis=0).repeat(3, axis=1)).all()  # pixels crisp


def test_elbo_is_its_terms(run):
    losses = read_log(run("vae", "a", steps=4) / "log.jsonl")[-1].losses
    assert losses["elbo"] == pytest.approx(-losses["reconstruction"] - losses["kl"], rel=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 301}, r"more than the 300 images of toy .* pass --batch-size 256"),
        ({"steps": 0}, "--steps must be at least 1"),
        ({"save_every": 0}, "--save-every must be at least 1"),
        ({"steps": 10**39}, "--steps must be at most 9007199254740992, not 1000"),
        ({"save_every": 2**53 + 1}, "--save-every must be at most 9007199254740992, not 90071"),
        ({"seed": -1}, r"--seed must be a whole number in 0\.\.2\^63-1, not -1"),
        ({"learning_rate": 0.0}, "--learning-rate must be positive"),
        ({"learning_rate": math.nan}, "--learning-rate must be positive"),
        ({"penalty": -1.0}, "--penalty must not be negative"),
        ({"width": 0}, "--width must be at least 1"),
        ({"resume": True}, r"--resume: there is no state\.safetensors"),
    ],
)
def test_settings_that_cannot_work_are_named(run, tmp_path, settings, said):
    with pytest.raises(DuetError, match=said):
        run("gan", "a", **settings)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_is_named(run, tmp_path, device):
    with pytest.raises(DeviceError, match=rf"^device {device} is not usable on this machine"):
        run("gan", "a", device=device)
    assert not (tmp_path / "a").exists()


def test_a_folder_with_another_run_is_kept(run, tmp_path):
    folder = run("gan", "a", steps=2)
    before = (folder / "state.safetensors").read_bytes()
    with pytest.raises(TrainingError, match=r"holds another run.*--resume"):
        run("gan", "a", steps=2)
    with pytest.raises(TrainingError, match="was trained with --batch-size 8; pass the same"):
        run("gan", "a", steps=4, batch_size=4, resume=True)
    with pytest.raises(TrainingError, match="was trained by the recipe gan, not vae"):
        run("vae", "a", steps=4, resume=True)
    with pytest.raises(TrainingError, match="already at step 2"):
        run("gan", "a", steps=1, resume=True)
    assert (folder / "state.safetensors").read_bytes() == before
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(TrainingError, match="exists and is not empty"):
        run("gan", "mine", steps=2)
    with pytest.raises(TrainingError, match="becomes the model's name"):
        run("gan", "my gan", steps=2)


def test_data_of_another_shape_is_named(run, toy_data, monkeypatch):
    monkeypatch.setattr("duet.data.load", lambda *_, **__: type(toy_data)(
        "toy", "train", toy_data.images[..., :20], toy_data.labels, toy_data.class_names))
    with pytest.raises(TrainingError, match=r"--data toy does not suit dcgan: .*1x28x28"):
        run("dcgan", "a", steps=2)


def test_non_finite_losses_stop_the_run_and_keep_the_last_good_state(run, monkeypatch):
    folder = run("gan", "a", steps=2)
    before, _ = load_tensors(folder / "state.safetensors")
    nan = torch.tensor(float("nan"))
    monkeypatch.setattr("training.gan.relativistic_loss", lambda a, b: (a - b).mean() * nan)
    with pytest.raises(TrainingError, match="at step 3: loss discriminator, loss generator, gr"):
        run("gan", "a", steps=8, resume=True)
    after, texts = load_tensors(folder / "state.safetensors")
    assert json.loads(texts["duet"])["step"] == 2
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_log_forgets_what_will_be_done_again(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 50, "seconds": 1, "a": 1}\n{"step": 100, "seconds": 2, "a": 1}\n{"st')
    log = RunLog(path, read_log(path), Progress(60, 1.5), steps=200, batch_size=1)
    assert [row.step for row in read_log(path)] == [50]
    for _ in range(LOG_EVERY_STEPS):
        log.add(Step({"a": torch.tensor(2.0)}, {}))
    log.close()
    *_, last = read_log(path)
    assert (last.step, last.losses) == (100, {"a": 2.0})
    assert 60 > log.progress.seconds >= last.seconds >= 1.5
    assert log.bar.postfix == "a=2"
    assert list(read_log(path)) == log.rows


def test_each_row_tells_the_means_and_the_time_since_the_one_before(tmp_path, monkeypatch):
    now = iter([1000.0, 1000.12345, 1001.12345])
    monkeypatch.setattr("training.log.time", SimpleNamespace(monotonic=now.__next__))
    log = RunLog(tmp_path / "log.jsonl", (), Progress(), steps=100, batch_size=1)
    log.flush()  # of no steps: no row
    for value in (2.0, 4.0):
        for _ in range(50):
            log.add(Step({"a": torch.tensor(value), "b": torch.tensor(-value)}, {}))
    assert read_log(tmp_path / "log.jsonl") == (
        LogRow(50, 0.123, {"a": 2.0, "b": -2.0}), LogRow(100, 1.123, {"a": 4.0, "b": -4.0}),
    )
    log.close()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_bar_counts_images_and_is_rarely_drawn_into_a_file(tmp_path, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    log = RunLog(tmp_path / "log.jsonl", (), Progress(60, 1.5), steps=200, batch_size=8)
    assert (log.bar.total, log.bar.n, log.bar.unit, log.bar.unit_scale) == (200, 60, "img", 8)
    assert log.bar.dynamic_ncols  # as wide as a terminal becomes
    assert log.bar.mininterval < 2 if terminal else log.bar.mininterval > 10
    log.add(Step({"a": torch.tensor(2.0)}, {}))
    assert log.bar.n == 61
    log.close()
    assert log.bar.disable


def test_a_log_gets_no_line_of_the_bar_for_every_row(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    log = RunLog(tmp_path / "log.jsonl", (), Progress(), steps=500, batch_size=1)
    for _ in range(500):
        log.add(Step({"a": torch.tensor(2.0)}, {}))
    log.close()
    assert len(log.rows) == 10
    lines = sys.stderr.getvalue().strip().split("\r")
    assert len(lines) <= 3
    assert "a=2" in lines[-1]


@pytest.mark.parametrize("count", [1, 3])
def test_curves_are_a_panel_a_loss_side_by_side(tmp_path, monkeypatch, count):
    figures = []

    def figure(**options):
        figures.append(Figure(**options))
        return figures[0]

    monkeypatch.setattr("matplotlib.figure.Figure", figure)
    names = ["a", "b", "c"][:count]
    rows = [LogRow(step, 0.0, {n: step + i for i, n in enumerate(names)}) for step in (5, 9, 12)]
    draw_curves(rows, (), tmp_path / "curves.png")
    (drawn,) = figures
    assert [axes.get_title() for axes in drawn.axes] == names
    for i, axes in enumerate(drawn.axes):
        (line,) = axes.get_lines()
        assert line.get_xydata().tolist() == [[5, 5 + i], [9, 9 + i], [12, 12 + i]]
        assert axes.get_xlabel() == "step"
        assert line.get_linewidth() == 1
        grid = axes.xaxis.get_gridlines()[0]
        assert (grid.get_visible(), grid.get_alpha()) == (True, 0.3)
    places = [axes.get_position() for axes in drawn.axes]
    assert len({round(place.y0, 2) for place in places}) == 1
    assert sorted(place.x0 for place in places) == [place.x0 for place in places]
    assert 1 < drawn.get_figwidth() / count / drawn.get_figheight() < 1.5
    assert drawn.get_layout_engine() is not None  # titles would overlap
    with Image.open(tmp_path / "curves.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (352 * count, 286))


def test_curves_of_an_empty_log_are_no_picture(tmp_path):
    draw_curves([], [], tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()


def test_a_release_takes_the_place_of_the_old_checkpoint_whole(run, tmp_path, monkeypatch):
    """`cp -r` into the old folder left the old weights to be measured."""
    monkeypatch.setattr(release, "SHIPPED", tmp_path / "shipped")
    for seed in (0, 1):
        folder = run("gan", f"runs{seed}/tiny", steps=2, seed=seed)
        target = release.release(folder)
        assert target == tmp_path / "shipped" / "tiny"
        shipped, made = (
            {path.name: path.read_bytes() for path in where.iterdir()}
            for where in (target, folder / "checkpoint")
        )
        assert shipped == made
        (target / "metrics.json").write_text("of the old weights")
    assert not list(target.glob("checkpoint"))
    with pytest.raises(TrainingError, match="holds no finished checkpoint"):
        release.release(tmp_path)
    (folder / "checkpoint" / "training.json").write_text("{")
    with pytest.raises(DuetError, match=r"training\.json"):
        release.release(folder)
    assert (target / "metrics.json").read_text() == "of the old weights"


def test_a_finished_run_may_be_finished_again(run, finished):
    assert run("gan", "run", steps=2, resume=True) == finished


def test_a_run_begins_with_nothing_done():
    assert Progress() == Progress(step=0, seconds=0.0, retries=())
