"""What the tab Learning asks of the server: /recording, and /live_start, /live_look, /live_stop."""

import os
from typing import Any

import gradio as gr
from gradio.events import api

from demo import gpu, pictures
from demo.catalogue import Catalogue
from demo.controls import as_gradio_error
from demo.launch import ON
from demo.live import Live, LiveError
from demo.options import Choice
from demo.remote import in_turn
from duet.store import evolution
from duet.store.checkpoint import Checkpoint

VARIABLE = "DUET_LIVE"  # whether visitors may train; 0 on a server that has no time for it


def trains_live() -> bool:
    """Whether the environment lets visitors train: unless it says otherwise."""
    return (os.environ.get(VARIABLE) or "1").strip().lower() in ON


def recording(checkpoint: Checkpoint) -> dict[str, Any]:
    """What was kept of a model's training, for programs; `Endpoints.recording` says what."""
    training, sheet = checkpoint.training, checkpoint.evolution
    if sheet is None:  # the end of it, which the model itself can draw
        end = training.steps if training else 0
        sheet = evolution.Sheet((end,), evolution.row(checkpoint.model)[None])
    return {
        "name": checkpoint.name,
        "role": checkpoint.model.role,
        "data": checkpoint.made_from.title,
        "steps": list(sheet.steps),
        "sheet": pictures.data_url(sheet.rows),
        "kept": checkpoint.evolution is not None,
        "curves": dict(training.curves) if training else {},
    }


def add_endpoints(offer: Catalogue) -> None:
    """The tab's endpoints, within the page that is being built."""
    choice = Choice("model", "Model", "", "", offer.names)
    live = Live()

    def asked(model: str) -> Checkpoint:
        return offer.checkpoints[choice.check(model)]

    def of_model(model: str) -> dict[str, Any]:
        """What was kept of a model's training: `curves`, columns of numbers (step, seconds, and one
        a loss), and `sheet`, a PNG in a data address: a row of 16 pictures for each of `steps`, of
        the same latents. Where `kept` is false the sheet has one row, of the end."""
        return recording(asked(model))

    def live_start(model: str, request: gr.Request) -> str:
        """Train a small GAN and a small VAE from scratch on a model's pictures, for a minute. The
        answer is a ticket: look at it every few seconds, or it counts as given up."""
        if not trains_live():
            raise LiveError("Training live is switched off on this server.")
        host = request.client.host if request.client else ""
        return live.start(asked(model).made_from, str(request.session_hash or host))

    def live_look(ticket: str, seen: list[int]) -> dict[str, Any]:
        """How a live training stands: `state` (waiting, starting, training, done, stopped, failed),
        `place` in the queue, `seconds` of `of_seconds`, and of each of the two `sides` the rows of
        after the step that was `seen` (-1: all), as /recording has them."""
        return live.look(ticket, seen)

    def live_stop(ticket: str) -> str:
        """End a live training."""
        live.stop(ticket)
        return "stopped"

    api(as_gradio_error(in_turn(gpu.with_gpu(of_model))), api_name="recording",
        api_visibility="undocumented")
    for function in (live_start, live_look, live_stop):
        api(as_gradio_error(function), api_name=function.__name__, api_visibility="undocumented")
