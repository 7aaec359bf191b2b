"""What the commands of the dear studies share: where a study is kept, and how it is printed."""

import dataclasses
import functools
import json
from collections.abc import Mapping, Sequence

from duet.store.studies import Study
from evaluation import stored
from evaluation.errors import EvaluationError
from evaluation.measuring import Named, load_all


def open_all(sources: Sequence[str]) -> list[Named]:
    """The checkpoints named, whose folders can be written to where they are not the Hub's cache."""
    loaded = load_all(sources)
    for _, checkpoint in loaded:
        stored.check_keeps(checkpoint)
    return loaded


def as_json(found: Mapping[str, Study]) -> str:
    """Keyed by what was named."""
    return json.dumps({key: dataclasses.asdict(study) for key, study in found.items()}, indent=2)


def keep(loaded: Sequence[Named], found: Mapping[str, Study]) -> None:
    """Write each study into its checkpoint's metrics.json, but not into the Hub's cache; what could
    not be written is an EvaluationError at the end, after all the others."""
    reasons = []
    for source, checkpoint in loaded:
        put = functools.partial(stored.store_study, study=found[source])
        reasons += stored.keep(checkpoint, put)
    if reasons:
        raise EvaluationError("; ".join(reasons))
