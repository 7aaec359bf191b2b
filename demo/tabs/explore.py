"""The tab Latent space: by its directions, a grid over two of them, and a map of
held-out pictures; drawn by demo/stage/space.js."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from gradio.events import api

from demo import atlas, gpu
from demo.controls import as_gradio_error
from demo.options import Choice, Option
from demo.page import Page, Tab
from demo.remote import in_turn
from demo.stage_tab import stage_tab

TITLE = "Latent space"


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    choice = Choice("model", "Model", "", "", page.catalogue.names)

    def atlas_of(model: str) -> dict[str, Any]:
        """Directions of a model's latent space along which its pictures change most, each a vector
        of length 1 with a name where something measured follows it; and maps of the encoder's
        latents of held-out pictures, where there are such."""
        return dataclasses.asdict(atlas.atlas(page.catalogue.checkpoints[choice.check(model)]))

    answer = as_gradio_error(in_turn(gpu.with_gpu(atlas_of)))
    api(answer, api_name="atlas", api_visibility="undocumented")
    return stage_tab(page, "explore", "space.js")
