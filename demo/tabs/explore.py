"""The tab Latent space: by its directions, a grid over two of them, and a map of
held-out pictures; drawn by demo/stage/space.js."""

import dataclasses
import threading
from collections.abc import Sequence
from typing import Any

from gradio.events import api

from demo import atlas, cache, gpu
from demo.atlas import Atlas
from demo.cache import Cache
from demo.controls import as_gradio_error
from demo.options import Choice, Option
from demo.page import Page, Tab
from demo.remote import in_turn
from demo.stage_tab import stage_tab
from duet.store.checkpoint import Checkpoint

TITLE = "Latent space"
KEPT = 50  # atlases, of some hundred kilobytes each
PATIENCE_SECONDS = 30.0


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    choice = Choice("model", "Model", "", "", page.catalogue.names)
    kept, one = Cache[Atlas](KEPT), threading.Lock()

    def made(known: Checkpoint) -> Atlas:
        """It takes seconds where it is computed: of one model at a time, others draw meanwhile."""
        if found := atlas.stored(known):
            return found
        with one:
            computed: Atlas = in_turn(gpu.with_gpu(atlas.compute), PATIENCE_SECONDS)(known)
        return computed

    def atlas_of(model: str) -> dict[str, Any]:
        """Directions of a model's latent space along which its pictures change most, each a vector
        of length 1 with a name where something measured follows it; and maps of the encoder's
        latents of held-out pictures, where there are such."""
        known = page.catalogue.checkpoints[choice.check(model)]
        return dataclasses.asdict(kept.get(cache.identity(known), lambda: made(known)))

    api(as_gradio_error(atlas_of), api_name="atlas", api_visibility="undocumented")
    return stage_tab(page, "explore", "space.js")
