"""The run folder: who may work in it, what a killed run left, and disks that are full."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import duet
from duet.core.errors import DuetError
from duet.core.files import MACHINE
from duet.core.lock import locked
from duet.core.tensors import load_tensors
from training.config import TrainingError
from training.folder import check_folder
from training.loop import train
from training.recipes import RECIPES

STATE = "state.safetensors"


def names(folder):
    return {path.name for path in folder.iterdir()}


def scratch_in(folder):
    """What kill -9 leaves while each kind of file is written."""
    dead = f"{MACHINE}-{2**40}"
    for name, ending in (("state", "safetensors"), ("run", "json"), ("log", "jsonl")):
        (folder / f".{name}.{ending}.{dead}-00c0ffee.{ending}").write_text("half")
    for number in (1, 2):
        scratch = folder / f".checkpoint.{dead}-0000000{number}"
        scratch.mkdir()
        (scratch / "model.safetensors").write_text("half")


def test_scratch_of_a_killed_run_is_gone_after_the_next(run, finished):
    whole = names(finished)
    scratch_in(finished)
    (finished / ".mine").touch()
    run("gan", "run", steps=3, resume=True)
    assert names(finished) == whole | {".mine"}


def test_a_run_killed_before_its_first_state_may_begin_again(run, tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    for name in (".lock", "run.json", "log.jsonl", "evolution.png"):
        (folder / name).touch()
    scratch_in(folder)
    with pytest.raises(TrainingError, match=r"no state.* without --resume a run begins there"):
        run("gan", "a", steps=2, resume=True)
    run("gan", "a", steps=2)
    assert not [name for name in names(folder) if name.startswith(".") and name != ".lock"]


@pytest.mark.parametrize(
    "found",
    [
        {"samples.png"}, {"checkpoint"}, {".mine"}, {"thesis.txt"},
        {".lock", "run.json", "thesis.txt"},
        {f".state.safetensors.{MACHINE}-9-00c0ffee.safetensors.mine"},
    ],
)
def test_what_is_not_a_beginning_is_kept(tmp_path, found):
    for name in found:
        (tmp_path / name).touch()
    with pytest.raises(TrainingError, match="exists and is not empty"):
        check_folder(tmp_path, resume=False)
    assert names(tmp_path) == found


def test_an_empty_folder_may_be_a_runs_even_the_one_we_are_in(toy_data, tmp_path, monkeypatch):
    """Which has a name, though "." has none."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    settings = {"data": "toy", "batch_size": 8, "width": 4, "steps": 1, "device": "cpu"}
    train(RECIPES["gan"].config(out=Path("."), **settings), "the command")
    assert duet.load(tmp_path / "here" / "checkpoint").name == "here"


def test_a_log_with_rows_is_not_a_beginning(run, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.jsonl").write_text("{}\n")
    with pytest.raises(TrainingError, match="exists and is not empty"):
        run("gan", "a", steps=2)


def test_an_out_that_cannot_be_a_folder_is_named(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(TrainingError, match=r"--out .*file exists and is not empty"):
        run("gan", "file", steps=2)
    with pytest.raises(TrainingError, match=r"--out .*file/run cannot be written: .*Not a dir"):
        run("gan", "file/run", steps=2)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TrainingError, match=r"--out .*link cannot be written"):
        run("gan", "link", steps=2)
    assert (tmp_path / "file").read_text() == "mine"
    assert names(tmp_path) == {"file", "link"}


def test_an_unwritable_out_is_named(run, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("pathlib.Path.mkdir", refuse)  # root may write anywhere
    with pytest.raises(TrainingError, match=r"--out .*a cannot be written: .*Permission denied"):
        run("gan", "a", steps=2)


@pytest.mark.parametrize(
    ("recipe", "settings", "said"),
    [
        ("gan", {"device": "meta"}, "device meta is not usable on this machine"),
        ("dcgan", {"batch_size": 1}, "--batch-size must be at least 2 for dcgan"),
        ("gan", {"batch_size": 301}, "--batch-size 301 is more than the 300 images of toy"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    run, tmp_path, recipe, settings, said
):
    with pytest.raises(DuetError, match=said):
        run(recipe, "a", steps=2, **settings)
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "place",
    ["training.log.RunLog.flush", "training.loop.save_state", "training.loop._save_pictures",
     "training.record.write_card"],
)
def test_a_full_disk_keeps_the_last_state(run, finished, monkeypatch, place):
    before, _ = load_tensors(finished / STATE)

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(place, full)
        said = "cannot be written: .*No space left on device; the last state saved there is kept"
        with pytest.raises(TrainingError, match=said):
            run("gan", "run", steps=3, resume=True)
    assert not [name for name in names(finished) if name.startswith(".") and name != ".lock"]
    after, _ = load_tensors(finished / STATE)
    assert after.keys() == before.keys()
    run("gan", "run", steps=4, resume=True)


@pytest.mark.slow
def test_a_file_that_outgrows_its_limit_is_one_message(root, fake_mnist, tmp_path):
    """As a full disk, by the kernel: no file may be larger than 20 kB."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "from training.__main__ import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "gan", "--device", "cpu", "--width", "4", "--steps", "1",
         "--batch-size", "8", "--out", str(tmp_path / "run")],
        cwd=root, env=os.environ | {"DUET_DATA": str(fake_mnist), "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 2, done.stderr
    assert f"error: --out {tmp_path / 'run'} cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(tmp_path / "run") == {".lock", "run.json", "log.jsonl", "evolution.png"}


def test_two_runs_never_share_a_folder(run, finished, tmp_path):
    before = (finished / "log.jsonl").read_bytes()
    with locked(finished), pytest.raises(DuetError, match="another process is at work in"):
        run("gan", "run", steps=4, resume=True)
    assert (finished / "log.jsonl").read_bytes() == before
    run("gan", "run", steps=4, resume=True)
    (tmp_path / "b").mkdir()
    with locked(tmp_path / "b"), pytest.raises(DuetError, match="another process is at work"):
        run("gan", "b", steps=2)
    assert names(tmp_path / "b") == {".lock"}
    run("gan", "b", steps=2)  # the lock's file alone is no other run


def test_a_run_that_was_quicker_is_kept(run, tmp_path, monkeypatch):
    """It came and went between the first look and the lock."""
    @contextlib.contextmanager
    def late(folder):
        (folder / STATE).write_text("theirs")
        yield

    monkeypatch.setattr("training.folder.locked", late)
    with pytest.raises(TrainingError, match="holds another run"):
        run("gan", "a", steps=2)
    assert (tmp_path / "a" / STATE).read_text() == "theirs"
    assert names(tmp_path / "a") == {STATE}


def test_the_lock_dies_with_its_process(tmp_path):
    code = (
        "import sys, pathlib, time; from duet.core.lock import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(DuetError, match="another process"), locked(tmp_path):
            pass
        process.kill()
    with locked(tmp_path):
        pass
