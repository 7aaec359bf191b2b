"""What is lost from an image to its latent and back, for models that encode: in pixels, and in an
extractor's feature space."""

import math
from collections.abc import Callable
from typing import cast

import torch

from duet import data
from duet.core.progress import progress_bar
from duet.core.ranks import is_main
from duet.data import DATASETS, DataError, ImageSet
from duet.store.checkpoint import Checkpoint
from evaluation import sharding
from evaluation.fidelity import Extractor

MOST_IMAGES = 5_000
BATCH = 250
SCORES = ("reconstruction_error", "reconstruction_psnr", "reconstruction_distance")


def held_out(checkpoint: Checkpoint) -> ImageSet | None:
    """The held-out images of what a checkpoint was made from, where it encodes and they are at
    hand (below DUET_DATA); None of own pictures, whose place nobody recorded."""
    if not hasattr(checkpoint.model, "encode") or checkpoint.data not in DATASETS:
        return None
    try:
        found = data.load(checkpoint.data, "test", download=False)
    except DataError:
        return None
    return found if found.image_shape == checkpoint.model.image_shape else None


@torch.inference_mode()
def errors(
    checkpoint: Checkpoint, images: torch.Tensor, labels: torch.Tensor, extractor: Extractor
) -> torch.Tensor:
    """Of each image uint8 [N, C, H, W]: the mean over its pixels of the squared difference in 8-bit
    levels, and the squared distance of its features: float64 [N, 2]."""
    model, device = checkpoint.model, extractor.device
    if not model.num_classes:
        labels = torch.zeros_like(labels)
    encode = cast(Callable[[torch.Tensor, torch.Tensor], torch.Tensor], model.encode)
    batches = list(zip(images.split(BATCH), labels.to(device).split(BATCH), strict=True))
    own, sizes = sharding.share(batches), [len(batch) for batch, _ in batches]
    parts = [torch.empty(0, 2, dtype=torch.float64)]
    total, is_silent = sum(sharding.share(sizes)), not is_main()
    with progress_bar(total, f"{checkpoint.name} reconstructs", "img", disable=is_silent) as bar:
        for batch, classes in own:
            z = encode(model.domain.to_network(batch).to(device), classes)
            again = model.domain.to_values(model.decode(z, classes)).cpu()
            pixels = (again.double() - batch.double()).square().flatten(1).mean(1)
            features = (extractor(again)[0].double() - extractor(batch)[0].double()).square().sum(1)
            parts.append(torch.stack([pixels, features], 1))
            bar.update(len(batch))
    return sharding.together(torch.cat(parts), sizes)


def psnr(error: float) -> float:
    """Peak signal-to-noise ratio in dB of a mean squared error in 8-bit levels."""
    return 10 * math.log10(255**2 / max(error, 1e-9))
