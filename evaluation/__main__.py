"""python -m evaluation: measure checkpoints, verify stored numbers, write the score table."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

import duet
from duet import data
from duet.core.device import pick_device
from duet.core.errors import DuetError
from duet.core.tensors import save_tensors
from duet.hub import client
from duet.store.checkpoint import METRICS, SHIPPED, Checkpoint, shipped_names
from evaluation import report
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS
from evaluation.extractors import mnist as mnist_extractor
from evaluation.fidelity import Extractor, open_extractor
from evaluation.harness import Protocol, check_fit, measure, record, score
from evaluation.reference import build, extract_set, open_reference

Sources = Annotated[tuple[str, ...], tyro.conf.Positional]


class Mismatch(Exception):
    """A verified number differs from the stored one."""


def measure_command(
    checkpoints: Sources, /, samples: int = 50_000, extractor: str = "mnist", seed: int = 0,
    truncation: float = 1.0, weights: Path | None = None, device: str = "auto",
    json: bool = False,
) -> None:
    """Score checkpoints: IS, FID, KID, precision, recall; metrics.json is written into each
    folder (not into the Hub's cache).

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub, e.g. checkpoints/mnist-gan.
        samples: Images to generate; published numbers use 50,000, others do not compare.
        extractor: Feature space: mnist (our digit classifier) or inception.
        seed: Stream that the samples come from.
        truncation: Factor on the latents, 0..1; 1 is the untouched prior.
        weights: Another weights file for the extractor.
        device: auto (cuda where there is one), cpu, cuda.
        json: Print the entries of metrics.json as JSON, keyed by checkpoint.
    """
    protocol = Protocol(samples, seed, truncation, extractor)
    opened = open_extractor(extractor, pick_device(device), weights)
    loaded = _load_all(checkpoints)
    for checkpoint in loaded:
        check_fit(checkpoint, opened)
    references = {name: open_reference(name, opened) for name in {c.data for c in loaded}}
    entries = []
    for checkpoint in loaded:
        entry = measure(checkpoint, opened, references[checkpoint.data], protocol)
        if not client.is_cached(checkpoint.folder):
            report.store(checkpoint.folder / METRICS, extractor, entry)
        entries.append((checkpoint, entry))
    _print_measured(entries, extractor, as_json=json)


def verify_command(checkpoints: Sources, /, device: str = "auto") -> None:
    """Measure again by the protocol stored in each metrics.json; exit 1 where a number differs
    beyond its tolerance.

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub.
        device: auto (cuda where there is one), cpu, cuda.
    """
    chosen = pick_device(device)
    work = [
        (checkpoint, Protocol(**entry["protocol"]), entry)
        for checkpoint in _load_all(checkpoints)
        for entry in report.stored(checkpoint).values()
    ]
    extractors = {p.extractor: open_extractor(p.extractor, chosen) for _, p, _ in work}
    failed = 0
    for checkpoint, protocol, entry in work:
        found = _verify(checkpoint, protocol, entry, extractors[protocol.extractor])
        failed += bool(found)
        print(f"{checkpoint.name} ({protocol.extractor}): {'; '.join(found) or 'as stored'}")
    if failed:
        raise Mismatch(f"{failed} of {len(work)} measurements differ from what is stored")


def _verify(
    checkpoint: Checkpoint, protocol: Protocol, entry: dict[str, Any], extractor: Extractor
) -> list[str]:
    reference = open_reference(checkpoint.data, extractor)
    hashes = {
        "extractor": (entry["extractor_sha256"], extractor.weights_sha256),
        "reference": (entry["reference"]["sha256"], reference.sha256),
    }
    changed = [f"the {name} is another file" for name, (a, b) in hashes.items() if a != b]
    return changed or report.differences(entry, measure(checkpoint, extractor, reference, protocol))


def table_command(
    check: bool = False, readme: Path = SHIPPED.parent / "README.md", extractor: str = "mnist"
) -> None:
    """Write the README's score table from the stored numbers of the shipped checkpoints.

    Args:
        check: Change nothing; exit 2 where the table differs from the numbers.
        readme: The file that holds the table's marks.
        extractor: The feature space of the table.
    """
    loaded = _load_all(shipped_names())
    entries = [(c, report.stored(c)[extractor]) for c in loaded]
    if not entries:
        raise EvaluationError(f"there are no shipped checkpoints in {SHIPPED}")
    table = report.markdown_table(report.rows(loaded[0].data, extractor, entries))
    report.replace_table(readme, table, check)
    print(table)


def reference_command(
    data_name: Annotated[str, tyro.conf.arg(name="data")] = "mnist", extractor: str = "mnist",
    data_dir: Path | None = None, weights: Path | None = None, device: str = "auto",
) -> None:
    """Extract a training split's features into evaluation/reference/, and score the held-out
    split against them: the floor of every table.

    Args:
        data_name: Data set.
        extractor: Feature space: mnist or inception.
        data_dir: Folder that holds the data sets (default: $DUET_DATA, else ~/.cache/duet/data).
        weights: Another weights file for the extractor.
        device: auto (cuda where there is one), cpu, cuda.
    """
    opened = open_extractor(extractor, pick_device(device), weights)
    splits = [data.load(data_name, split, data_dir) for split in ("train", "test")]
    path = build(splits[0], opened)
    reference = open_reference(data_name, opened)
    started = time.monotonic()
    scores = score(extract_set(splits[1], opened), reference)
    protocol = Protocol(samples=len(splits[1]), extractor=extractor)
    images_sha256 = hashlib.sha256(splits[1].images.numpy().tobytes()).hexdigest()
    entry = record(
        scores, protocol, opened, reference, images_sha256, time.monotonic() - started
    )
    report.store(report.held_out_path(data_name), extractor, entry)
    print(path)


def train_extractor_command(data_dir: Path | None = None, epochs: int = 12, seed: int = 0) -> None:
    """Train the digit classifier whose features the mnist extractor uses; write its weights.

    Args:
        data_dir: Folder that holds the data sets (default: $DUET_DATA, else ~/.cache/duet/data).
        epochs: Passes over the 60,000 training images.
        seed: Seed of weights, order and distortions.
    """
    train, test = (data.load("mnist", split, data_dir) for split in ("train", "test"))
    network = mnist_extractor.train(train.images, train.labels, epochs=epochs, seed=seed)
    accuracy = mnist_extractor.accuracy(network, test.images, test.labels)
    path = EXTRACTORS["mnist"].weights
    assert path is not None
    about = {"test_accuracy": str(accuracy), "epochs": str(epochs), "seed": str(seed)}
    save_tensors(path, network.state_dict(), about)
    print(f"test accuracy {accuracy:.4f}; {path}. Now: python -m evaluation reference")


COMMANDS: dict[str, Callable[..., None]] = {
    "measure": measure_command,
    "verify": verify_command,
    "table": table_command,
    "reference": reference_command,
    "train-extractor": train_extractor_command,
}


def _load_all(sources: Sequence[str]) -> list[Checkpoint]:
    if len(sources) == 0:
        raise EvaluationError("name at least one checkpoint, e.g. checkpoints/mnist-gan")
    return [duet.load(source) for source in sources]


def _print_measured(
    entries: list[tuple[Checkpoint, dict[str, Any]]], extractor: str, as_json: bool
) -> None:
    if as_json:
        print(json.dumps({checkpoint.name: entry for checkpoint, entry in entries}, indent=2))
        return
    for name in sorted({checkpoint.data for checkpoint, _ in entries}):
        same_data = [(c, entry) for c, entry in entries if c.data == name]
        print(report.terminal_table(report.rows(name, extractor, same_data)))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a verified number differs, 2 refused (the reason on stderr)."""
    try:
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="python -m evaluation", description=__doc__, args=argv,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    except DuetError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except Mismatch as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
