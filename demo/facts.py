"""What the stage is told of the models: stage.json on a static site, within the page in the app."""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from demo import quiz
from demo.catalogue import Catalogue
from demo.reconstruction import encodes
from duet.export import about
from duet.export.about import About
from duet.models import ModelError
from duet.store.checkpoint import SHIPPED, Checkpoint, CheckpointError, is_shipped, read_config
from duet.store.metrics import MetricsRecord
from duet.store.records import RecordError
from duet.store.scores import SCORES

STAGE = Path(__file__).resolve().parent / "stage"
MODELS, DRIFT, REAL = "models", "drift.png", "real"
# The recording: frame k stands at (x + k dx, y + k dy).
PATH = {"x": 3.0, "y": 12.0, "dx": 0.024, "dy": 0.010, "count": 96, "per_second": 12}


def exported() -> dict[str, About]:
    """Folder below models/ -> what it holds, where that can be read."""
    found = {}
    for path in sorted((STAGE / MODELS).iterdir()):
        with contextlib.suppress(RecordError):
            found[path.name] = about.read(path)
    return found


def folder_of(checkpoint: Checkpoint, known: Mapping[str, About]) -> str | None:
    """Which folder of `known` a model was exported to: known by its weights, whatever the page
    calls it, and by its configuration, as far as ours is at hand. By another guidance the same
    weights draw other pictures."""
    return next((
        folder for folder, entry in known.items()
        if entry.weights_sha256 == checkpoint.weights_sha256 and _may_be(checkpoint, folder)
    ), None)


def _may_be(checkpoint: Checkpoint, name: str) -> bool:
    """Whether a model may be the shipped one of that name, or there is none to tell."""
    if not is_shipped(name):
        return True
    with contextlib.suppress(CheckpointError, ModelError, TypeError):
        shipped = read_config(SHIPPED / name)
        return type(checkpoint.model.config).from_dict(shipped.config) == checkpoint.model.config
    return False


def facts(offer: Catalogue, known: Mapping[str, About]) -> dict[str, Any]:
    """The models on offer, the first two in sight, and by data set, each beginning with its pair;
    `known` are those that the browser can run."""
    left, right = offer.default_pair()
    datasets = {
        title: list(dict.fromkeys((*offer.default_pair(title), *names)))
        for title, names in offer.datasets().items()
    }
    models, files = [], {}
    for name in sorted(offer.names, key=lambda name: name not in (left, right)):
        checkpoint = offer.checkpoints[name]
        folder = folder_of(checkpoint, known)
        models.append({**_model(checkpoint, known.get(folder or "")), "name": name})
        if folder is not None:
            models[-1]["folder"] = f"{MODELS}/{folder}"
            files[name] = f"{MODELS}/{folder}/{DRIFT}"
    return {
        "left": left, "right": right, "datasets": datasets,
        "drift": {**PATH, "files": files}, "models": models,
        "quiz": quiz.facts(offer, STAGE / REAL),
    }


def _model(checkpoint: Checkpoint, entry: About | None) -> dict[str, Any]:
    """One model: a picture's shape as it is shown, whether pictures can be encoded, its scores."""
    model = checkpoint.model
    shown = model.domain.to_pixels(torch.zeros(1, *model.image_shape, dtype=torch.uint8))
    return {
        **dataclasses.asdict(entry or About.of(checkpoint)), "image_shape": list(shown.shape[1:]),
        "encodes": encodes(model),
        "scores": scores(checkpoint.metrics),
    }


def scores(metrics: MetricsRecord) -> dict[str, str]:
    """What the lessons tell of a model, as texts: the strictest scores in its first extractor's
    space, and of the latest study of copies how many pictures are authentic, in pixels."""
    found: dict[str, str] = {}
    measured = metrics.published(metrics.extractors()[0]) if metrics.measurements else None
    if measured is not None:
        found = {key: SCORES[key].text(score) for key, score in measured.scores.items()}
        distance, specks = (measured.scores.get(key) for key in ("frechet_distance", "specks"))
        if distance is not None:
            found["frechet_interval"] = SCORES["frechet_distance"].interval_text(distance)
        if specks is not None:
            found["specks_percent"] = f"{specks.value:.0%}"
    for study in metrics.copies[-1:]:
        found["trained_on"] = f"{study.training.images:,}"
        if pixels := study.spaces.get("pixels"):
            found["authentic"] = f"{pixels.authenticity:.0%}"
            found["held_out_authentic"] = f"{pixels.held_out_authenticity:.0%}"
    return found
