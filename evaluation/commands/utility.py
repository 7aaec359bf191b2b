"""utility: what a checkpoint's images are worth to a classifier."""

from duet.core.device import pick_device
from duet.core.flags import AsJson, DataDir, DeviceName, Seed, Truncation
from duet.core.words import aligned
from duet.data.flags import SkipBroken
from duet.store.studies import MeanRecord, UtilityRecord
from evaluation import studies
from evaluation.commands.flags import OwnData, Sources
from evaluation.real import real_images
from evaluation.sets import SetId
from evaluation.usefulness import Bench, Plan, check_classes

HEADING = ["real images a class", "alone", "with generated", "gained"]


def utility_command(
    checkpoints: Sources, /, per_class: tuple[int, ...] = Plan.per_class,
    generated: int = Plan.generated, repeats: int = Plan.repeats, steps: int = Plan.steps,
    seed: Seed = Plan.seed, truncation: Truncation = Plan.truncation, own_data: OwnData = None,
    data_dir: DataDir = None, skip_broken: SkipBroken = False, device: DeviceName = "auto",
    json: AsJson = False,
) -> None:
    """Tell what generated images are worth: the accuracy on held-out images of a classifier trained
    on few real images, and on those and generated ones; on generated ones alone; and the accuracy
    on generated images of one trained on real ones. Wants the images (DUET_DATA); the study is kept
    in metrics.json.

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub; models of classes only.
        per_class: Real images a class to learn from.
        generated: Generated images a class.
        repeats: Independent repetitions, for the intervals.
        steps: Batches of 128 that each classifier learns from.
    """
    plan, chosen = Plan(per_class, generated, repeats, steps, seed, truncation), pick_device(device)
    loaded = studies.open_all(checkpoints)
    for _, checkpoint in loaded:
        check_classes(checkpoint)
    benches = {
        SetId.of(checkpoint): Bench(
            *real_images(checkpoint, own_data, data_dir, skip_broken), plan, chosen
        )
        for _, checkpoint in loaded
    }
    found = {source: benches[SetId.of(checkpoint)].study(checkpoint)
             for source, checkpoint in loaded}
    words = "\n\n".join(_words(source, record) for source, record in found.items())
    print(studies.as_json(found) if json else words)
    studies.keep(loaded, found)


def _words(source: str, record: UtilityRecord) -> str:
    lines = [HEADING] + [
        [f"{gain.per_class:,}", _share(gain.real), _share(gain.both), _share(gain.gain, "+")]
        for gain in record.gains
    ]
    most = max(gain.per_class for gain in record.gains)
    return "\n".join([
        f"{source}: {record.generated_per_class:,} generated images a class, {record.repeats} "
        f"repetitions, tested on {record.held_out.images:,} held-out images",
        aligned(lines, words=0),
        f"trained on generated, tested on real: {_share(record.generated_to_real)}",
        f"trained on {most:,} real a class, tested on generated: "
        f"{_share(record.real_to_generated)}",
    ])


def _share(mean: MeanRecord, sign: str = "") -> str:
    """In percent, with its interval."""
    low, high = (100 * bound for bound in mean.interval)
    return f"{100 * mean.value:{sign}.1f} % ({low:{sign}.1f} … {high:{sign}.1f})"
