"""python -m evaluation: measure checkpoints, verify stored numbers, write the score table."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import tyro
from typing_extensions import Doc

from duet import data
from duet.core import program
from duet.core.checkout import ROOT
from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName, Seed, Truncation
from duet.core.stop import Interrupted
from duet.data import DATASETS, Colour
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from duet.store.checkpoint import CARD, shipped_names
from evaluation import measuring, stored, tables, verification
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO, EXTRACTORS, entry_of, own, serving
from evaluation.extractors.training import train_entry
from evaluation.fidelity import OpenExtractors
from evaluation.harness import MIN_SAMPLES, Request, measure_held_out
from evaluation.reference import build, open_reference
from evaluation.sets import SetId

Sources = Annotated[tuple[str, ...], tyro.conf.Positional]
Space = Annotated[
    str,
    Doc("Feature space: auto (the extractor of our own that serves the data set), or one of "
        f"{', '.join(EXTRACTORS)}."),
]
DataName = Annotated[
    str, tyro.conf.arg(name="data"),
    Doc(f"Data set ({', '.join(DATASETS)}), or the path of a folder or zip of pictures."),
]


class Mismatch(Exception):
    """A verified number differs from the stored one."""


def measure_command(
    checkpoints: Sources, /, samples: int = 50_000, extractor: Space = AUTO, seed: Seed = 0,
    truncation: Truncation = 1.0, weights: Path | None = None, device: DeviceName = "auto",
    json: bool = False, force: bool = False,
) -> None:
    """Score checkpoints: IS, FID, KID, precision, recall; metrics.json is written into each
    folder (not into the Hub's cache).

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub, e.g. checkpoints/mnist-gan.
        samples: Images to generate; published numbers use 50,000, others do not compare.
        weights: Another weights file for the extractor.
        json: Print the measurements as JSON, keyed by what was named on the command line.
        force: Drop the stored measurements by other protocols; else they are kept beside this one,
            and tables show the strictest.
    """
    request = Request(samples, seed, truncation)
    extractors = OpenExtractors(pick_device(device), extractor, weights)
    loaded = measuring.load_all(checkpoints)
    prepared = [measuring.prepare(checkpoint, extractors) for _, checkpoint in loaded]
    done, reasons = [], []
    for named, work in zip(loaded, prepared, strict=True):
        measured = work.done(request)
        done.append((named, measured))
        reasons += measuring.keep(named.checkpoint, measured, force)
    measuring.print_measured(done, as_json=json)
    if reasons:
        raise EvaluationError("; ".join(reasons))


def verify_command(
    checkpoints: Sources, /, device: DeviceName = "auto", at_most: int | None = None,
    data_dir: DataDir = None,
) -> None:
    """Measure again by every protocol stored in each metrics.json, and the real held-out images of
    their data sets; exit 1 where anything stored differs beyond its tolerance.

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub.
        at_most: Leave out measurements of more samples than this: a quick look.
    """
    extractors = OpenExtractors(pick_device(device))
    loaded = measuring.load_all(checkpoints)
    work = [(named, m) for named in loaded for m in stored.stored(named.checkpoint)]
    outcomes = []
    for (source, checkpoint), before in work:
        if verification.is_wanted(before, at_most):
            words = verification.verify_checkpoint(checkpoint, before, extractors)
            verification.tell(source, before, words)
            outcomes.append(words)
    for images in dict.fromkeys(SetId.of(checkpoint) for _, checkpoint in loaded):
        for before, words in verification.verify_held_out(images, extractors, data_dir, at_most):
            verification.tell(f"{images.name}, real held-out images", before, words)
            outcomes.append(words)
    if not outcomes:
        raise EvaluationError(f"--at-most {at_most}: nothing that small is stored")
    failed = sum(map(bool, outcomes))
    if failed:
        raise Mismatch(f"{failed} of {len(outcomes)} measurements differ from what is stored")


def table_command(
    check: bool = False, readme: Path = ROOT / CARD, extractor: Space = AUTO
) -> None:
    """Write the README's score tables, one a data set, from the stored numbers of the shipped
    checkpoints.

    Args:
        check: Change nothing; exit 2 where the table differs from the numbers.
        readme: The file that holds the table's marks.
    """
    loaded = [checkpoint for _, checkpoint in measuring.load_all(shipped_names())]
    table = tables.markdown_tables(loaded, extractor)
    tables.replace_table(readme, table, check)
    print(table)


def reference_command(
    data_name: DataName = "mnist", extractor: Space = AUTO, data_dir: DataDir = None,
    image_size: ImageSize = None, colour: PictureColour = "auto", skip_broken: SkipBroken = False,
    weights: Path | None = None, device: DeviceName = "auto",
) -> None:
    """Extract a training split's features into evaluation/reference/ (own pictures': into the
    cache), and score the held-out split against them: the floor of every table.

    Args:
        weights: Another weights file for the extractor.
    """
    train, test = _splits(data_name, data_dir, image_size, colour, skip_broken)
    images = SetId.of(train)
    opened = OpenExtractors(pick_device(device), extractor, weights).serving(images)
    print(build(train, opened))
    if len(test) < MIN_SAMPLES:
        print(f"{len(test)} held-out images are too few to be scored", file=sys.stderr)
        return
    floor = measure_held_out(test, opened, open_reference(images, opened))
    stored.store(stored.held_out_path(images), floor, force=True)


def train_extractor_command(
    data_name: DataName = "mnist", epochs: int | None = None, seed: int = 0, resume: bool = False,
    out: Path | None = None, data_dir: DataDir = None, image_size: ImageSize = None,
    colour: PictureColour = "auto", skip_broken: SkipBroken = False, device: DeviceName = "auto",
) -> None:
    """Train the network whose features serve a data set, and write its weights: of a registered
    one beside the code, of own pictures into the cache, where --extractor auto finds them.

    Args:
        epochs: Passes over the training images (default: the extractor's own number).
        seed: Seed of weights, order and distortions.
        resume: Go on with the unfinished training in --out.
        out: Folder of the unfinished training (default: runs/extractor-DATA).
    """
    train, test = _splits(data_name, data_dir, image_size, colour, skip_broken)
    row = serving(train.name)
    entry = own.entry_for(train) if row is None else entry_of(row)
    if row is not None and train.name != entry.serves[0]:
        raise EvaluationError(
            f"{train.name} is measured by the extractor {row}, which is trained on "
            f"{entry.serves[0]}; pass --data {entry.serves[0]}"
        )
    folder = out or Path("runs") / f"extractor-{train.name}"
    chosen = pick_device(device)
    found = train_entry(entry, train, test, folder, chosen, seed, epochs, resume)
    print(
        f"test accuracy {found:.4f}; {entry.weights}. "
        f"Now: python -m evaluation reference --data {data_name}"
    )


def _splits(
    name: str, data_dir: Path | None, image_size: int | None, colour: Colour, skip_broken: bool
) -> tuple[data.ImageSet, data.ImageSet]:
    """The training and the held-out images."""
    train, test = (
        data.load(
            name, split, data_dir, image_size=image_size, colour=colour, skip_broken=skip_broken
        )
        for split in ("train", "test")
    )
    return train, test


COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure_command,
    "verify": verify_command,
    "table": table_command,
    "reference": reference_command,
    "train-extractor": train_extractor_command,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a verified number differs, 2 refused (the reason on stderr), 130
    or 143 stopped by Ctrl-C or SIGTERM."""

    def work() -> int:
        try:
            tyro.extras.subcommand_cli_from_dict(
                COMMANDS, prog="python -m evaluation", description=__doc__, args=argv,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
        except Mismatch as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except Interrupted as stop:
            print(stop, file=sys.stderr)
            return 128 + stop.signum
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
