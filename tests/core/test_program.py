"""What a program says and returns, whatever its work does."""

import io
import os
import subprocess
import sys

import pytest

from duet.core.errors import ArgumentError
from duet.core.program import run


def failing(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        (lambda: 0, 0, ""),
        (lambda: 7, 7, ""),
        (failing(ArgumentError("no such count")), 2, "error: no such count\n"),
        (failing(OSError("disk full")), 2, "error: disk full\n"),
        (failing(KeyboardInterrupt()), 130, "stopped\n"),
    ],
)
def test_each_end_has_its_code(capsys, work, code, said):
    assert run(work) == code
    assert capsys.readouterr() == ("", said)


def unread_pipe():
    """A stream whose reader has gone; to close it, as Python does at its end, is part of a test."""
    reading, writing = os.pipe()
    os.close(reading)
    return open(writing, "w", buffering=1)


def test_a_slip_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_a_reader_that_has_gone_is_no_error(monkeypatch):
    """Neither here nor when Python flushes what is left."""
    monkeypatch.setattr(sys, "stdout", unread_pipe())
    assert run(lambda: print("a line") or 0) == 141
    sys.stdout.close()


def test_help_may_be_piped_into_head(monkeypatch):
    def helping():
        print("a line")
        raise SystemExit(0)

    monkeypatch.setattr(sys, "stdout", unread_pipe())
    assert run(helping) == 141
    sys.stdout.close()


@pytest.mark.parametrize("work", [
    lambda: print("talk", file=sys.stderr) or 0, failing(ArgumentError("no such count")),
])
def test_a_reader_of_the_talk_that_has_gone_is_no_error(monkeypatch, work):
    monkeypatch.setattr(sys, "stderr", unread_pipe())
    assert run(work) == 141
    sys.stderr.close()


def test_a_result_that_finds_no_room_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", open("/dev/full", "w"))  # noqa: SIM115  # closed below
    assert run(lambda: print("a line") or 0) == 2
    assert "No space left" in capsys.readouterr().err
    sys.stdout.close()


def test_a_closed_stream_takes_all_and_its_number_goes_to_no_file(tmp_path, root):
    """As a shell closes them, by >&- 2>&-: what is printed must not land in a file of ours."""
    script = tmp_path / "closed.py"
    script.write_text(
        "import os, sys; from duet.core.program import run\n"
        "def work():\n"
        "    with open(sys.argv[1], 'w') as file:\n"
        "        print('out'); print(sys.stderr.isatty(), file=sys.stderr); os.write(2, b'C')\n"
        "        file.write('kept')\n"
        "    return 7\n"
        "sys.exit(run(work))\n"
    )
    command = f"exec {sys.executable} {script} {tmp_path}/file >&- 2>&-"
    done = subprocess.run(command, shell=True, check=False, env={"PYTHONPATH": str(root)})
    assert (done.returncode, (tmp_path / "file").read_text()) == (7, "kept")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_terminal_that_is_no_utf_8_gets_escapes(monkeypatch, name):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, name, stream)
    assert run(lambda: print("FID ↓", file=getattr(sys, name)) or 0) == 0
    stream.flush()
    assert stream.buffer.getvalue().strip() == b"FID \\u2193"


def test_a_stream_of_another_kind_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert run(lambda: print("FID ↓") or 0) == 0
    assert sys.stdout.getvalue() == "FID ↓\n"
