"""Which picture is of which class: the folder it lies in says so."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from duet.data.base import DataError, Facts
from duet.data.sources import Source

SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
MOST_NAME_LENGTH = 80
MOST_CLASSES = 10_000
JOINERS = "\u200c\u200d"  # invisible, and yet part of how some scripts and emoji are spelt


@dataclass(frozen=True)
class Arrangement:
    """names: of the files to decode, class by class; labels: the class of each, all 0 where there
    are none; problems: why a file or folder cannot be used, by its name."""

    names: tuple[str, ...]
    labels: tuple[int, ...]
    class_names: tuple[str, ...]
    problems: dict[str, str]


def arrange(source: Source, facts: Facts | None) -> Arrangement:
    """Sort a source's files into classes: those of `facts` in its order, else one a folder, in the
    order of their names; none where all pictures lie in one folder. Raises DataError."""
    root = _common_root(source)
    problems = dict(source.problems)
    folders: dict[str, list[str]] = {}
    for name in source.names:
        first, _, rest = name.removeprefix(root).partition("/")
        folders.setdefault(first if rest else "", []).append(name)
    loose = folders.pop("", [])
    if not folders and facts is None:
        return Arrangement(tuple(loose), (0,) * len(loose), (), problems)

    problems |= dict.fromkeys(loose, "lies beside the class folders")
    inside = [name.removeprefix(root) for name in source.folders if name.startswith(root)]
    empty = {name.partition("/")[0] for name in inside} - set(folders)
    problems |= dict.fromkeys(sorted(empty), "a class folder with nothing in it")
    if facts is None:
        classes = _own_classes(source.path, folders)
        class_names = tuple(sorted(classes.values()))
    else:
        classes = _known_classes(source.path, folders, facts)
        class_names = facts.class_names
    number = {name: place for place, name in enumerate(class_names)}
    label = {folder: number[classes[folder]] for folder in folders}
    pairs = [(name, label[folder])
             for folder in sorted(folders, key=label.__getitem__) for name in folders[folder]]
    names, labels = zip(*pairs, strict=True) if pairs else ((), ())
    return Arrangement(names, labels, class_names, problems)


def _common_root(source: Source) -> str:
    """"a/b/" where everything lies in folder b of folder a: wrappers, as zips often have them."""
    root = ""
    while True:
        inside = [name.removeprefix(root) for name in (*source.names, *source.folders)
                  if name.startswith(root) and name != root.rstrip("/")]
        firsts = {name.partition("/")[0] for name in inside}
        if len(firsts) != 1 or not any("/" in name for name in inside):
            return root
        root += firsts.pop() + "/"


def _own_classes(path: Path, folders: Iterable[str]) -> dict[str, str]:
    """Each folder's class, a text that everything can show."""
    names = {folder: clean(folder) for folder in folders}
    if len(names) > MOST_CLASSES:
        raise DataError(
            f"{path} holds {len(names)} folders, and a model knows at most {MOST_CLASSES} classes: "
            "put the pictures into fewer, or all into one"
        )
    if len(names) > 1 and {name.lower() for name in names.values()} <= SPLITS:
        raise DataError(
            f"{path} holds splits ({', '.join(sorted(names))}), not classes: name one "
            f"of them; Duet holds a tenth out by itself"
        )
    first: dict[str, str] = {}
    for folder, name in names.items():
        if not name:
            raise DataError(f"{path}: folder {folder!r} has no name that can be shown; rename it")
        if (twin := first.setdefault(name, folder)) != folder:
            raise DataError(
                f"{path}: the folders {twin!r} and {folder!r} both make the class {name!r}; "
                "rename or merge them"
            )
    return names


def clean(folder: str) -> str:
    """A folder's name as a class name: composed letters (NFC), nothing invisible, single spaces,
    at most MOST_NAME_LENGTH characters; any script."""
    spaced = re.sub(r"\s+", " ", unicodedata.normalize("NFC", folder))
    seen = (c for c in spaced if c in JOINERS or not unicodedata.category(c).startswith("C"))
    return "".join(seen).strip()[:MOST_NAME_LENGTH].strip()


def _known_classes(path: Path, folders: Iterable[str], facts: Facts) -> dict[str, str]:
    """Each folder's class among those of a registered set, spelt with whatever stands for its
    spaces and slashes."""
    known = {_letters(name): name for name in facts.class_names}
    for folder in folders:
        if _letters(folder) not in known:
            raise DataError(
                f"{path}: folder {folder!r} is no class of {facts.title}; they are "
                f"{', '.join(facts.class_names)}"
            )
    return {folder: known[_letters(folder)] for folder in folders}


def _letters(name: str) -> str:
    return re.sub(r"\W|_", "", name).lower()
