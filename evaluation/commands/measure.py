"""measure: scores of whatever draws pictures."""

from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import DeviceName, Seed, Truncation
from evaluation import measuring
from evaluation.commands.flags import Sources, Space
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.harness import Request


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
