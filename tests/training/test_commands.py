"""The training command lines as processes: killed, stopped, resumed, and refused."""

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from duet.core.files import read_json
from duet.core.tensors import load_tensors
from duet.store import checkpoint
from duet.store.checkpoint import shipped_names
from duet.store.config import DataRecord
from training.__main__ import main
from training.recipes import RECIPES

FAST = ["--device", "cpu", "--batch-size", "8", "--width", "4", "--save-every", "5"]


@pytest.fixture
def command(warm, fake_mnist):
    """command("gan", "--steps", "3") -> a running process."""
    return lambda *words: warm(["-m", "training", *words], {"DUET_DATA": str(fake_mnist)})


def wait_for_step(folder, step, process):
    """Until the log shows that `step` is behind."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        log = folder / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        if lines and json.loads(lines[-1])["step"] >= step:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError(f"step {step} was not reached")


def saved_step(folder):
    return json.loads(load_tensors(folder / "state.safetensors")[1]["duet"])["step"]


@pytest.mark.slow
def test_killed_and_resumed_equals_unbroken(command, tmp_path):
    unbroken = command("gan", *FAST, "--steps", "40", "--out", str(tmp_path / "a"))
    output, errors = unbroken.communicate()
    assert unbroken.returncode == 0, errors
    assert output.strip() == str(tmp_path / "a" / "checkpoint")

    killed = command("gan", *FAST, "--steps", "100000", "--out", str(tmp_path / "b"))
    wait_for_step(tmp_path / "b", 5, killed)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    steps = str(max(40, saved_step(tmp_path / "b")))

    resumed = command("gan", *FAST, "--steps", steps, "--out", str(tmp_path / "b"), "--resume")
    assert resumed.communicate() is not None
    assert resumed.returncode == 0
    if steps != "40":  # the kill came late: bring the unbroken run to the same step
        further = command("gan", *FAST, "--steps", steps, "--out", str(tmp_path / "a"), "--resume")
        further.communicate()
    files = [tmp_path / name / "checkpoint" / "model.safetensors" for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_and_keeps_the_work(command, tmp_path, number):
    process = command("vae", *FAST, "--steps", "100000", "--out", str(tmp_path / "run"))
    wait_for_step(tmp_path / "run", 5, process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert output == ""
    assert "all saved in" in errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    last = json.loads((tmp_path / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert saved_step(tmp_path / "run") == last["step"] >= 5


def test_missing_data_is_one_message_and_exit_2(root, tmp_path):
    environment = os.environ | {"DUET_DATA": str(tmp_path)}
    environment |= {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, "-m", "training", "gan", "--out", str(tmp_path / "run")],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert f"error: MNIST is not in {tmp_path}" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("recipe", RECIPES)
def test_dry_run_prints_the_resolved_configuration(recipe, capsys, tmp_path):
    assert main([recipe, "--dry-run", "--steps", "7", "--out", str(tmp_path / "x")]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["recipe"], shown["steps"]) == (recipe, 7)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_default_run_folder_is_shown(recipe, capsys):
    assert main([recipe, "--dry-run", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["out"] == f"runs/mnist-{recipe}"


@pytest.mark.parametrize("name", shipped_names())
def test_the_recorded_command_gives_the_recorded_settings(
    name, root, capsys, tmp_path, monkeypatch
):
    """What neither says is left to the machine or to the pictures; own ones lie elsewhere here."""
    record = read_json(root / "checkpoints" / name / "training.json")
    words = shlex.split(record["command"])
    assert words[:3] == ["python", "-m", "training"]
    (tmp_path / "emoji").mkdir()
    monkeypatch.chdir(tmp_path)
    arguments = ["emoji" if word.endswith("/emoji.zip") else word for word in words[3:]]
    assert main([*arguments, "--dry-run", "--device", "cpu"]) == 0
    shown = json.loads(capsys.readouterr().out)
    for key, value in record["settings"].items():
        if key != "precision":
            assert shown[key] in (value, None, "auto"), key


def test_card_writes_and_names_each_card(finished, capsys):
    """And nothing else."""
    folder = finished / "checkpoint"
    (folder / "README.md").unlink()
    assert main(["card", str(folder), str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'README.md'}\n" * 2
    assert (folder / "README.md").is_file()


@pytest.mark.parametrize(("out", "home"), [(["--out", "there"], "there"), ([], "runs/onnx/tiny")])
def test_export_goes_where_it_is_sent(tmp_path, tiny_gan, capsys, monkeypatch, out, home):
    monkeypatch.chdir(tmp_path)
    exported = []
    monkeypatch.setattr("duet.export.onnx.export", lambda *given: exported.append(given))
    (tmp_path / "source").mkdir()
    made_from = DataRecord("toy", "Toy", tuple("0123456789"))
    checkpoint.save(tmp_path / "source", tiny_gan, name="tiny", made_from=made_from)
    assert main(["export", "source", *out]) == 0
    assert capsys.readouterr().out == f"{home}\n"
    ((loaded, folder),) = exported
    assert (loaded.name, folder) == ("tiny", Path(home))


@pytest.mark.parametrize("recipe", RECIPES)
def test_help_explains_every_field(recipe, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([recipe, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    fields = [field.name for field in dataclasses.fields(RECIPES[recipe].config)]
    assert len(fields) <= 32  # more flags than that nobody reads
    for field in fields:
        assert "--" + field.replace("_", "-") in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gan", "--steps", "0"], "--steps must be at least 1"),
        (["gan", "--device", "abacus"], "device abacus is not usable"),
        (["gan", "--data", "nope"], "unknown data set 'nope'"),
        (["card"], "name at least one checkpoint folder"),
        (["card", "nope"], "no checkpoint at 'nope'"),
    ],
)
def test_bad_input_is_exit_2(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrong", ["--stepps", "--no-resume", "--no-dry-run"])
def test_unknown_flags_are_exit_2(capsys, wrong):
    """A flag has no opposite."""
    with pytest.raises(SystemExit, match="2"):
        main(["gan", wrong])
    assert wrong in capsys.readouterr().err
