"""Where pictures lie: a folder, or a zip that is never unpacked. Names and bytes, nothing decoded.

Nobody vouches for either. What leads out of a folder is not followed, an entry's size is bounded
before it is read, and what cannot be used is reported by its name.
"""

import contextlib
import hashlib
import os
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from duet.core.files import sha256
from duet.data.base import DataError
from duet.data.decode import PictureError

MOST_FILE_BYTES = 2**28
LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}  # that systems leave behind, as dot files are


@dataclass(frozen=True)
class Source:
    """What was found at a path. names: of the files, "/" between the parts, in a fixed order;
    problems: why a file cannot be used, by its name; folders: all those that hold anything or
    nothing; read(name): a file's bytes, PictureError where that fails."""

    path: Path
    names: tuple[str, ...]
    folders: tuple[str, ...]
    problems: dict[str, str]
    read: Callable[[str], bytes]


def content_sha256(path: Path) -> str:
    """The hash of all contents and names at a path, without decoding or unpacking anything."""
    if not path.is_dir():
        _check_zip(path)
        return sha256(path)
    source = _folder(path)
    digest = hashlib.sha256()
    for name in source.names:
        with contextlib.suppress(OSError):  # which `read` will report
            digest.update(f"{sha256(path / name)} {name}\n".encode("utf-8", "surrogateescape"))
    others = "\n".join([*source.folders, *sorted(source.problems)])
    digest.update(others.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """A folder or a zip; DataError for anything else."""
    if path.is_dir():
        yield _folder(path)
        return
    _check_zip(path)
    with contextlib.ExitStack() as stack:
        try:
            source = _archive(path, stack.enter_context(zipfile.ZipFile(path)))
        except Exception as error:  # zipfile stumbles over a damaged directory in many ways
            raise DataError(f"{path} cannot be read: {error}; make the zip again") from error
        yield source


def _check_zip(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} does not exist; a folder of pictures is wanted, or a zip of one")
    if not path.is_file() or not zipfile.is_zipfile(path):
        raise DataError(f"{path} is neither a folder of pictures nor a zip of one")


def _folder(root: Path) -> Source:
    names, folders, problems = [], [], {}
    inside = root.resolve()
    for where, subfolders, files in os.walk(root, onerror=_refuse):
        subfolders[:] = [name for name in subfolders if not _is_litter(name)]
        for name in (*subfolders, *files):
            full = Path(where, name)
            relative = full.relative_to(root).as_posix()
            if _is_litter(name):
                continue
            if problem := _link_problem(full, inside):
                problems[relative] = problem
            elif full.is_dir():
                folders.append(relative)
            elif full.is_file():
                names.append(relative)
            else:
                problems[relative] = "not a file"

    def read(name: str) -> bytes:
        try:
            with (root / name).open("rb") as file:
                return _bounded(file.read(MOST_FILE_BYTES + 1))
        except OSError as error:
            raise PictureError(f"unreadable ({error.strerror or error})") from error

    return Source(root, tuple(sorted(names)), tuple(sorted(folders)), problems, read)


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be read: {error.strerror or error}") from error


def _link_problem(path: Path, inside: Path) -> str | None:
    if not path.is_symlink():
        return None
    if not Path(os.path.realpath(path)).is_relative_to(inside):  # which takes a loop of links
        return "a link that leads out of the folder"
    return None if path.is_file() else "a link to a folder, or to nothing"


def _archive(path: Path, archive: zipfile.ZipFile) -> Source:
    entries, folders, problems = {}, set(), {}
    for entry in archive.infolist():
        parts = PurePosixPath(entry.filename).parts
        if any(map(_is_litter, parts)):
            continue
        if problem := _entry_problem(entry, parts):
            problems[entry.filename] = problem
            continue
        name = "/".join(parts)
        folders |= {str(folder) for folder in PurePosixPath(name).parents if folder.parts}
        if entry.is_dir():
            folders.add(name)
        elif name in entries:
            problems[name] = "in the zip twice under one name"
        else:
            entries[name] = entry

    def read(name: str) -> bytes:
        try:
            with archive.open(entries[name]) as file:
                content = file.read(MOST_FILE_BYTES + 1)
        except Exception as error:  # each way of packing stumbles over damage in its own way
            raise PictureError(f"damaged in the zip ({str(error) or repr(error):.80})") from error
        return _bounded(content)

    names = tuple(sorted(entries))
    return Source(path, names, tuple(sorted(folders)), problems, read)


def _entry_problem(entry: zipfile.ZipInfo, parts: tuple[str, ...]) -> str | None:
    if ".." in parts or entry.filename.startswith("/") or "\\" in entry.filename:
        return "named so that it leads out of the zip's folder"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link, which a zip of pictures may not hold"
    if entry.flag_bits & 1:
        return "encrypted; make the zip again without a password"
    if entry.file_size > MOST_FILE_BYTES:
        return f"larger than {MOST_FILE_BYTES} bytes"
    return None


def _bounded(content: bytes) -> bytes:
    if len(content) > MOST_FILE_BYTES:
        raise PictureError(f"larger than {MOST_FILE_BYTES} bytes")
    return content


def _is_litter(name: str) -> bool:
    return name in LITTER or (name.startswith(".") and name != "..")
