"""What the stage asks of the server where a browser cannot run a model itself: latents to pixels
and back, for that one model. Few calls run at a time; who comes too often is told so, not queued.
"""

import base64
import functools
import math
import threading
from collections.abc import Callable
from typing import Any

import torch
from gradio.events import api

from demo import gpu, reconstruction
from demo.bounds import TOO_MANY
from demo.catalogue import Catalogue
from demo.controls import as_gradio_error
from demo.options import Choice
from duet.core.errors import DuetError
from duet.models.base import LatentModel

MOST = 64  # pictures a call, as many as the tabs draw
AT_ONCE = 2  # calls, of all visitors together
PATIENCE_SECONDS = 4.0
_running = threading.BoundedSemaphore(AT_ONCE)


class RemoteError(DuetError):
    """A call that is not understood, or comes while too many run; the message says which."""


def add_endpoints(offer: Catalogue) -> None:
    """/decode and /encode, within the page that is being built."""
    choice = Choice("model", "Model", "", "", offer.names)

    def decode(model: str, z: list[list[float]], labels: list[int]) -> dict[str, Any]:
        """Latents float [N, latent_dim] and labels [N] to pictures: `shape` [N, C, H, W], and
        `pixels`, uint8 in base64."""
        known = offer.checkpoints[choice.check(model)].model
        images = known.render(_latents(known, z), _labels(known, labels, len(z)))
        return as_json(known.domain.to_pixels(images))

    def encode(model: str, pixels: str, labels: list[int]) -> list[list[float]]:
        """Pictures, uint8 [N, C, H, W] in base64, and labels [N] to latents [N, latent_dim]."""
        known = offer.checkpoints[choice.check(model)].model
        images = from_base64(known, pixels)
        numbers = _labels(known, labels, len(images))
        z: list[list[float]] = reconstruction.encode(known, images, numbers).tolist()
        return z

    for function in (decode, encode):
        answer = as_gradio_error(in_turn(gpu.with_gpu(function)))
        api(answer, api_name=function.__name__, api_visibility="undocumented")


def in_turn(
    function: Callable[..., Any], patience_seconds: float = PATIENCE_SECONDS
) -> Callable[..., Any]:
    """`function`, once fewer than AT_ONCE calls run."""

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        if not _running.acquire(timeout=patience_seconds):
            raise RemoteError(TOO_MANY)
        try:
            return function(*values, **named)
        finally:
            _running.release()

    return answer


def as_json(images: torch.Tensor) -> dict[str, Any]:
    """uint8 [N, C, H, W] -> its shape and its bytes."""
    pixels = base64.b64encode(images.contiguous().numpy().tobytes()).decode()
    return {"shape": list(images.shape), "pixels": pixels}


def _latents(model: LatentModel, values: Any) -> torch.Tensor:
    try:
        z = torch.tensor(values, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        z = torch.empty(0)
    if z.dim() != 2 or z.shape[1] != model.latent_dim or not 1 <= len(z) <= MOST:
        raise RemoteError(f"z must be 1 to {MOST} lists of {model.latent_dim} numbers.")
    if not z.isfinite().all():
        raise RemoteError("z must be finite numbers.")
    return z


def _labels(model: LatentModel, values: Any, count: int) -> torch.Tensor:
    last = max(model.num_classes, 1) - 1
    if not isinstance(values, list) or len(values) != count or not all(
        type(value) is int and 0 <= value <= last for value in values
    ):
        raise RemoteError(f"Labels must be as many whole numbers from 0 to {last}.")
    return torch.tensor(values)


def from_base64(model: LatentModel, text: Any, most: int = MOST) -> torch.Tensor:
    """A model's pictures, uint8 [N, C, H, W], as they are sent, one to `most`."""
    size = math.prod(model.image_shape)
    try:
        content = base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        content = b""
    if not content or len(content) % size or len(content) > most * size:
        times = f"1 to {most} times " if most > 1 else ""
        raise RemoteError(f"Pixels must be base64 of {times}{size} bytes.")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8).view(-1, *model.image_shape)
