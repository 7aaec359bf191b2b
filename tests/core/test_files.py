"""Files: strict JSON, whole or absent."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from duet.core import files
from duet.core.files import (
    FileError,
    JsonError,
    parse_json,
    read_json,
    read_object,
    replacing,
    replacing_folder,
    write_json,
)


@pytest.mark.parametrize("text", [
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 1}}',
    b'[NaN]', b'[Infinity]', b'[-Infinity]', b'[1e999]', b'[-1e999]',
    b'[18446744073709551616]', b'[-9223372036854775809]', b'9' * 5000,
    b'["\\ud800"]', b'{"\\udfff": 1}', b'{"a": [["\\udc00 b"]]}',
    b"[" * 65 + b"]" * 65, b"[" * 100_000, b'{"a":' * 70 + b"1" + b"}" * 70,
    b"\xef\xbb\xbf{}", '{"a": 1}'.encode("utf-16"), b'"\xff"', b"", b"{} {}",
])
def test_json_that_readers_would_read_differently_is_refused(text):
    with pytest.raises(JsonError, match=r"twice|finite|64 bits|surrogate|levels deep|not JSON"):
        parse_json(text)


@pytest.mark.parametrize(("text", "said"), [
    (b'{"b": 0, "a": 1, "a": 2, "c": 3}', "its key 'a' stands there twice"),
    (b"9" * 5000, "has more than 64 bits"),
])
def test_json_that_is_refused_is_told_why(text, said):
    with pytest.raises(JsonError, match=said):
        parse_json(text)


def test_plain_json_is_read():
    text = b'{"a": [1, -2.5, true, null, "\\ud83d\\ude00 \xc3\xa9"], "b": 18446744073709551615}'
    assert parse_json(text) == {"a": [1, -2.5, True, None, "😀 é"], "b": 2**64 - 1}
    assert parse_json(b"-9223372036854775808") == -(2**63)
    assert parse_json(b"[" * 64 + b"]" * 64)
    assert parse_json(b"[" * 64 + b"1" + b"]" * 64)


def test_json_is_written_for_people_too(tmp_path):
    """Folders that are missing are made."""
    path = tmp_path / "a" / "b" / "c.json"
    write_json(path, {"ü": [1]})
    assert path.read_text(encoding="utf-8") == '{\n  "ü": [\n    1\n  ]\n}\n'


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(FileError, match=r"a\.json cannot be read: No such file"):
        read_json(path)
    path.write_text("[1]")
    assert read_json(path) == read_json(path, most_bytes=3) == [1]
    with pytest.raises(FileError, match=r"a\.json: expected a JSON object"):
        read_object(path)
    with pytest.raises(FileError, match=r"a\.json is larger than 2 bytes"):
        read_json(path, most_bytes=2)
    with pytest.raises(FileError, match="is not a file"):
        read_json(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(FileError, match=r"pipe\.json is not a file"):
        read_json(tmp_path / "pipe.json")


def test_files_and_folders_are_for_everybody(tmp_path):
    with replacing(tmp_path / "a.txt") as scratch:
        scratch.touch(0o600)
    with replacing_folder(tmp_path / "b"):
        pass
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o777 & ~umask


WORK = """
import sys, time
from pathlib import Path
from duet.core.files import replacing, replacing_folder
folder = Path(sys.argv[1])
with replacing(folder / "a.txt") as a, replacing_folder(folder / "b") as b:
    a.write_text("half"), (b / "c").write_text("half")
    print("at work", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def at_work(tmp_path, root):
    """A process in the middle of writing a.txt and b/."""
    arguments = [sys.executable, "-c", WORK, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout.readline() == b"at work\n"
        yield process
        process.kill()


def test_what_a_killed_process_left_goes_with_the_next_write(at_work, tmp_path):
    (tmp_path / ".profile").touch()
    (tmp_path / f".a.txt.0badc0de-{at_work.pid}-00000000.txt").touch()  # another machine's
    with replacing(tmp_path / "d.txt") as scratch:
        scratch.touch()
    assert len(list(tmp_path.iterdir())) == 5  # a live process's work is let be
    at_work.kill()
    at_work.wait()
    with replacing_folder(tmp_path / "e"):
        names = {path.name for path in tmp_path.iterdir()}
        assert len(names) == 4
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {".profile", f".a.txt.0badc0de-{at_work.pid}-00000000.txt", "d.txt", "e"}


def dead_pid():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_folder_that_was_put_aside_comes_back(tmp_path):
    """kill -9 between the two renames of `replacing_folder`."""
    for name in ("kept", "replaced"):
        aside = tmp_path / f".{name}.{files.RETIRED}{files.MACHINE}-{dead_pid()}-00000000"
        aside.mkdir()
        (aside / "old").touch()
    (tmp_path / "replaced").mkdir()
    noted = f"{aside.name}.txt.old"  # looks much the same, but nobody here makes such names
    (tmp_path / noted).touch()
    with replacing(tmp_path / "a.txt") as scratch:
        scratch.touch()
    assert {path.name for path in tmp_path.iterdir()} == {"kept", "replaced", "a.txt", noted}
    assert (tmp_path / "kept" / "old").exists()
    assert not (tmp_path / "replaced" / "old").exists()


def test_a_rename_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()
    rename = os.replace

    def failing(source, target):
        if target == path and files.RETIRED not in str(source):
            raise OSError("no")
        rename(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OSError, match="no"), replacing_folder(path) as scratch:
        (scratch / "new").touch()
    assert [*tmp_path.rglob("*")] == [path, path / "old"]


def test_somebody_elses_process_is_alive(monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    assert files._is_alive(os.getpid())
    monkeypatch.setattr(os, "kill", refuse)
    assert files._is_alive(1)


def test_where_a_signal_would_end_a_process_none_is_sent(monkeypatch):
    sent = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "kill", lambda pid, signal: sent.append(pid))
        patch.setattr(os, "name", "nt")
        alive = files._is_alive(2**22)
    assert alive
    assert sent == []


def test_one_may_write_where_one_may_not_look(tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError

    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.R_OK)
    with monkeypatch.context() as patch:
        patch.setattr(type(tmp_path), "iterdir", refuse)
        with replacing(tmp_path / "a.txt") as scratch:
            scratch.touch()
    assert (tmp_path / "a.txt").exists()


@pytest.mark.parametrize("place", [".", "..", "/", "inner/.."])
def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch, place):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileError, match="is where you are, or above it"):
        replace_folder(place)
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("kept")
    with pytest.raises(FileError, match="is a file"):
        replace_folder(path)
    assert (path.read_text(), [*tmp_path.iterdir()]) == ("kept", [path])


def test_a_link_to_a_folder_stays_and_leads_to_the_new_one(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    (real / "old").touch()
    link.symlink_to(real)
    replace_folder(link)
    assert [path.name for path in real.iterdir()] == ["new"]
    assert sorted(tmp_path.iterdir()) == [link, real]


def replace_folder(path):
    with replacing_folder(Path(path)) as scratch:
        (scratch / "new").touch()
