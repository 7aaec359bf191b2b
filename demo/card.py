"""A model's card: what it is, its data, cost and scores, in a few words each.

The records come with the checkpoint, perhaps from a stranger: every value is checked for its type
and escaped.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from duet.store.checkpoint import Checkpoint

CHANNELS = {1: "grey", 3: "colour"}
NOT_MEASURED, NOT_RECORDED = "not measured yet", "not recorded"


@dataclass(frozen=True)
class Fact:
    term: str
    value: str
    note: str = ""


def facts(checkpoint: Checkpoint) -> list[Fact]:
    """The card's entries in reading order."""
    return [*_network(checkpoint), _cost(checkpoint.training), *_scores(checkpoint.metrics)]


def as_json(checkpoint: Checkpoint) -> dict[str, Any]:
    """The card for programs."""
    entries = [asdict(fact) for fact in facts(checkpoint)]
    return {"name": checkpoint.name, "about": checkpoint.model.about, "facts": entries}


def as_html(checkpoint: Checkpoint) -> str:
    """The card for the page."""
    entries = "".join(
        f"<div><dt>{escape(fact.term)}</dt>"
        f"<dd>{escape(fact.value)}<small>{escape(fact.note)}</small></dd></div>"
        for fact in facts(checkpoint)
    )
    name, about = escape(checkpoint.name), escape(checkpoint.model.about)
    return f'<section class="card"><h3>{name}</h3><p>{about}</p><dl>{entries}</dl></section>'


def _network(checkpoint: Checkpoint) -> Iterator[Fact]:
    model = checkpoint.model
    channels, height, width = model.image_shape
    classes = f"knows {model.num_classes} classes" if model.num_classes else "knows no classes"
    colours = CHANNELS.get(channels, f"{channels} channels")
    yield Fact("Model", model.title, f"{classes}, {model.latent_dim} latent dimensions")
    yield Fact("Data", checkpoint.data, f"{height}×{width} pixels, {colours}")
    yield Fact("Parameters", f"{checkpoint.parameters:,}", _megabytes(checkpoint))


def _megabytes(checkpoint: Checkpoint) -> str:
    size = sum(tensor.nbytes for tensor in checkpoint.model.state_dict().values())
    return f"{size / 1e6:.1f} MB of weights"


def _cost(training: dict[str, Any]) -> Fact:
    seconds, steps = _number(training.get("seconds")), _number(training.get("steps"))
    value = NOT_RECORDED if seconds is None else _duration(seconds)
    hardware = training.get("hardware")
    details = [f"{steps:,.0f} steps"] if steps is not None else []
    details += [hardware[:80]] if isinstance(hardware, str) else []
    return Fact("Training", value, " on ".join(details))


def _scores(metrics: dict[str, Any]) -> Iterator[Fact]:
    """FID and IS in the features of every extractor that measured this model."""
    extractors = metrics.get("extractors")
    measured = extractors.items() if isinstance(extractors, dict) else ()
    found = False
    for extractor, entry in measured:
        scores = entry.get("scores") if isinstance(entry, dict) else None
        if isinstance(scores, dict):
            found = True
            yield from _scores_in(f"{extractor} features", scores)
    if not found:
        yield Fact("FID", NOT_MEASURED)
        yield Fact("IS", NOT_MEASURED)


def _scores_in(features: str, scores: dict[str, Any]) -> Iterator[Fact]:
    distance, inception = (
        _number(scores.get(key)) for key in ("frechet_distance", "inception_score")
    )
    spread = _number(scores.get("inception_score_std"))
    margin = "" if spread is None else f" ± {spread:.2f}"
    fid = NOT_MEASURED if distance is None else f"{distance:.3g}"
    yield Fact("FID", fid, f"{features}, lower is better")
    score = NOT_MEASURED if inception is None else f"{inception:.2f}{margin}"
    yield Fact("IS", score, f"{features}, higher is better")


def _number(value: Any) -> float | None:
    """`value` if it is a finite number."""
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
