"""evolution.png: rows of points, the same over resumes, and what a damaged sheet does."""

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import duet
from duet.core import latents
from duet.core.files import read_json
from duet.store.evolution import COLUMNS, drawn
from training.evolution import Evolution, is_point
from training.randomness import batch_indices


def sheet(path):
    """(steps, rows uint8 [F, H, 16 W]) of a grey one."""
    with Image.open(path) as picture:
        steps = [int(word) for word in picture.text["steps"].split()]
        return steps, np.split(np.array(picture), len(steps))


def test_points_are_ten_a_decade_and_about_forty_in_all():
    points = [step for step in range(-3, 10_001) if is_point(step)]
    assert points[:9] == [0, 1, 2, 3, 4, 5, 6, 8, 10]
    assert points[9:19] == [13, 16, 20, 25, 32, 40, 50, 63, 79, 100]
    assert len(points) == 39
    assert sum(1000 < point <= 10_000 for point in points) == 10


def test_a_row_is_16_latents_a_class_each(tmp_path, tiny_gan):
    Evolution(tmp_path / "evolution.png", 0).write(7, tiny_gan.train())
    assert tiny_gan.training
    steps, (row,) = sheet(tmp_path / "evolution.png")
    assert (steps, row.shape) == ([7], (28, 16 * 28))
    z, _ = latents.draw(0, range(16), 6, 10)
    pictures = drawn(tiny_gan.eval(), z, torch.arange(16) % 10)
    for place, picture in enumerate(pictures):
        assert (row[:, 28 * place : 28 * (place + 1)] == picture[0].numpy()).all()


def test_the_present_row_goes_unless_it_is_of_a_point(tmp_path, tiny_gan):
    evolution = Evolution(tmp_path / "evolution.png", 0)
    for step in range(8):
        evolution.see(step, tiny_gan)
        evolution.write(step, tiny_gan)
    assert evolution.steps == (0, 1, 2, 3, 4, 5, 6, 7)
    evolution.write(8, tiny_gan)
    assert evolution.steps == (0, 1, 2, 3, 4, 5, 6, 8)
    evolution.go_back(4)
    assert evolution.steps == (0, 1, 2, 3, 4)


def test_a_resumed_run_shows_what_an_unbroken_one_shows(run):
    unbroken = run("gan", "a", steps=11, save_every=50)
    run("gan", "b", steps=7, save_every=50)
    resumed = run("gan", "b", steps=11, save_every=50, resume=True)
    one, two = (sheet(folder / "evolution.png") for folder in (unbroken, resumed))
    assert one[0] == two[0] == [0, 1, 2, 3, 4, 5, 6, 8, 10, 11]
    assert all((a == b).all() for a, b in zip(one[1], two[1], strict=True))
    assert (one[1][0] != one[1][-1]).any()
    shown = resumed / "checkpoint" / "evolution.png"
    assert shown.read_bytes() == (resumed / "evolution.png").read_bytes()
    assert duet.load(resumed / "checkpoint").training.evolution == tuple(one[0])


def test_who_looks_on_sees_the_sheet_and_the_log_before_the_next_save(run, monkeypatch, tmp_path):
    """With show_every=2, at each second step; the state is as old as the last save."""
    seen = []

    def look(*_):
        seen.append((sheet(tmp_path / "a" / "evolution.png")[0][-1],
                     len((tmp_path / "a" / "log.jsonl").read_text().splitlines())))
        return 0

    monkeypatch.setattr("training.loop.batch_indices", lambda *a: look() or batch_indices(*a))
    folder = run("gan", "a", steps=7, save_every=50, show_every=2)
    assert seen == [(0, 0), (0, 0), (2, 1), (2, 1), (4, 2), (4, 2), (6, 3)]
    plain = run("gan", "b", steps=7, save_every=50)
    weights = [duet.load(one / "checkpoint").weights_sha256 for one in (folder, plain)]
    assert weights[0] == weights[1]


def test_rows_after_the_saved_state_are_drawn_again(tmp_path, tiny_gan):
    evolution = Evolution(tmp_path / "evolution.png", 0)
    for step in (1, 2, 3):
        evolution.see(step, tiny_gan)
    evolution.write(4, tiny_gan)
    assert Evolution(tmp_path / "evolution.png", 2).steps == (1, 2)


def test_the_sheet_is_written_before_the_state(run, monkeypatch, tmp_path):
    """Killed in between, a run lacks no row of what is behind."""
    with monkeypatch.context() as patched:
        patched.setattr("training.loop.save_state", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("gan", "a", steps=2)
    assert sheet(tmp_path / "a" / "evolution.png")[0] == [0]


@pytest.mark.parametrize("steps", [None, "", "1 x", "1 2 3"])
def test_a_sheet_that_cannot_be_used_begins_anew(run, finished, capsys, steps):
    texts = PngInfo()
    if steps is not None:
        texts.add_text("steps", steps)
    Image.new("L", (4, 5)).save(finished / "evolution.png", pnginfo=texts)
    run("gan", "run", steps=4, resume=True)
    assert "evolution.png cannot be used" in capsys.readouterr().err
    assert sheet(finished / "evolution.png")[0] == [2, 3, 4]


def test_a_run_of_before_there_were_sheets_goes_on(run, finished):
    (finished / "evolution.png").unlink()
    run("gan", "run", steps=3, resume=True)
    assert read_json(finished / "checkpoint" / "training.json")["evolution"] == [2, 3]


def test_large_pictures_are_shown_small(tmp_path, tiny_spatial_vae, monkeypatch):
    """16x8 in colour, as 4x2: the means of areas."""
    monkeypatch.setattr("duet.store.sprites.MOST_PIXELS", 4)
    Evolution(tmp_path / "evolution.png", 0).write(0, tiny_spatial_vae)
    found = np.array(Image.open(tmp_path / "evolution.png"))
    assert found.shape == (4, 2 * COLUMNS, 3)
    z, _ = latents.draw(0, range(COLUMNS), 16, 5)
    whole = drawn(tiny_spatial_vae.eval(), z, torch.arange(COLUMNS) % 5)
    means = whole.float().unflatten(2, (4, 4)).unflatten(4, (2, 4)).mean((3, 5)).round()
    assert (torch.from_numpy(found[:, :2]).permute(2, 0, 1) == means[0]).all()
