"""The directions of a latent space along which pictures change most, and what changes along them.

GANSpace (Härkönen et al., "GANSpace: discovering interpretable GAN controls", 2020) takes principal
components of a layer's features and regresses latents on them. Here the features are the pictures
themselves, which every model has, whatever its layers: the covariance of pictures and standard
normal latents is the decoder's mean Jacobian (Stein's lemma), and its right singular vectors are
the directions. SeFa (Shen & Zhou, 2021) reads them off the first layer's weights, which know
neither of a flow before that layer nor of what the layers after it do.

The widest few span a space whose axes are free to turn. They are turned to what can be measured:
Stein's lemma again gives the direction in which a measure grows on average.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from demo.measures import MEASURES, measured
from duet.core import latents
from duet.models.base import BATCH_VALUES, LatentModel

COUNT = 6
PAIRS = 1024  # of opposite latents whose pictures are compared
FINEST = 16  # pixels a side at which they are
LEAST = 0.5  # of a measure's spread that follows an axis, for the axis to be turned to it
REACH = 2.5  # standard deviations to either side: what a slider goes, and what a name is tried on
TRIED, PLACES = 32, 9  # pictures by which a name is tried, and places along the axis of each
HONEST = 0.75  # a correlation from which on a name is no exaggeration


@dataclass(frozen=True)
class Direction:
    """`vector` float32 [latent_dim] of length 1: latents are standard normal, so a step of 1 is one
    standard deviation. `name` says what grows along it, a name in MEASURES, with the `correlation`
    of place and measure; both None where nothing that is measured follows it."""

    vector: torch.Tensor
    name: str | None = None
    correlation: float | None = None


@torch.no_grad()
def directions(model: LatentModel, pairs: int = PAIRS) -> list[Direction]:
    """COUNT orthogonal ones, those that have a name first, by so many `pairs` of latents; fewer of
    both where latents are short or pictures large. They are the same whenever they are computed."""
    least = max(model.latent_dim, pairs * 28 * 28 // model.config.layer_values)
    z, labels = latents.draw(0, range(min(pairs, least)), model.latent_dim, model.num_classes)
    there, back = (_drawn(model, sign * z, labels) for sign in (1, -1))
    # What is even in z cancels in the mean; so it may before.
    jacobian = (_coarse(there) - _coarse(back)).T @ z / (2 * len(z))  # [pixels, latent_dim]
    _, spread, vectors = torch.linalg.svd(jacobian, full_matrices=False)
    spread, vectors = spread[:COUNT], vectors[:COUNT]
    odd = (measured(there) - measured(back)) / 2  # [N, MEASURES]
    shares = vectors.double() @ z.double().T @ odd / len(z) / odd.std(0).clamp_min(1e-9)
    axes, names = _turned(shares, spread.double())
    found = []
    for vector, name in zip((axes @ vectors.double()).float(), names, strict=True):
        value = correlation(model, vector, name) if name is not None else 0
        named = (name, value) if value >= HONEST else (None, None)
        found.append(Direction(vector, *named))
    return sorted(found, key=lambda direction: direction.name is None)


def along(z: torch.Tensor, vector: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Latents z [N, latent_dim], their coordinates along `vector` set to `places` [N]."""
    return z + (places - z @ vector)[:, None] * vector


def correlation(model: LatentModel, vector: torch.Tensor, name: str) -> float:
    """Pearson's, of the place along a direction with a measure, within pictures: of TRIED latents
    only their coordinate along it is changed, and each one's mean is taken off."""
    z, labels = latents.draw(1, range(TRIED), model.latent_dim, model.num_classes)
    places = torch.linspace(-REACH, REACH, PLACES).repeat_interleave(TRIED)
    moved = along(z.repeat(PLACES, 1), vector, places)
    values = MEASURES[name](_drawn(model, moved, labels.repeat(PLACES))).view(PLACES, TRIED)
    both = torch.stack([(values - values.mean(0)).flatten(), places.double()])
    return float(torch.corrcoef(both)[0, 1].nan_to_num(0))


def _drawn(model: LatentModel, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """As pictures are shown, uint8 [N, 1 or 3, H, W]."""
    batch = max(1, BATCH_VALUES // model.config.layer_values)
    return model.domain.to_pixels(model.render(z, labels, batch))


def _coarse(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float32 [N, pixels], averaged where they are finer than FINEST."""
    height, width = (min(FINEST, size) for size in images.shape[2:])
    return F.adaptive_avg_pool2d(images.float(), (height, width)).flatten(1)


def _turned(
    shares: torch.Tensor, spread: torch.Tensor
) -> tuple[torch.Tensor, list[str | None]]:
    """Orthonormal axes [K, K] of a space whose first axes spread pictures by `spread` [K], and the
    measure that each is turned to.

    `shares` [K, MEASURES]: how much of each measure's spread follows each of the first axes. One
    measure after the other takes the axis along which it grows, the best first, as far as that is
    still free; where two are about as good, the first in MEASURES. What is left is turned to the
    widest.
    """
    free = torch.eye(len(spread), dtype=torch.float64)
    axes, names = list[torch.Tensor](), list[str | None]()
    while len(axes) < len(spread):
        lengths = (free @ shares).norm(dim=0).mul(10).round().div(10)
        best = int(lengths.argmax())
        if lengths[best] < LEAST:
            break
        axis = free @ shares[:, best]
        axes.append(axis / axis.norm())
        names.append(list(MEASURES)[best])
        free = free - torch.outer(axes[-1], axes[-1])
    left = len(spread) - len(axes)
    rest = torch.linalg.svd(spread[:, None] * free).Vh[:left]
    return torch.cat([torch.stack(axes), rest]) if axes else rest, names + [None] * left
