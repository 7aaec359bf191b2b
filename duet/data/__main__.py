"""python -m duet.data: which sets are known and at hand, and what is in one before it is used."""

import codecs
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro
from typing_extensions import Doc

from duet import data
from duet.core import program
from duet.core.files import replacing
from duet.core.flags import AsJson, DataDir
from duet.data import DATASETS, SPLITS, report
from duet.data.audit import audit
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from duet.data.pictures import originals

NameOrPath = Annotated[
    str, tyro.conf.Positional,
    Doc("A registered set, or the path of a folder of pictures, a folder a class, or a zip."),
]


def list_command(*, data_dir: DataDir = None, json: AsJson = False) -> None:
    """Say which sets are known, where they would be looked for, and which are there."""
    root = data.data_root(data_dir)
    found = [_found(name, root) for name in DATASETS]
    if json:
        _print_json({"data_dir": str(root), "cache": str(data.cache_root()), "sets": found})
        return
    for known in found:
        there = ", ".join(f"{split}: {path or '–'}" for split, path in known["found"].items())
        print(f"{known['name']:<14} {there}")
    print(
        f"\nlooked for below {root} (--data-dir, DUET_DATA): torchvision's layout, or "
        f"NAME-train.zip and NAME-test.zip of class folders; – is downloaded when it is wanted.\n"
        f"Own pictures: a path instead of a name; decoded into {data.cache_root() / 'pictures'} "
        "(DUET_CACHE)"
    )


def _found(name: str, root: Path) -> dict[str, Any]:
    known = DATASETS[name]

    def first(groups: Iterable[tuple[str, ...]]) -> str | None:
        there = (group[0] for group in groups if all((root / file).exists() for file in group))
        return next(there, None)

    return {
        "name": name, "title": known.facts.title, "licence": known.facts.licence,
        "looked_for": known.places,
        "found": {split: first(groups) for split, groups in known.places.items()},
    }


def audit_command(
    source: NameOrPath, /, *, data_dir: DataDir = None, image_size: ImageSize = None,
    colour: PictureColour = "auto", skip_broken: SkipBroken = False, json: AsJson = False,
    html: Path | None = None,
) -> None:
    """Count, compare and doubt: what is in a data set.

    Args:
        html: Write a page with the pictures in question to this file.
    """
    if html is not None and html.is_dir():
        raise data.DataError(f"--html {html} is a folder; name the file to write in it")
    with contextlib.ExitStack() as stack:
        page = stack.enter_context(replacing(html)) if html is not None else None
        if page is not None:
            page.touch()  # what cannot be written is found out before the long work
        train, test = (
            data.load(
                source, split, data_dir, image_size=image_size, colour=colour,
                skip_broken=skip_broken,
            ) for split in SPLITS
        )
        was = None
        if source not in DATASETS:
            was = originals(data.path_of(source), train.image_shape[1])
        found = audit(train, test, was)
        if page is not None:
            page.write_text(report.html_page(found, train, test), encoding="utf-8")
    if json:
        _print_json(dataclasses.asdict(found))
    else:
        print(report.terminal_table(found))


def _print_json(value: Any) -> None:
    """JSON that parses in whatever stdout is written in, for eyes too where that is UTF-8."""
    is_utf_8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    print(json.dumps(value, indent=2, ensure_ascii=not is_utf_8, allow_nan=False))


COMMANDS: dict[str, Callable[..., None]] = {"list": list_command, "audit": audit_command}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 2 refused (the reason is on stderr)."""
    def work() -> int:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="python -m duet.data", description=__doc__, args=argv,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
