"""log.jsonl: read to the last whole line, or refused by its number."""

import math
import os

import pytest

from duet.store import run
from duet.store.records import RecordError
from duet.store.run import LogRow, read_log

ROWS = tuple(LogRow(step, step / 2, {"b": 1.0, "a": -2.5}) for step in (0, 7, 9, 200))


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("".join(row.to_line() for row in ROWS))
    return path


def test_round_trip(path, tmp_path):
    assert read_log(path) == ROWS
    assert read_log(tmp_path / "none.jsonl") == ()
    assert ROWS[1].columns() == {"step": 7, "seconds": 3.5, "b": 1.0, "a": -2.5}
    assert path.read_text().splitlines()[1] == '{"step": 7, "seconds": 3.5, "b": 1.0, "a": -2.5}'


def test_a_line_that_a_crash_cut_off_is_passed_over(path):
    for rest in ("", "\n", '{"step": 201, "sec'):
        path.write_text("".join(row.to_line() for row in ROWS) + rest)
        if rest != "\n":
            assert read_log(path) == ROWS
        else:
            with pytest.raises(RecordError, match=r"log\.jsonl, line 5: it is not JSON"):
                read_log(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"step": 200, "seconds": 1.0, "b": 1.0, "a": 1.0}', "step 200 comes after step 200"),
        ('{"step": 8, "seconds": 1.0, "b": 1.0, "a": 1.0}', "step 8 comes after step 200"),
        ('{"step": 201, "seconds": 1.0, "b": 1.0}', "the line before of other losses"),
        ('{"step": 201, "seconds": 1.0, "a": 1.0, "b": 1.0}', "the line before of other losses"),
        ('{"step": 201, "seconds": 1.0}', "losses: Dictionary should have at least 1"),
        ('{"seconds": 1.0, "b": 1.0, "a": 1.0}', "step: Field required"),
        ('{"step": 201, "b": 1.0, "a": 1.0}', "seconds: Field required"),
        ('{"step": 201, "seconds": 1.0, "b": "1", "a": 1.0}', "losses.b: Input should be a valid"),
        ("[]", "it is no JSON object"),
    ],
)
def test_a_line_that_does_not_follow_is_named(path, line, said):
    with path.open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RecordError, match=rf"log\.jsonl, line 5: .*{said}.*; take this line and"):
        read_log(path)


def test_a_loss_that_is_no_number_is_not_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        LogRow(1, 1.0, {"a": math.nan}).to_line()


def test_a_huge_log_is_not_read(path, monkeypatch):
    size = path.stat().st_size
    monkeypatch.setattr(run, "MAX_LOG_BYTES", size)
    assert read_log(path) == ROWS
    monkeypatch.undo()
    os.truncate(path, 2**27 + 1)  # which takes no room on the disk
    with pytest.raises(RecordError, match="is larger than 134217728 bytes"):
        read_log(path)


def test_a_log_that_is_a_folder_is_told(tmp_path):
    with pytest.raises(RecordError, match="cannot be read"):
        read_log(tmp_path)
