"""What training again changes: the spread of scores over models of one recipe that differ in their
training seed alone. It is larger than that of drawing again from one model, so a comparison of
recipes has to know it."""

import statistics
from collections.abc import Sequence

from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement, Retraining
from duet.store.records import Setting
from duet.store.training import TrainingRecord
from evaluation.comparison import protocol_differences
from evaluation.errors import EvaluationError
from evaluation.stored import published

SEED = "seed"  # the setting of a recipe that may differ, and has to


def spread_over_seeds(checkpoints: Sequence[Checkpoint], extractor: str) -> Retraining:
    """Of the published measurements in an extractor's space; EvaluationError where the models are
    fewer than two, not of one recipe, of one seed, or not measured alike."""
    if len(checkpoints) < 2:
        raise EvaluationError("a spread over training seeds takes two checkpoints or more")
    measured = [published(checkpoint, extractor) for checkpoint in checkpoints]
    for checkpoint, other in zip(checkpoints[1:], measured[1:], strict=True):
        differing = _differences(checkpoints[0], checkpoint)
        differing += protocol_differences(
            measured[0].protocol.of_values, other.protocol.of_values
        )
        if differing:
            raise EvaluationError(
                f"{checkpoints[0].folder} and {checkpoint.folder} differ in more than their "
                f"training seed: {'; '.join(differing)}"
            )
    seeds = [_record(checkpoint).settings.get(SEED) for checkpoint in checkpoints]
    if len(set(seeds)) < len(seeds):
        raise EvaluationError(f"two checkpoints have one training seed (seeds: {seeds})")
    return Retraining(
        extractor=extractor,
        samples=measured[0].protocol.samples,
        subjects=tuple(checkpoint.weights_sha256 for checkpoint in checkpoints),
        spreads=_deviations(measured),
    )


def _deviations(measured: Sequence[Measurement]) -> dict[str, float]:
    """The standard deviation of each score that all have."""
    common = [key for key in measured[0].scores if all(key in each.scores for each in measured)]
    return {
        key: statistics.stdev(each.scores[key].value for each in measured) for key in common
    }


def _record(checkpoint: Checkpoint) -> TrainingRecord:
    if checkpoint.training is None:
        raise EvaluationError(f"{checkpoint.folder} has no record of its training")
    return checkpoint.training


def _differences(one: Checkpoint, two: Checkpoint) -> list[str]:
    """Settings of recipe, data and length, in words."""
    facts = [_facts(one), _facts(two)]
    return [
        f"{key}: {facts[0].get(key)} and {facts[1].get(key)}"
        for key in sorted(facts[0].keys() | facts[1].keys())
        if facts[0].get(key) != facts[1].get(key)
    ]


def _facts(checkpoint: Checkpoint) -> dict[str, Setting]:
    training = _record(checkpoint)
    settings = {key: value for key, value in training.settings.items() if key != SEED}
    return settings | {
        "recipe": training.recipe, "steps": training.steps,
        "images": checkpoint.made_from.images_sha256,
    }
