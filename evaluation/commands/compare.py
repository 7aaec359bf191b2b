"""compare: whether two differ, and in what."""

import dataclasses
import json as json_format
import sys
from pathlib import Path

from duet.core.device import pick_device
from duet.core.flags import AsJson, DataDir, DeviceName, Seed, Truncation
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation import measuring, pairs
from evaluation.against import open_against
from evaluation.commands.flags import Against, Space
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.sources import Opening, open_source


def compare_command(
    first: str, second: str, /, against: Against = None, samples: int = 5_000, repeats: int = 10,
    extractor: Space = AUTO, seed: Seed = 0, truncation: Truncation = 1.0,
    weights: Path | None = None, device: DeviceName = "auto", data_dir: DataDir = None,
    image_size: ImageSize = None, colour: PictureColour = "auto", skip_broken: SkipBroken = False,
    json: AsJson = False,
) -> None:
    """Say in which scores two sources differ, with an interval each: by Welch's test of independent
    generations, or of disjoint parts of pictures. The bootstrap of FID is not used: its resamples
    repeat images, which makes FID too large. Nothing is stored.

    Args:
        first: Whatever `measure` takes.
        second: What it is compared with.
        samples: Images a repetition; fewer where pictures do not suffice.
        repeats: Independent repetitions of each.
        weights: Another weights file for the extractor.
    """
    plan = pairs.Plan(samples, repeats, seed, truncation)
    opening = Opening(data_dir, image_size, colour, skip_broken)
    extractors = OpenExtractors(pick_device(device), extractor, weights)
    sources = [open_source(text, opening) for text in (first, second)]
    plan = plan.fitted(sources)
    if plan.samples < samples:
        print(f"parts of {plan.samples:,} images, since there are no more", file=sys.stderr)
    like = (
        pairs.common_reference(sources) if against is None
        else open_against(against, opening, extractor)
    )
    works = measuring.prepare(sources, like, extractors, plan.of_reference)
    sides = pairs.repeat(works, plan)
    found = pairs.differences((first, second), sides)
    if json:
        protocol = dataclasses.asdict(sides[0][0].protocol)
        print(json_format.dumps({
            "first": first, "second": second, "repeats": repeats, "confidence": pairs.CONFIDENCE,
            "protocol": protocol, "scores": {key: each.as_dict() for key, each in found.items()},
        }, indent=2))
        return
    print(*(each.sentence for each in found.values()), sep="\n")
    about = sides[0][0].protocol
    print(
        f"{repeats} times {plan.samples:,} images each in {about.extractor}'s space, against "
        f"{about.reference.images:,} of {about.reference.data} ({about.reference.split}); all "
        f"intervals hold at once at {pairs.CONFIDENCE:.0%}", file=sys.stderr,
    )
