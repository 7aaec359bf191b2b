"""verify: what is stored, measured again."""

from duet.core.device import pick_device
from duet.core.flags import DataDir, DeviceName
from evaluation import measuring, stored, verification
from evaluation.commands.flags import Sources
from evaluation.errors import EvaluationError
from evaluation.fidelity import OpenExtractors
from evaluation.sets import SetId


class Mismatch(Exception):
    """A verified number differs from the stored one."""


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
