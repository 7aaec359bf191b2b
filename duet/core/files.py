"""Files that are either whole or absent: write beside the final place, then rename."""

import collections
import contextlib
import hashlib
import itertools
import json
import math
import os
import platform
import re
import secrets
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from duet.core.errors import DuetError

MOST_JSON_BYTES = 2**20
MOST_JSON_DEPTH = 64


class FileError(DuetError):
    """A file cannot be read or written, or is not what its name says; the message names it."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a scratch file path; rename it to `path` on success, remove it on failure."""
    scratch = _scratch(path)
    try:
        yield scratch
        scratch.chmod(0o644)  # some writers make private files
        os.replace(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty scratch folder; it takes the place of `path`, or of the folder that a link
    there leads to, on success only. FileError where no folder can stand there."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_dir():
        raise FileError(f"{path} is a file; name a folder")
    if Path.cwd().is_relative_to(path):  # whoever stands in it would be left in a deleted one
        raise FileError(f"{path} is where you are, or above it; name a folder in it")
    with scratch_folder(path) as scratch:
        yield scratch
        if not path.exists():
            os.replace(scratch, path)
            return
        retired = _scratch(path, RETIRED)
        os.replace(path, retired)
        try:
            os.replace(scratch, path)
        except BaseException:
            os.replace(retired, path)
            raise
        shutil.rmtree(retired)


@contextlib.contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path`, which goes in the end; those that killed processes left
    there go too."""
    scratch = _scratch(path)
    scratch.mkdir()
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


# A scratch path says on which machine and by which process it was made, so that what a killed
# process left is told from what a live one works at.
MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"
RETIRED = "retired-"
SCRATCH = re.compile(
    rf"\.(?P<name>.+)\.(?P<retired>{RETIRED})?{MACHINE}-(?P<pid>[0-9]+)-[0-9a-f]{{8}}(\.[^.]*)?"
)


def _scratch(path: Path, mark: str = "") -> Path:
    """A fresh name beside `path`, with its suffix; the folder is made and swept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    unique = f"{MACHINE}-{os.getpid()}-{secrets.token_hex(4)}"
    return path.with_name(f".{path.name}.{mark}{unique}{path.suffix}")


def _sweep(folder: Path) -> None:
    """Take away what killed processes of this machine left in a folder; a folder that had been put
    aside, and not been replaced yet, goes back to its place."""
    if not os.access(folder, os.R_OK):  # one may write there, and not look
        return
    for entry in folder.iterdir():
        found = SCRATCH.fullmatch(entry.name)
        if found is None or _is_alive(int(found["pid"])):
            continue
        with contextlib.suppress(OSError):  # another process may sweep too
            if found["retired"] and not (folder / found["name"]).exists():
                os.replace(entry, folder / found["name"])
            elif entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def _is_alive(pid: int) -> bool:
    if os.name != "posix":  # there, signal 0 would end the process
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it is somebody else's
        return True
    return True


def write_json(path: Path, value: Any) -> None:
    """Indented JSON; NaN and infinity, which JSON has not got, are refused (ValueError)."""
    with replacing(path) as scratch:
        text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)
        scratch.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path, most_bytes: int = MOST_JSON_BYTES) -> Any:
    """A JSON file's value, by the strict rules of `parse_json`; else FileError."""
    try:
        if not path.is_file() and path.exists():  # a pipe would be waited on for ever
            raise FileError(f"{path} is not a file")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise FileError(f"{path} is larger than {most_bytes} bytes")
        return parse_json(content)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}") from error
    except JsonError as error:
        raise FileError(f"{path} cannot be read: {error}") from error


def read_object(path: Path, most_bytes: int = MOST_JSON_BYTES) -> dict[str, Any]:
    """A JSON file that holds an object, read as strictly; else FileError."""
    value = read_json(path, most_bytes)
    if not isinstance(value, dict):
        raise FileError(f"{path}: expected a JSON object")
    return value


class JsonError(DuetError):
    """A text is not JSON that everybody reads alike."""


def parse_json(content: bytes) -> Any:
    """JSON in UTF-8 that means one thing to every reader (I-JSON, RFC 7493): no key twice, finite
    numbers and integers of 64 bits only, no half of a surrogate pair; at most 64 levels deep."""
    try:
        value = json.loads(
            content.decode("utf-8"), object_pairs_hook=_object, parse_float=_float, parse_int=_int,
            parse_constant=_float,
        )
    except RecursionError:
        raise JsonError(f"it is nested more than {MOST_JSON_DEPTH} levels deep") from None
    except JsonError:
        raise
    except ValueError as error:  # a JSONDecodeError or a UnicodeDecodeError
        raise JsonError(f"it is not JSON in UTF-8 ({error})") from error
    _check_levels(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice, _ = collections.Counter(key for key, _ in pairs).most_common()[0]
        raise JsonError(f"its key {twice[:40]!r} stands there twice")
    return found


def _float(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise JsonError(f"its number {text[:40]} is not finite")
    return value


def _int(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= (value := int(text)) < 2**64:
        raise JsonError(f"its number {text[:40]} has more than 64 bits")
    return value


def _check_levels(value: Any) -> None:
    """Level by level: there are few of them, and every text is valid Unicode."""
    level, depth = [value], 0
    while level:
        if not all(_is_unicode(item) for item in level if isinstance(item, str)):
            raise JsonError("a text in it holds half of a surrogate pair, which is no character")
        containers = [item for item in level if isinstance(item, dict | list)]
        depth += 1
        if containers and depth > MOST_JSON_DEPTH:
            raise JsonError(f"it is nested more than {MOST_JSON_DEPTH} levels deep")
        values = [item.values() if isinstance(item, dict) else item for item in containers]
        keys = [item for item in containers if isinstance(item, dict)]
        level = list(itertools.chain(*keys, *values))


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
