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
from duet.store.checkpoint import Checkpoint
from duet.store.records import RecordError

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


def facts(offer: Catalogue, known: Mapping[str, About]) -> dict[str, Any]:
    """The models on offer, the first two in sight, and by data set, each beginning with its pair;
    `known` are those that the browser can run. A model is known by its weights, whatever the page
    calls it."""
    left, right = offer.default_pair()
    datasets = {
        title: list(dict.fromkeys((*offer.default_pair(title), *names)))
        for title, names in offer.datasets().items()
    }
    folders = {entry.weights_sha256: folder for folder, entry in known.items()}
    models, files = [], {}
    for name in sorted(offer.names, key=lambda name: name not in (left, right)):
        checkpoint = offer.checkpoints[name]
        folder = folders.get(checkpoint.weights_sha256)
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
    """One model: a picture's shape as it is shown, and whether pictures can be encoded."""
    model = checkpoint.model
    shown = model.domain.to_pixels(torch.zeros(1, *model.image_shape, dtype=torch.uint8))
    return {
        **dataclasses.asdict(entry or About.of(checkpoint)), "image_shape": list(shown.shape[1:]),
        "encodes": encodes(model),
    }
