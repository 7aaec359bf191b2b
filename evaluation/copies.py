"""The study of copies: a checkpoint's images and the held-out ones, placed among the training
images, in three spaces.

The extractor's features say what an image shows: a noisy copy stays near there. They were learnt
from the very training images, and a copy shifted by a pixel moves as far as to another image. In
pixels, averaged to 16x16 at most, nothing is learnt: what is near there is a copy to everybody's
eye. The amplitudes of the spectrum do not change when an image is shifted.
"""

from collections.abc import Callable

import torch
from PIL import Image

from duet.core.domains import DOMAINS
from duet.core.pixels import grid, to_pil
from duet.core.progress import progress_bar
from duet.core.versions import library_versions
from duet.data import ImageSet
from duet.data.neighbours import averaged
from duet.store.checkpoint import Checkpoint
from duet.store.studies import CopiesRecord
from evaluation import nearness
from evaluation.fidelity import Extractor
from evaluation.harness import LIBRARIES, Request
from evaluation.nearness import CELLS_SEED, KIN, Placed, Training, cell_count, kinship
from evaluation.real import images_record
from evaluation.reference import BATCH

FEATURES, PIXELS, SPECTRUM = "features", "pixels", "spectrum"
FREQUENCIES = 8  # the lowest, up and down and across
ROWS, SHOWN, SCALE = 12, 6, 2

Embedding = Callable[[torch.Tensor], torch.Tensor]


def embeddings(extractor: Extractor) -> dict[str, Embedding]:
    """The spaces: batches of uint8 [n, C, H, W] -> float32 [n, D]."""
    return {
        FEATURES: lambda images: extractor(images)[0],
        PIXELS: coarse,
        SPECTRUM: amplitudes,
    }


def coarse(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float32 [N, D] in [0, 1]: what an eye sees at a glance."""
    return averaged(images).flatten(1) / 255


def amplitudes(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float32 [N, D]: how strong each of the lowest frequencies is, wherever
    in the image its waves lie."""
    found = torch.fft.rfft2(images.float() / 255, norm="ortho").abs()
    height = images.shape[2]
    rows = (torch.fft.fftfreq(height) * height).abs() <= FREQUENCIES  # up and down
    return found[:, :, rows, : FREQUENCIES + 1].flatten(1)


def embed(images: torch.Tensor, embedding: Embedding, title: str) -> torch.Tensor:
    """All of uint8 [N, C, H, W], in batches, a progress bar on stderr."""
    parts = []
    with progress_bar(len(images), title, "img") as bar:
        for batch in images.split(BATCH):
            parts.append(embedding(batch))
            bar.update(len(batch))
    return torch.cat(parts)


class Ground:
    """The real images of a data set in every space: made once, for all checkpoints made from it."""

    def __init__(self, train: ImageSet, test: ImageSet, extractor: Extractor) -> None:
        self.train, self.test, self.extractor = train, test, extractor
        self.embeddings = embeddings(extractor)
        self.training: dict[str, Training] = {}
        self.held_out: dict[str, Placed] = {}
        for name, embedding in self.embeddings.items():
            points = embed(train.images, embedding, f"training, {name}")
            self.training[name] = Training(points, cell_count(len(test)))
            self.held_out[name] = self.placed(test.images, name)

    def placed(self, images: torch.Tensor, space: str) -> Placed:
        """Where uint8 [N, C, H, W] lie among the training images."""
        return self.training[space].place(embed(images, self.embeddings[space], space))

    def study(self, checkpoint: Checkpoint, images: torch.Tensor, request: Request) -> CopiesRecord:
        """What a checkpoint's images `images`, drawn as the request says, score."""
        return CopiesRecord(
            spaces={
                name: nearness.compare(held_out, self.placed(images, name))
                for name, held_out in self.held_out.items()
            },
            floor={name: nearness.floor(held_out) for name, held_out in self.held_out.items()},
            samples=request.samples,
            seed=request.seed,
            truncation=request.truncation,
            extractor=self.extractor.name,
            extractor_sha256=self.extractor.weights_sha256,
            training=images_record(self.train),
            held_out=images_record(self.test),
            cells_seed=CELLS_SEED,
            subject_sha256=checkpoint.weights_sha256,
            device=str(self.extractor.device),
            versions=library_versions(LIBRARIES),
        )

    def picture(self, images: torch.Tensor) -> Image.Image:
        """Of `images` those that a training image is nearest to, compared with its kin, in the
        extractor's space: each at the left of a row, then its nearest training images."""
        points = embed(images, self.embeddings[FEATURES], FEATURES)
        distances, found = self.training[FEATURES].nearest(points, KIN)
        chosen = kinship(distances).argsort(stable=True)[:ROWS]
        rows = torch.cat([images[chosen][:, None], self.train.images[found[chosen, :SHOWN]]], dim=1)
        shown = DOMAINS[self.train.domain].to_pixels(rows.flatten(0, 1))
        return to_pil(grid(shown, columns=1 + SHOWN), SCALE)


def draw(checkpoint: Checkpoint, request: Request, device: torch.device) -> torch.Tensor:
    """Images 0 .. samples-1 of a request: uint8 [samples, C, H, W]."""
    model = checkpoint.model.to(device)
    return model.sample(request.samples, seed=request.seed, truncation=request.truncation)
