"""The tab Reconstruct: a picture through both models and back, and the way between two; drawn by
demo/stage/back.js."""

from collections.abc import Sequence
from typing import Any

from gradio.events import api

from demo import uploads
from demo.controls import as_gradio_error
from demo.held_out import held_out
from demo.options import Choice, Option
from demo.page import Page, Tab
from demo.remote import as_json, in_turn
from demo.stage_tab import stage_tab

TITLE = "Reconstruct"
SHOWN = 24  # held-out pictures to choose from


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    choice = Choice("model", "Model", "", "", page.catalogue.names)

    def fit(model: str, picture: str) -> dict[str, Any]:
        """A picture's file in base64 as the model takes pictures: its largest centred square,
        resized as training resizes; `shape` [1, C, H, W], and `pixels`, uint8 in base64."""
        known = page.catalogue.checkpoints[choice.check(model)].model
        return as_json(uploads.decode(picture, known.image_shape)[None])

    def held(model: str) -> dict[str, Any] | None:
        """Some held-out pictures of a model's data set: `shape` [N, C, H, W], `pixels`, uint8 in
        base64, and their classes' numbers as `labels`; null where none are at hand."""
        found = held_out(page.catalogue.checkpoints[choice.check(model)])
        if found is None:
            return None
        return {**as_json(found.images[:SHOWN]), "labels": found.labels[:SHOWN].tolist()}

    api(as_gradio_error(in_turn(fit)), api_name="fit", api_visibility="undocumented")
    api(as_gradio_error(held), api_name="held_out", api_visibility="undocumented")
    return stage_tab(page, "reconstruct", "back.js")
