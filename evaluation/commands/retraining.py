"""retraining: how far scores move when a recipe is trained again with another seed."""

import functools

from evaluation import measuring, stored
from evaluation.commands.flags import Sources, Space
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO, extractor_for
from evaluation.retraining import spread_over_seeds
from evaluation.sets import SetId


def retraining_command(
    checkpoints: Sources, /, extractor: Space = AUTO, force: bool = False
) -> None:
    """Standard deviations of the stored scores over checkpoints of one recipe with different
    training seeds, written into each one's metrics.json (not into the Hub's cache). Measures
    nothing: do that first, alike.

    Args:
        checkpoints: Two or more folders of measured checkpoints, e.g. of
            `python -m training gan --seed 1`.
        force: Replace a stored spread over more models or samples too.
    """
    loaded = [checkpoint for _, checkpoint in measuring.load_all(checkpoints)]
    for checkpoint in loaded:
        stored.check_keeps(checkpoint)
    spread = spread_over_seeds(loaded, extractor_for(SetId.of(loaded[0]), extractor))
    for key, deviation in spread.spreads.items():
        print(f"{key}  {deviation:.6g}")
    put = functools.partial(stored.store_retraining, spread=spread, force=force)
    reasons = [words for checkpoint in loaded for words in stored.keep(checkpoint, put)]
    if reasons:
        raise EvaluationError("; ".join(reasons))
