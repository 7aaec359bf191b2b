"""Perceptual path length (Karras et al., "A style-based generator architecture for GANs", 2019,
section 4.1): how fast images change as one walks from a latent to another. Smooth spaces are short
to cross; where images jump, the squared speed is large.

Distances are squared Euclidean ones in an extractor's feature space, where the paper has LPIPS.
Pictures stay floats on their way there: at steps so small nothing would be left of whole levels.
"""

import numpy as np
import torch

from duet.core import latents
from duet.core.progress import progress_bar
from duet.core.ranks import is_main
from duet.models import LatentModel
from evaluation import sharding
from evaluation.fidelity import Extractor

MOST_PAIRS = 5_000
EPSILON = 1e-4
TRIM = 1.0  # per cent left out at either end, as in the authors' code
BATCH = 125
STREAM = 2**32  # of the places on the paths, away from the latents'


@torch.inference_mode()
def squared_speeds(
    model: LatentModel, extractor: Extractor, pairs: int, seed: int, truncation: float, title: str
) -> torch.Tensor | None:
    """d(G(z_t), G(z_{t + epsilon})) / epsilon^2 at a random place t of the great circle between two
    latents, `pairs` times: float64 [pairs].

    The latents of pair i are number 2i and 2i + 1 of stream `seed`, both decoded as the class of
    the first. None where images have no levels between whole ones, or the extractor takes none.
    """
    between_values = model.domain.to_levels(torch.zeros(0, *model.image_shape))
    if between_values is None or not extractor.takes_floats:
        return None
    z, labels = latents.draw(seed, range(2 * pairs), model.latent_dim, model.num_classes)
    z, labels = latents.truncate(z, truncation), labels[::2]
    words = np.random.Philox(key=[seed, STREAM]).random_raw(pairs)
    places = torch.from_numpy((words >> np.uint64(11)).astype(np.float64) * 2.0**-53)
    batches = torch.arange(pairs).split(BATCH)
    own = sharding.share(batches)
    parts = [torch.empty(0, dtype=torch.float64)]
    total, is_silent = sum(map(len, own)), not is_main()
    with progress_bar(total, f"{title} paths", "pair", disable=is_silent) as bar:
        for rows in own:
            start, end, t = z[2 * rows].double(), z[2 * rows + 1].double(), places[rows, None]
            steps = [between(start, end, t), between(start, end, t + EPSILON)]
            features = _features(model, extractor, torch.cat(steps).float(), labels[rows].repeat(2))
            one, two = features.double().chunk(2)
            parts.append((one - two).square().sum(1) / EPSILON**2)
            bar.update(len(rows))
    return sharding.together(torch.cat(parts), [len(rows) for rows in batches])


def between(start: torch.Tensor, end: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """Places t [N, 1] of the great circles from start [N, D] to end [N, D], as duet.core.latents
    has them (Shoemake, 1985); a straight line where they are (anti)parallel."""
    cosine = torch.nn.functional.cosine_similarity(start, end)[:, None]
    omega = torch.acos(cosine.clamp(-1, 1))
    is_straight = cosine.abs() > 1 - 1e-6
    sine = torch.where(is_straight, 1.0, omega.sin())
    circle = (((1 - t) * omega).sin() * start + (t * omega).sin() * end) / sine
    return torch.where(is_straight, (1 - t) * start + t * end, circle)


def _features(
    model: LatentModel, extractor: Extractor, z: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    images = model.decode(z.to(extractor.device), labels.to(extractor.device))
    levels = model.domain.to_levels(images)
    assert levels is not None
    return extractor(levels)[0]


def trimmed_mean(speeds: torch.Tensor) -> float:
    """The mean of [N] without the smallest and largest hundredth."""
    values = speeds.numpy()
    low = np.percentile(values, TRIM, method="lower")
    high = np.percentile(values, 100 - TRIM, method="higher")
    return float(values[(low <= values) & (values <= high)].mean())
