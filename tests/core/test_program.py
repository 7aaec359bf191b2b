"""What a program says and returns, whatever its work does."""

import io
import os
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


def test_a_slip_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_a_reader_that_has_gone_is_no_error(monkeypatch):
    """Neither here nor when Python flushes what is left."""
    reading, writing = os.pipe()
    os.close(reading)
    stdout = open(writing, "w")  # noqa: SIM115  # closed below, which is what is tested
    monkeypatch.setattr(sys, "stdout", stdout)
    assert run(lambda: print("a line") or 0) == 141
    stdout.close()


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
