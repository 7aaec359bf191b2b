"""A model's card: what it is, its data, cost and scores, in a few words each.

The records come with the checkpoint, perhaps from a stranger: duet.store.records has checked their
types and lengths, here they are escaped.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from duet.core.words import duration
from duet.store.checkpoint import Checkpoint
from duet.store.metrics import Measurement, MetricsRecord
from duet.store.scores import SCORES, samples
from duet.store.training import TrainingRecord
from duet.store.weights import tensor_bytes

SHOWN = ("frechet_distance", "inception_score")
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
    role = checkpoint.model.role  # style.css has a colour for each
    return (
        f'<section class="card {role}"><h3>{name}</h3><p>{about}</p><dl>{entries}</dl></section>'
    )


def _network(checkpoint: Checkpoint) -> Iterator[Fact]:
    model = checkpoint.model
    channels, height, width = model.image_shape
    classes = f"knows {model.num_classes} classes" if model.num_classes else "knows no classes"
    colours = CHANNELS.get(channels, f"{channels} channels")
    yield Fact("Model", model.title, f"{classes}, {model.latent_dim} latent dimensions")
    yield Fact("Data", checkpoint.made_from.title, f"{height}×{width} pixels, {colours}")
    yield Fact("Parameters", f"{checkpoint.parameters:,}", _megabytes(checkpoint))


def _megabytes(checkpoint: Checkpoint) -> str:
    return f"{tensor_bytes(checkpoint.model) / 1e6:.1f} MB of weights"


def _cost(training: TrainingRecord | None) -> Fact:
    if training is None:
        return Fact("Training", NOT_RECORDED)
    details = f"{training.steps:,} steps on {training.hardware[:80]}"
    return Fact("Training", duration(training.seconds), details)


def _scores(metrics: MetricsRecord) -> Iterator[Fact]:
    """The shown scores in the features of every extractor that measured this model."""
    for extractor in metrics.extractors():
        measured = metrics.published(extractor)
        if measured is not None:
            yield from (_score(key, measured) for key in SHOWN)
    if not metrics.measurements:
        yield from (Fact(SCORES[key].title, NOT_MEASURED) for key in SHOWN)


def _score(key: str, measured: Measurement) -> Fact:
    kind, score, protocol = SCORES[key], measured.scores.get(key), measured.protocol
    direction = "higher" if kind.higher_is_better else "lower"
    note = f"{protocol.extractor} features, {samples(protocol)} samples, {direction} is better"
    if score is None:
        return Fact(kind.title, NOT_MEASURED, note)
    margin = "" if score.spread is None else f" ± {score.spread:.{kind.digits}f}"
    return Fact(kind.title, kind.text(score) + margin, note)
