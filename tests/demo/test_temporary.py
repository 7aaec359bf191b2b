import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from demo import temporary


@pytest.fixture
def written(tmp_path):
    """Five pictures, each in a folder of its own, the first the oldest."""
    files = []
    for number in range(5):
        file = tmp_path / f"hash{number}" / "image.png"
        file.parent.mkdir()
        file.write_bytes(b"x")
        os.utime(file, (1000 + number, 1000 + number))
        files.append(file)
    return files


def test_the_newest_are_kept(tmp_path, written):
    temporary.trim(tmp_path, kept=2)
    assert [file.exists() for file in written] == [False, False, False, True, True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hash3", "hash4"]


def test_few_files_are_all_kept(tmp_path, written):
    temporary.trim(tmp_path, kept=5)
    assert all(file.exists() for file in written)


def test_of_large_ones_fewer_are_kept_and_other_files_not_touched(tmp_path, written):
    for file in written:
        file.write_bytes(b"x" * 10)
        os.utime(file, (1000 + written.index(file),) * 2)
    other = tmp_path / "live-1" / "gan.txt"
    other.parent.mkdir()
    other.touch()
    os.utime(other, (1, 1))
    temporary.trim(tmp_path, kept=5, kept_bytes=25)
    assert [file.exists() for file in written] == [False, False, False, True, True]
    assert other.exists()


def test_a_picture_is_written_once_and_is_then_the_newest(tmp_path):
    first, second = temporary.keep(tmp_path, b"one"), temporary.keep(tmp_path, b"two")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    assert len(first.parent.name) == 64
    for file, seconds in ((first, 1000), (second, 2000)):
        os.utime(file, (seconds, seconds))
    first.chmod(0o444)
    inode = first.stat().st_ino
    assert temporary.keep(tmp_path, b"one") == first
    assert first.stat().st_ino == inode  # who reads it meanwhile reads the whole
    temporary.trim(tmp_path, kept=1)
    assert [first.exists(), second.exists()] == [True, False]


@pytest.mark.parametrize("fate", ["deleted", "taken"])
def test_a_folder_that_another_takes_for_a_dead_ones_is_not_used(tmp_path, monkeypatch, fate):
    """It may come between a folder's making and its lock, where two start at once."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(temporary.atexit, "register", lambda *call, **named: None)
    make, made = tempfile.mkdtemp, []

    def mkdtemp(**named):
        made.append(make(**named))
        if len(made) == 1 and fate == "deleted":
            os.rmdir(made[0])
        elif len(made) == 1:
            other.enter_context(temporary.locked(Path(made[0])))
        return made[-1]

    monkeypatch.setattr(temporary.tempfile, "mkdtemp", mkdtemp)
    with contextlib.ExitStack() as other:
        assert temporary.use_own_folder() == Path(made[1])


def test_a_folder_that_goes_between_its_locks_opening_and_taking_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(temporary.atexit, "register", lambda *call, **named: None)
    lock, gone = temporary.locked, []

    @contextlib.contextmanager
    def locked(folder):
        with lock(folder):
            if not gone:
                gone.append(folder)
                shutil.rmtree(folder)
            yield

    monkeypatch.setattr(temporary, "locked", locked)
    folder = temporary.use_own_folder()
    assert folder.is_dir()
    assert gone != [folder]


SCRIPT = """
import os, pathlib, sys
from demo import temporary
folder = temporary.use_own_folder()
(folder / "a").mkdir()
(folder / "a" / "image.png").write_text("x")
print(sorted(path.name for path in folder.parent.iterdir() if path != folder))
assert os.environ["GRADIO_TEMP_DIR"] == str(folder)
sys.stdout.flush()
if sys.argv[1:] == ["die"]:
    os.kill(os.getpid(), 9)
"""


def test_a_folder_goes_with_its_process_and_what_a_killed_one_left_with_the_next(root, tmp_path):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments], cwd=root, capture_output=True, text=True,
            check=False, env=os.environ | {"GRADIO_TEMP_DIR": str(tmp_path)},
        )

    assert run("die").returncode == -9
    (left,) = tmp_path.iterdir()
    (tmp_path / "somebody-elses").mkdir()
    done = run()
    assert done.stdout == "['somebody-elses']\n", done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["somebody-elses"]
    assert not left.exists()


def test_a_folder_that_goes_meanwhile_is_no_error(tmp_path, monkeypatch):
    """Two that start and stop at once."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    monkeypatch.setattr(temporary.atexit, "register", lambda *call, **named: None)
    glob = Path.glob
    gone = tmp_path / f"{temporary.PREFIX}gone"
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [*glob(self, pattern), gone])
    assert temporary.use_own_folder().is_dir()


def test_a_living_process_keeps_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    calls = []
    monkeypatch.setattr(temporary.atexit, "register", lambda *call, **named: calls.append(call))
    first = temporary.use_own_folder()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    second = temporary.use_own_folder()
    assert first.is_dir()
    assert second.is_dir()
    assert first != second
    for function, *arguments in reversed(calls):
        function(*arguments)
    assert list(tmp_path.iterdir()) == []
