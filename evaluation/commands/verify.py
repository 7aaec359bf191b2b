"""verify: what is stored, measured again."""

import sys

from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName
from evaluation import measuring, stored, verification
from evaluation.commands.flags import Sources
from evaluation.errors import EvaluationError
from evaluation.fidelity import OpenExtractors
from evaluation.measuring import Named
from evaluation.sets import SetId


class Mismatch(Exception):
    """A verified number differs from the stored one."""


def verify_command(
    checkpoints: Sources, /, device: DeviceName = "auto", at_most: int | None = None,
    data_dir: DataDir = None,
) -> None:
    """Measure again by every protocol stored in each metrics.json, and the real held-out images of
    their data sets; make the stored studies (copies, utility) again; exit 1 where anything stored
    differs beyond its tolerance, or cannot be measured again.

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub.
        at_most: Leave out measurements of more samples than this, and the studies: a quick look.
    """
    extractors = OpenExtractors(pick_device(device))
    loaded = measuring.load_all(checkpoints)
    work = [(named, m) for named in loaded for m in stored.stored(named.checkpoint)]
    outcomes = []
    for (source, checkpoint), before in work:
        if verification.is_wanted(before, at_most):
            words = verification.attempted(
                verification.verify_checkpoint, checkpoint, before, extractors
            )
            verification.tell(source, verification.about_measurement(before), words)
            outcomes.append(words)
    for images in dict.fromkeys(SetId.of(checkpoint) for _, checkpoint in loaded):
        for before, words in verification.verify_held_out(images, extractors, data_dir, at_most):
            about = verification.about_measurement(before)
            verification.tell(f"{images.name}, real held-out images", about, words)
            outcomes.append(words)
    outcomes += _beside(loaded, extractors, data_dir, at_most)
    if not outcomes:
        raise EvaluationError(f"--at-most {at_most}: nothing that small is stored")
    failed = sum(map(bool, outcomes))
    if failed:
        raise Mismatch(f"{failed} of {len(outcomes)} measurements are not as stored")


def _beside(
    loaded: list[Named], extractors: OpenExtractors, data_dir: DataDir, at_most: int | None
) -> list[list[str]]:
    """What differs of all that is stored beside the measurements."""
    outcomes = []
    checkpoints = [checkpoint for _, checkpoint in loaded]
    studies = verification.Studies(extractors, data_dir)
    for source, checkpoint in loaded:
        for extractor, words in verification.verify_retraining(checkpoint, checkpoints):
            verification.tell(source, f"{extractor}, retraining", words)
            outcomes.append(words)
        if at_most is not None:
            if checkpoint.metrics.copies or checkpoint.metrics.utility:
                print(f"{source}, its studies: left out by --at-most", file=sys.stderr)
            continue
        for before, words in studies.verify(checkpoint):
            verification.tell(source, verification.about_study(before), words)
            outcomes.append(words)
    return outcomes
