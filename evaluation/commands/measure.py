"""measure: scores of checkpoints and of pictures, against what they should be like."""

import sys
from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName, Seed, Truncation
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation import measuring, plots, tables
from evaluation.against import open_against
from evaluation.commands.flags import Against, Sources, Space
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.harness import Request, protocol_of
from evaluation.intervals import REPEATS
from evaluation.sources import Opening


def measure_command(
    sources: Sources, /, against: Against = None, samples: int = 50_000, extractor: Space = AUTO,
    seed: Seed = 0, truncation: Truncation = 1.0, weights: Path | None = None,
    device: DeviceName = "auto", data_dir: DataDir = None, image_size: ImageSize = None,
    colour: PictureColour = "auto", skip_broken: SkipBroken = False, json: bool = False,
    markdown: bool = False, plot: Path | None = None, force: bool = False,
    repeats: int = REPEATS, modes: bool = False,
) -> None:
    """Score checkpoints, folders and zips of pictures, arrays of them: IS, FID, KID, precision,
    recall; below the table, the other scores and the intervals. Of a checkpoint, compared with what
    it was made from, metrics.json is written into its folder (not into the Hub's cache); everything
    else is printed only.

    Args:
        sources: Checkpoints (folders, names of shipped ones, ids on the Hub with or without
            @revision), folders or zips of pictures, .npy or .npz of uint8 [N, H, W], [N, H, W, C]
            or [N, C, H, W], splits of data sets (cifar10:test).
        samples: Images to generate, or to take at random of more pictures; published numbers use
            50,000, others do not compare.
        repeats: Disjoint parts of the samples from which each score's 95 % interval comes; fewer
            where a part would have less than 250 images, none by 0.
        modes: Count the classes that the first 26,000 samples cover, and how unevenly; stacked
            MNIST's, which are told to no model, are always counted.
        weights: Another weights file for the extractor.
        json: Print the measurements as JSON, keyed by what was named on the command line.
        markdown: Print tables in Markdown.
        plot: Draw precision against recall, FID, and samples of each into this file (.png, .svg,
            .pdf).
        force: Drop the stored measurements by other protocols; else they are kept beside this one,
            and tables show the strictest. Replace one that has scores or intervals which this has
            not.
    """
    if json and markdown:
        raise EvaluationError("--json and --markdown: choose one")
    if plot is not None:
        plots.check(plot)
    request = Request(samples, seed, truncation, repeats, modes)
    of_reference = Request(samples, seed + 1)  # another stream: a model compares with itself
    opening = Opening(data_dir, image_size, colour, skip_broken)
    extractors = OpenExtractors(pick_device(device), extractor, weights)
    named = measuring.open_all(sources, opening)
    compared = None if against is None else open_against(against, opening, extractor)
    prepared = measuring.prepare(named, compared, extractors, of_reference)
    for work in prepared:
        protocol_of(request, work.extractor, work.reference)  # refuses what cannot be counted
    if plot is not None:
        plots.check_comparable([work.reference for work in prepared])
    done, reasons = [], []
    for work in prepared:
        measured = work.done(request)
        done.append((work, measured))
        for words in measured.warnings:
            print(f"{work.source.text}: {words}", file=sys.stderr)
        if compared is None:
            reasons += measuring.keep(work.source, measured, force)
    if json:
        print(measuring.as_json(done))
    else:
        found = measuring.as_tables(done)
        shown = map(tables.full_markdown_table if markdown else tables.terminal_table, found)
        print("\n\n".join(shown))
    if plot is not None:
        plots.draw(done, request, plot)
    if reasons:
        raise EvaluationError("; ".join(reasons))
