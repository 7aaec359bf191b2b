"""/nearest: the picture of a model, of a GAN above all, that comes nearest to a drawn one.

The answer comes in parts, each the best so far, which Gradio's queue sends one after the other:
POST gradio_api/call/nearest, then read gradio_api/call/nearest/EVENT_ID; a direct run is answered
with the first alone. One search runs at a time, and nobody is kept waiting between two parts.
"""

from collections.abc import Callable, Iterator
from typing import Any

from gradio.events import api

from demo import gpu
from demo.catalogue import Catalogue
from demo.controls import refusal
from demo.options import Choice, Seed
from demo.remote import as_json, from_base64, in_turn
from duet.core.errors import DuetError
from duet.models.nearest import STEPS, Nearest, search
from duet.store.checkpoint import Checkpoint

TOLD_EVERY = 5  # steps


def add_endpoint(offer: Catalogue) -> None:
    """/nearest, within the page that is being built."""
    choice, which_seed = Choice("model", "Model", "", "", offer.names), Seed("seed", "Seed", "")

    def nearest(
        model: str, pixels: str, label: int | None = None, seed: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Seek the latent whose picture is nearest to a given one, uint8 [C, H, W] in base64, of
        class number `label` or, where that is null, of whichever class fits best.

        Each part has `step` of `steps`, the root mean square `error` in grey levels, `label`, its
        `class_name` or null, `z` [latent_dim], and the picture: `shape` [1, C, H, W] and `pixels`.
        """
        try:
            known = offer.checkpoints[choice.check(model)]
            yield from _parts(known, pixels, label, which_seed.check(seed))
        except DuetError as error:
            raise refusal(str(error)) from error

    nearest.__annotations__["return"] = dict[str, Any]  # of which Gradio makes the schema
    api(
        gpu.with_gpu(nearest), api_name="nearest", api_visibility="undocumented",
        concurrency_limit=1,
    )


def _parts(
    known: Checkpoint, pixels: str, label: int | None, seed: int
) -> Iterator[dict[str, Any]]:
    (image,) = from_base64(known.model, pixels, most=1)
    found = search(known.model, image, label, seed=seed)
    advance: Callable[..., Nearest | None] = in_turn(next)
    while (best := advance(found, None)) is not None:
        if best.step % TOLD_EVERY == 0 or best.step in (1, STEPS):
            yield _as_json(known, best)


def _as_json(known: Checkpoint, best: Nearest) -> dict[str, Any]:
    names = known.class_names if known.model.num_classes else ()
    return {
        "step": best.step, "steps": best.steps, "error": round(best.errors[-1], 3),
        "label": best.label, "class_name": names[best.label] if names else None,
        "z": best.z.tolist(), **as_json(known.model.domain.to_pixels(best.image[None])),
    }
