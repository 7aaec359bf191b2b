"""Files: strict JSON, whole or absent."""

import os

import pytest

from duet.core.files import FileError, JsonError, parse_json, read_json, read_object


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


def test_plain_json_is_read():
    text = b'{"a": [1, -2.5, true, null, "\\ud83d\\ude00 \xc3\xa9"], "b": 18446744073709551615}'
    assert parse_json(text) == {"a": [1, -2.5, True, None, "😀 é"], "b": 2**64 - 1}
    assert parse_json(b"[" * 64 + b"]" * 64)


def test_what_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(FileError, match=r"a\.json cannot be read: No such file"):
        read_json(path)
    path.write_text("[1]")
    assert read_json(path) == [1]
    with pytest.raises(FileError, match=r"a\.json: expected a JSON object"):
        read_object(path)
    with pytest.raises(FileError, match=r"a\.json is larger than 2 bytes"):
        read_json(path, most_bytes=2)
    with pytest.raises(FileError, match="is not a file"):
        read_json(tmp_path)
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(FileError, match=r"pipe\.json is not a file"):
        read_json(tmp_path / "pipe.json")
