"""The race: its clock, sittings, marks and report, with stand-ins for the contenders."""

import importlib.util
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.race import __main__ as race_main
from benchmarks.race import contenders
from benchmarks.race.clock import Failed, outside, stamped
from benchmarks.race.contenders import CONTENDERS, PEERS, Peer, Recipe, Saved, Track, next_steps
from benchmarks.race.report import Point, draw, seconds_to, table


@pytest.fixture
def track(tmp_path):
    return Track(100.0, 2, tmp_path / "data", tmp_path / "environments")


@pytest.fixture
def pace():
    """The peers' module, as their scripts see it."""
    place = importlib.util.spec_from_file_location("pace", PEERS / "pace.py")
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


def test_the_clock_runs_from_the_process_start_to_each_line(tmp_path):
    code = "import sys, time; print('one'); time.sleep(0.2); print('two'); sys.stderr.write('x')"
    log = tmp_path / "log.txt"
    found = list(stamped([sys.executable, "-c", code], log, 1, tmp_path))
    assert [line for _, line in found] == ["one", "two"]
    assert found[0][0] > 0
    assert 0.2 <= found[1][0] - found[0][0] < 1
    assert log.read_text().splitlines()[0].startswith("$ ")
    assert log.read_text().endswith("\nx")


def test_threads_are_those_of_the_track(tmp_path):
    code = "import os; print(os.environ['OMP_NUM_THREADS'], os.getcwd())"
    told = outside([sys.executable, "-c", code], tmp_path / "log.txt", 3, tmp_path)
    assert told == f"3 {tmp_path}"


def test_a_process_is_told_when_it_began(tmp_path):
    code = "import os, time; print(time.monotonic() - float(os.environ['RACE_STARTED']))"
    ((seconds, line),) = stamped([sys.executable, "-c", code], tmp_path / "log.txt", 1, tmp_path)
    assert 0 < float(line) <= seconds


def test_who_fails_names_the_log(tmp_path):
    with pytest.raises(Failed, match=r"exit code 3; why stands in .*log\.txt"):
        outside([sys.executable, "-c", "raise SystemExit(3)"], tmp_path / "log.txt", 1, tmp_path)


@pytest.mark.parametrize(("steps", "seconds", "budget", "expected"), [
    (100, 20, 1200, 200), (100, 20, 30, 150), (100, 20, 24, None), (100, 20, 25, 125),
    (6400, 900, 1200, 8533), (100, 200, 100, None),
])
def test_sittings_double_as_long_as_they_fit(steps, seconds, budget, expected):
    assert next_steps(steps, seconds, budget) == expected


def test_a_recipe_is_resumed_and_every_sitting_is_on_the_clock(track, tmp_path, monkeypatch):
    """30 seconds a sitting, of which 29.5 until the checkpoint stands: three points in 100."""
    commands = []
    checkpoint = tmp_path / "gan" / "run" / "checkpoint"

    def sitting(command, log, threads, cwd):
        commands.append(command)
        checkpoint.mkdir(parents=True, exist_ok=True)
        (checkpoint / "weights").write_text(str(len(commands)))
        yield 29.5, str(checkpoint)

    monkeypatch.setattr(contenders, "stamped", sitting)
    found = list(Recipe("gan", "ours").train(track, tmp_path / "gan"))
    assert [saved.seconds for saved in found] == [29.5, 59.0, 88.5]
    assert [saved.path.name for saved in found] == ["100-steps", "200-steps", "338-steps"]
    assert [(saved.path / "weights").read_text() for saved in found] == ["1", "2", "3"]
    assert ["--resume" in command for command in commands] == [False, True, True]
    for command, steps in zip(commands, ("100", "200", "338"), strict=True):
        assert command[1:6] == ["-m", "training", "gan", "--data", "mnist"]
        assert command[command.index("--steps") + 1] == steps
        assert command[command.index("--save-every") + 1] == steps
        assert command[command.index("--data-dir") + 1] == str(track.data)


def test_a_peer_runs_in_its_own_environment(track, tmp_path, monkeypatch):
    peer = Peer("torchcfm", "theirs")
    with pytest.raises(Failed, match="make race installs it"):
        list(peer.train(track, tmp_path))
    python = track.environments / "race-torchcfm" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    commands = []

    def process(command, log, threads, cwd):
        commands.append(command)
        yield 4.0, str(tmp_path / "4-seconds.pt")

    monkeypatch.setattr(contenders, "stamped", process)
    monkeypatch.setattr(contenders, "outside", lambda command, *_: commands.append(command))
    (saved,) = peer.train(track, tmp_path)
    assert saved == Saved(4.0, tmp_path / "4-seconds.pt")
    assert peer.pictures(saved, 70, track, tmp_path) == tmp_path / "4-seconds.npy"
    train, sample = commands
    assert train[:3] == [str(python), str(PEERS / "torchcfm_mnist.py"), "train"]
    assert train[-4:] == ["--seconds", "100.0", "--points", "8"]
    assert sample[2:] == ["sample", "--weights", str(saved.path), "--count", "70", "--out",
                          str(tmp_path / "4-seconds.npy")]


@pytest.mark.parametrize("name", [c.name for c in CONTENDERS if isinstance(c, Peer)])
def test_every_peer_has_a_script_that_cites_its_defaults_and_exact_pins(name):
    script = (PEERS / f"{name}_mnist.py").read_text()
    assert re.search(r"\(\w+/[\w-]+ [0-9a-f]{7},", script)  # repository and commit
    lines = (PEERS / f"{name}.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in pins)
    assert any(pin.startswith(f"{name}==") for pin in pins)
    assert "duet" not in script


def test_marks_halve_down_from_the_end(pace, tmp_path, monkeypatch, capsys):
    clock = SimpleNamespace(now=pace.STARTED)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: clock.now))
    marks, model = pace.Marks(90, 8, tmp_path), torch.nn.Linear(2, 1)
    assert marks.left == [11.25, 22.5, 45, 90]
    outcomes = []
    for now in (5, 12, 13, 60, 61, 91):  # the second and third mark are passed at once
        clock.now = pace.STARTED + now
        outcomes.append(marks.passed(model))
    assert outcomes == [False] * 5 + [True]
    names = ["12-seconds.pt", "60-seconds.pt", "91-seconds.pt"]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    kept = torch.load(tmp_path / names[0], weights_only=True)
    assert torch.equal(kept["weight"], model.weight)
    assert pace.Marks(6, 8, tmp_path).left == [6]
    assert pace.Marks(90, 2, tmp_path).left == [45, 90]


def test_peers_see_every_digit_once_an_epoch(pace):
    stream = pace.batches(10, 3)
    epochs = [torch.cat([next(stream) for _ in range(3)]) for _ in range(2)]
    assert all(len(epoch.unique()) == 9 for epoch in epochs)
    assert not torch.equal(*epochs)


def test_peers_samples_are_rounded_grey_levels(pace, tmp_path):
    drawn = []

    def draw(count):
        drawn.append(count)
        return torch.full((count, 1, 28, 28), 100.4 / 255) + torch.linspace(-1, 1, 28)

    pace.write_samples(draw, 1203, tmp_path / "x.npy")
    found = np.load(tmp_path / "x.npy")
    assert (found.shape, found.dtype, drawn) == ((1203, 28, 28), np.uint8, [500, 500, 203])
    assert (found.min(), found.max()) == (0, 255)
    flat = pace.np.load(tmp_path / "x.npy")[0, 0]
    assert flat[14] == round(100.4 + 255 / 27)


CURVES = {"ours": [Point(10, 2.0), Point(70, 0.3), Point(300, 0.31)], "theirs": [], "x": [
    Point(5, 9.0)]}


def test_a_target_is_reached_by_a_saved_checkpoint_only():
    assert [seconds_to(CURVES["ours"], target) for target in (2.5, 1.0, 0.3, 0.1)] == [
        10, 70, 70, None]
    assert seconds_to([], 1.0) is None


def test_the_table_tells_best_and_times():
    lines = [line.split() for line in table(CURVES).splitlines()]
    assert lines[1] == ["ours", "0.300", "1", "min", "1", "min", "1", "min", "–", "–"]
    assert lines[2] == ["theirs", "–", "–", "–", "–", "–", "–"]
    assert lines[3][:4] == ["x", "9.000", "5", "s"]


def test_the_picture_is_drawn(tmp_path):
    draw(CURVES, 0.07, 100, tmp_path / "race.png")
    assert (tmp_path / "race.png").read_bytes()[:4] == b"\x89PNG"


class Runner:
    """A contender whose checkpoints are there already."""

    def __init__(self, name, fids, fails=False):
        self.name, self.about, self.fids, self.fails = name, f"about {name}", fids, fails
        self.runs = 0

    def train(self, track, folder):
        self.runs += 1
        if self.fails:
            raise Failed("fell")
        for number, _ in enumerate(self.fids):
            yield Saved(10.0 * 2**number, folder / f"{number}")

    def pictures(self, saved, count, track, folder):
        return saved.path


@pytest.fixture
def runners(monkeypatch):
    """Two that finish and one that falls, instead of the real ones."""
    rows = (Runner("one", [3.0, 0.2]), Runner("two", [5.0]), Runner("three", [1.0], fails=True))
    fids = {runner.name: runner.fids for runner in rows}
    commands = []

    def measured(command, log, threads, cwd):
        commands.append(command)
        sources = command[4 : command.index("--against")]
        return json.dumps({
            source: {"scores": {"frechet_distance": {"value": fids[log.parent.name][number]}}}
            for number, source in enumerate(sources)
        })

    monkeypatch.setattr(race_main, "CONTENDERS", rows)
    monkeypatch.setattr(race_main, "outside", measured)
    return SimpleNamespace(rows=rows, commands=commands)


def test_a_race_is_run_scored_and_kept(runners, tmp_path, capsys):
    command = ["--minutes", "0.5", "--samples", "300", "--folder", str(tmp_path / "run"), "--out",
               str(tmp_path / "out" / "race")]
    assert race_main.main(command) == 1  # one has fallen
    shown = capsys.readouterr()
    assert "about one" in shown.out
    assert "three: fell" in shown.err
    found = json.loads((tmp_path / "out" / "race.json").read_text())
    assert found["contenders"]["one"]["points"] == [
        {"seconds": 10.0, "fid": 3.0}, {"seconds": 20.0, "fid": 0.2}]
    assert found["contenders"]["three"]["points"] == []
    assert (found["minutes"], found["samples"], found["threads"]) == (0.5, 300, 2)
    assert (tmp_path / "out" / "race.png").exists()
    measure = runners.commands[0]
    assert measure[1:4] == ["-m", "evaluation", "measure"]
    assert measure[measure.index("--samples") + 1] == "300"
    assert measure[measure.index("--repeats") + 1] == "0"


def test_a_stopped_race_goes_on_without_running_again_who_has_finished(runners, tmp_path, capsys):
    command = ["--folder", str(tmp_path / "run"), "--out", str(tmp_path / "race")]
    race_main.main(command)
    with pytest.raises(SystemExit):
        race_main.main(command)
    assert "holds a race; delete it, or go on with it by --resume" in capsys.readouterr().err
    (tmp_path / "run" / "two" / "times.json").unlink()
    race_main.main([*command, "--resume"])
    assert [runner.runs for runner in runners.rows] == [1, 2, 2]
