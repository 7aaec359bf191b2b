"""Endpoints for programs, which language models have as tools too (MCP). What the tabs draw,
/sample and /interpolate, they bring themselves (demo/two_sides.py).
"""

import hashlib
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from gradio import FileData
from gradio.utils import get_upload_folder

from demo import actions, cache, card, gpu, leaderboard, pictures, png, temporary, uploads
from demo.bounds import TOO_MANY
from demo.cache import Cache
from demo.catalogue import Catalogue
from demo.controls import endpoint
from demo.held_out import held_out
from demo.options import Choice, Seed
from demo.reconstruction import Reconstruction, encodes, reconstruct
from demo.remote import RemoteError, as_json, in_turn
from demo.tabs import sample
from demo.uploads import Picture
from duet.core import latents
from duet.store.checkpoint import Checkpoint
from duet.store.scores import SCORES

KEPT = 200  # reconstructions, of some kilobytes each
PATIENCE_SECONDS = 30.0  # of who waits for the search of another
_searching = threading.Lock()
HELD_OUT = re.compile(r"held-out:([0-9]{1,4})")  # no base64
PICTURE = Picture(
    "picture", "Picture", "The largest square in its middle is used. “held-out:7” is number 7 of "
    "the real pictures that the page shows, which no model saw.", None,
)


def add_endpoints(offer: Catalogue) -> None:
    """/models, /card, /scores, /arrays and /reconstruct, within the page that is being built."""
    model = Choice("model", "Model", "By its name, as “models” lists them.", None, offer.names)
    titles = tuple(offer.datasets())
    dataset = Choice("dataset", "Pictures", "What the models were trained on.", titles[0], titles)
    drawing = sample.options(offer.class_names())
    seed = Seed("seed", "Seed", "Where a search starts.")

    def models() -> dict[str, Any]:
        """List the generative models on offer, by name: what each is, the pictures that it was
        trained on, the classes that it can be asked for, the shape of its pictures and latents."""
        return {name: _about(known) for name, known in offer.checkpoints.items()}

    def card_of(model: str) -> dict[str, Any]:
        """Say what is known of a model: network, data, training, and its main scores in words."""
        return card.as_json(offer.checkpoints[model])

    def scores(dataset: str) -> dict[str, Any]:
        """Compare the models of a data set: every stored score with its 95 % interval, the real
        held-out pictures first, then the best; what each score means; the command that measures
        it again. Tables of different protocols do not compare.
        """
        meanings = {
            key: {"title": score.title, "unit": score.unit, "meaning": score.meaning,
                  "higher_is_better": score.higher_is_better}
            for key, score in SCORES.items()
        }
        return leaderboard.as_json(leaderboard.board(offer, dataset)) | {"scores": meanings}

    def arrays(
        model: str, class_name: str, count: int, seed: int, truncation: float
    ) -> dict[str, Any]:
        """Draw the pictures that “sample” draws of one model, as numbers instead of a sheet.

        Returns:
            z [N, latent_dim]; labels [N]; shape [N, C, H, W] of pixels, which are uint8 in base64.
        """
        return _arrays(offer.checkpoints[model], class_name, count, seed, truncation)

    kept = Cache[Reconstruction](KEPT)

    def reconstruct_picture(
        model: str, picture: str, class_name: str, seed: int
    ) -> tuple[FileData, dict[str, Any]]:
        """Find the picture of a model that comes nearest to a given one: a VAE encodes and decodes
        it at once, a GAN is searched, which takes seconds.

        Returns:
            the given picture beside the model's (PNG); then the root mean square error in grey
            levels, psnr in decibels, z [latent_dim], label and class_name of what was found.
        """
        known = offer.checkpoints[model]
        image = _given(known, picture)
        label = actions.label_of(known, class_name)
        key = (cache.identity(known), _digest(image), label, seed)
        found = kept.get(key, lambda: _reconstruct(known, image, label, seed))
        pair = pictures.sheet(torch.stack([found.original, found.image]))
        path = temporary.keep(Path(get_upload_folder()), png.still(pair))
        return FileData(path=str(path)).model_dump(), _words(known, found)  # type: ignore[return-value]

    endpoint("models", [], models)
    endpoint("card", [model], card_of)
    endpoint("scores", [dataset], scores)
    endpoint("arrays", [model, *drawing], in_turn(gpu.with_gpu(arrays), PATIENCE_SECONDS))
    endpoint("reconstruct", [model, PICTURE, drawing[0], seed], reconstruct_picture)


def _about(known: Checkpoint) -> dict[str, Any]:
    model = known.model
    return {
        "kind": model.title, "about": model.about, "data": known.made_from.title,
        "classes": list(known.class_names) if model.num_classes else [],
        "image_shape": list(model.image_shape), "latent_dim": model.latent_dim,
        "encodes": encodes(model), "weights_sha256": known.weights_sha256,
    }


def _arrays(
    known: Checkpoint, class_name: str, count: int, seed: int, truncation: float
) -> dict[str, Any]:
    model = known.model
    z, labels = latents.draw(seed, range(count), model.latent_dim, model.num_classes)
    label = actions.label_of(known, class_name)
    if label is not None:
        labels = torch.full_like(labels, label)
    z = latents.truncate(z, truncation)
    images = model.domain.to_pixels(model.render(z, labels))
    return {"z": z.tolist(), "labels": labels.tolist(), **as_json(images)}


def _given(known: Checkpoint, picture: str) -> torch.Tensor:
    """uint8 [C, H, W]: a held-out picture by its number, or a picture's file."""
    asked = HELD_OUT.fullmatch(picture)
    if asked is None:  # a large one takes a hundred megabytes for a moment
        decode = in_turn(uploads.decode, PATIENCE_SECONDS)
        given: torch.Tensor = decode(picture, known.model.image_shape)
        return given
    found = held_out(known)
    if found is None:
        raise RemoteError("No held-out pictures of this model's data are at hand here.")
    number = int(asked[1])
    if number >= len(found.images):
        raise RemoteError(f"There are held-out pictures 0 to {len(found.images) - 1}.")
    return found.images[number]


def _reconstruct(
    known: Checkpoint, image: torch.Tensor, label: int | None, seed: int
) -> Reconstruction:
    """The end of it. One search at a time, which lets others draw between two steps; an encoder's
    answer waits for no search."""
    if encodes(known.model):
        return _last(known, image, label, seed)
    if not _searching.acquire(timeout=PATIENCE_SECONDS):
        raise RemoteError(TOO_MANY)
    try:
        return _last(known, image, label, seed)
    finally:
        _searching.release()


def _last(known: Checkpoint, image: torch.Tensor, label: int | None, seed: int) -> Reconstruction:
    steps = reconstruct(known.model, image, label, seed=seed)
    advance: Callable[..., Reconstruction | None] = in_turn(gpu.with_gpu(next), PATIENCE_SECONDS)
    while (step := advance(steps, None)) is not None:
        found = step
    return found


def _words(known: Checkpoint, found: Reconstruction) -> dict[str, Any]:
    names = known.class_names if known.model.num_classes else ()
    return {
        "error": round(found.error, 3), "psnr": found.psnr and round(found.psnr, 2),
        "z": found.z.tolist(), "label": found.label,
        "class_name": names[found.label] if names else None,
    }


def _digest(image: torch.Tensor) -> str:
    return hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()
