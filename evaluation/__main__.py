"""python -m evaluation: measure checkpoints, verify stored numbers, write the score table."""

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import torch
import tyro
from typing_extensions import Doc

import duet
from duet import data
from duet.core import program
from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName, Truncation
from duet.core.stop import Interrupted
from duet.data import DATASETS, DataError
from duet.hub import client
from duet.store.checkpoint import METRICS, SHIPPED, Checkpoint, shipped_names
from duet.store.metrics import Measurement
from duet.store.scores import samples as samples_text
from evaluation import report
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO, EXTRACTORS, entry_of, extractor_for
from evaluation.extractors.training import train_entry
from evaluation.fidelity import Extractor, open_extractor
from evaluation.harness import Request, check_fit, measure, protocol_of, record
from evaluation.reference import build, extract_set, images_sha256, open_reference

Sources = Annotated[tuple[str, ...], tyro.conf.Positional]
Space = Annotated[
    str,
    Doc("Feature space: auto (the classifier of our own that serves the data set), or one of "
        f"{', '.join(EXTRACTORS)}."),
]
DataName = Annotated[str, tyro.conf.arg(name="data"), Doc(f"Data set: {', '.join(DATASETS)}.")]
Measured = list[tuple[str, Checkpoint, Measurement]]  # source, checkpoint, scores


class Mismatch(Exception):
    """A verified number differs from the stored one."""


def measure_command(
    checkpoints: Sources, /, samples: int = 50_000, extractor: Space = AUTO, seed: int = 0,
    truncation: Truncation = 1.0, weights: Path | None = None, device: DeviceName = "auto",
    json: bool = False, force: bool = False,
) -> None:
    """Score checkpoints: IS, FID, KID, precision, recall; metrics.json is written into each
    folder (not into the Hub's cache).

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub, e.g. checkpoints/mnist-gan.
        samples: Images to generate; published numbers use 50,000, others do not compare.
        seed: Stream that the samples come from.
        weights: Another weights file for the extractor.
        json: Print the measurements as JSON, keyed by what was named on the command line.
        force: Drop the stored measurements by other protocols; else they are kept beside this one,
            and tables show the strictest.
    """
    request = Request(samples, seed, truncation)
    opened = _Extractors(pick_device(device), extractor, weights)
    loaded = _load_all(checkpoints)
    for _, checkpoint in loaded:
        check_fit(checkpoint, opened.serving(checkpoint.data))
        if not client.is_cached(checkpoint.folder):
            report.check_writable(checkpoint)
    spaces = {n: opened.serving(n) for n in {c.data for _, c in loaded}}
    references = {n: open_reference(n, space) for n, space in spaces.items()}
    done: Measured = []
    unwritten = []
    for source, checkpoint in loaded:
        name = checkpoint.data
        measured = measure(checkpoint, spaces[name], references[name], request)
        done.append((source, checkpoint, measured))
        if not client.is_cached(checkpoint.folder):
            try:
                report.store(checkpoint.folder / METRICS, measured, force)
            except (OSError, ValueError) as error:  # the numbers are printed all the same
                unwritten.append(str(error))
    _print_measured(done, as_json=json)
    if unwritten:
        raise EvaluationError("; ".join(unwritten))


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
    chosen = pick_device(device)
    loaded = _load_all(checkpoints)
    work = [
        (source, checkpoint, stored)
        for source, checkpoint in loaded
        for stored in report.stored(checkpoint)
        if at_most is None or stored.protocol.samples <= at_most
    ]
    extractors = _Extractors(chosen)
    outcomes = []
    for source, checkpoint, stored in work:
        found = _verify(checkpoint, stored, extractors)
        outcomes.append(found)
        _tell(source, stored, found)
    for name in sorted({checkpoint.data for _, checkpoint in loaded}):
        outcomes += _verify_held_out(name, extractors, data_dir, at_most)
    if not outcomes:
        raise EvaluationError(f"--at-most {at_most}: nothing that small is stored")
    failed = sum(map(bool, outcomes))
    if failed:
        raise Mismatch(f"{failed} of {len(outcomes)} measurements differ from what is stored")


class _Extractors(dict[str, Extractor]):
    """Extractors by name, opened when first asked for."""

    def __init__(
        self, device: torch.device, asked: str = AUTO, weights: Path | None = None
    ) -> None:
        super().__init__()
        self.device, self.asked, self.weights = device, asked, weights

    def __missing__(self, name: str) -> Extractor:
        self[name] = open_extractor(name, self.device, self.weights)
        return self[name]

    def serving(self, data: str) -> Extractor:
        """The one that was asked for, else the one that serves a data set."""
        return self[extractor_for(data, self.asked)]


def _verify(checkpoint: Checkpoint, stored: Measurement, extractors: _Extractors) -> list[str]:
    """What differs; where the protocol does already, nothing is measured."""
    asked, extractor = stored.protocol, extractors[stored.protocol.extractor]
    reference = open_reference(checkpoint.data, extractor)
    request = Request(asked.samples, asked.seed, asked.truncation)
    changed = report.protocol_differences(asked, protocol_of(request, extractor, reference))
    if changed:
        return changed
    return report.differences(stored, measure(checkpoint, extractor, reference, request))


def _verify_held_out(
    name: str, extractors: _Extractors, data_dir: Path | None, at_most: int | None
) -> list[list[str]]:
    """The same for the floor of a data set; without its images that is said, and not counted."""
    outcomes = []
    for stored in report.held_out(name).measurements:
        if at_most is not None and stored.protocol.samples > at_most:
            continue
        try:
            images = data.load(name, "test", data_dir, download=False)
        except DataError as error:
            print(f"{name}, real held-out images: not verified ({error})", file=sys.stderr)
            return []
        measured = _measure_held_out(images, extractors[stored.protocol.extractor])
        found = report.differences(stored, measured)
        if stored.subject_sha256 != measured.subject_sha256:
            found.append("the held-out images are others")
        outcomes.append(found)
        _tell(f"{name}, real held-out images", stored, found)
    return outcomes


def _measure_held_out(images: data.ImageSet, extractor: Extractor) -> Measurement:
    reference = open_reference(images.name, extractor)
    found = extract_set(images, extractor)
    return record(found, extractor, reference, Request(len(images)), images_sha256(images))


def _tell(name: str, stored: Measurement, found: list[str]) -> None:
    asked = f"{stored.protocol.extractor}, {samples_text(stored.protocol)} samples"
    print(f"{name} ({asked}): {'; '.join(found) or 'as stored'}", flush=True)


def table_command(
    check: bool = False, readme: Path = SHIPPED.parent / "README.md", extractor: Space = AUTO
) -> None:
    """Write the README's score tables, one a data set, from the stored numbers of the shipped
    checkpoints.

    Args:
        check: Change nothing; exit 2 where the table differs from the numbers.
        readme: The file that holds the table's marks.
    """
    loaded = [checkpoint for _, checkpoint in _load_all(shipped_names())]
    table = report.markdown_tables(loaded, extractor)
    report.replace_table(readme, table, check)
    print(table)


def reference_command(
    data_name: DataName = "mnist", extractor: Space = AUTO,
    data_dir: DataDir = None, weights: Path | None = None, device: DeviceName = "auto",
) -> None:
    """Extract a training split's features into evaluation/reference/, and score the held-out
    split against them: the floor of every table.

    Args:
        weights: Another weights file for the extractor.
    """
    opened = _Extractors(pick_device(device), extractor, weights).serving(data_name)
    splits = [data.load(data_name, split, data_dir) for split in ("train", "test")]
    path = build(splits[0], opened)
    report.store(report.held_out_path(data_name), _measure_held_out(splits[1], opened), force=True)
    print(path)


def train_extractor_command(
    data_name: DataName = "mnist", epochs: int | None = None,
    seed: int = 0, resume: bool = False, out: Path | None = None, data_dir: DataDir = None,
    device: DeviceName = "auto",
) -> None:
    """Train the classifier whose features the extractor of a data set uses; write its weights.

    Args:
        epochs: Passes over the training images (default: the extractor's own number).
        seed: Seed of weights, order and distortions.
        resume: Go on with the unfinished training in --out.
        out: Folder of the unfinished training (default: runs/extractor-DATA).
    """
    name = extractor_for(data_name)
    entry, chosen = entry_of(name), pick_device(device)
    train, test = (data.load(data_name, split, data_dir) for split in ("train", "test"))
    folder = out or Path("runs") / f"extractor-{data_name}"
    found = train_entry(entry, train, test, folder, chosen, seed, epochs, resume)
    print(
        f"test accuracy {found:.4f}; {entry.weights}. "
        f"Now: python -m evaluation reference --data {data_name}"
    )


COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure_command,
    "verify": verify_command,
    "table": table_command,
    "reference": reference_command,
    "train-extractor": train_extractor_command,
}


def _load_all(sources: Sequence[str]) -> list[tuple[str, Checkpoint]]:
    """What was named, each once, with what it is."""
    if len(sources) == 0:
        raise EvaluationError("name at least one checkpoint, e.g. checkpoints/mnist-gan")
    return [(source, duet.load(source)) for source in dict.fromkeys(sources)]


def _print_measured(done: Measured, as_json: bool) -> None:
    if as_json:
        print(json.dumps({source: dataclasses.asdict(m) for source, _, m in done}, indent=2))
        return
    for name in dict.fromkeys(checkpoint.data for _, checkpoint, _ in done):
        same_data = [(c, measured) for _, c, measured in done if c.data == name]
        try:
            table = report.rows(name, same_data)
        except EvaluationError as error:  # the floor is of another protocol: the numbers stay
            print(f"without the real images: {error}", file=sys.stderr)
            table = report.model_rows(same_data)
        print(report.terminal_table(table))


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
        except Interrupted as error:
            print(error, file=sys.stderr)
            return 128 + error.signum
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
