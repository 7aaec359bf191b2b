"""The sanity ladder: real images made worse step by step. A metric that is meant to see a
distortion gets worse at every step; what it does elsewhere shows where it is blind.

Every distortion is seeded and nested: the next step does more of the same to the same images, so
that a score moves by the distortion and not by chance. To add one: a function and a row of
DISTORTIONS.
"""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F

from duet.data import ImageSet
from duet.store.metrics import ScoreRecord
from duet.store.scores import SCORES
from evaluation.fidelity import Extractor
from evaluation.harness import Request, protocol_of, score
from evaluation.reference import Reference, extract_set, random_part
from evaluation.sets import SetId

CHUNK = 500
CONTRAST = 128  # grey levels between a speck and what was there


class Pictures(NamedTuple):
    """images: uint8 [N, C, H, W]; labels: int64 [N]."""

    images: torch.Tensor
    labels: torch.Tensor


def blur(real: Pictures, sigma: float, dice: torch.Generator) -> Pictures:
    """By a Gaussian of `sigma` pixels; the edge's pixels go on beyond it."""
    reach = round(3 * sigma)
    weights = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma).square())
    row = (weights / weights.sum()).view(1, 1, 1, -1)
    height, width = real.images.shape[2:]
    planes = real.images.view(-1, 1, height, width)
    blurred = torch.cat([_blur(part.float(), row, reach) for part in planes.split(CHUNK)])
    return real._replace(images=blurred.view(real.images.shape))


def _blur(planes: torch.Tensor, row: torch.Tensor, reach: int) -> torch.Tensor:
    for weights, pad in ((row, (reach, reach, 0, 0)), (row.mT, (0, 0, reach, reach))):
        planes = F.conv2d(F.pad(planes, pad, mode="replicate"), weights)
    return planes.round().clamp(0, 255).to(torch.uint8)


def noise(real: Pictures, sigma: float, dice: torch.Generator) -> Pictures:
    """Gaussian, of `sigma` grey levels in each value."""
    parts = [
        part + sigma * torch.randn(part.shape, generator=dice) for part in real.images.split(CHUNK)
    ]
    return real._replace(images=torch.cat(parts).round().clamp(0, 255).to(torch.uint8))


def specks(real: Pictures, share: float, dice: torch.Generator) -> Pictures:
    """A pixel anywhere in a `share` of the images takes a grey half the range away."""
    count, _, height, width = real.images.shape
    chosen = torch.randperm(count, generator=dice)
    y = torch.randint(height, (count,), generator=dice)
    x = torch.randint(width, (count,), generator=dice)
    chosen = chosen[: round(share * count)]
    images = real.images.clone()
    images[chosen, :, y[chosen], x[chosen]] += CONTRAST  # beyond 255 it begins anew at 0
    return real._replace(images=images)


def shift(real: Pictures, pixels: float, dice: torch.Generator) -> Pictures:
    """To the right; the left edge's pixels go on."""
    width = real.images.shape[3]
    columns = (torch.arange(width) - round(pixels)).clamp_min(0)
    return real._replace(images=real.images[..., columns])


def drop_classes(real: Pictures, dropped: float, dice: torch.Generator) -> Pictures:
    """The last classes give way to more images of the others, of those that are here."""
    classes = real.labels.unique()
    return _only(real, real.labels < classes[len(classes) - round(dropped)])


def duplicate(real: Pictures, times: float, dice: torch.Generator) -> Pictures:
    """As many images, each `times` times."""
    return _only(real, torch.arange(len(real.labels)) < len(real.labels) / times)


def _only(real: Pictures, wanted: torch.Tensor) -> Pictures:
    """The wanted ones in place of all others, again and again."""
    kept = wanted.nonzero()[:, 0]
    index = kept[torch.arange(len(wanted)) % len(kept)]
    return Pictures(real.images[index], real.labels[index])


@dataclass(frozen=True)
class Distortion:
    """`steps` of growing amounts, in `unit`; `seen_by`: the scores that get worse at every one;
    `classes`: as many, at least, the images have to have."""

    function: Callable[[Pictures, float, torch.Generator], Pictures]
    unit: str
    steps: tuple[float, ...]
    seen_by: frozenset[str]
    classes: int = 1

    def __call__(self, real: Pictures, amount: float, seed: int) -> Pictures:
        return self.function(real, amount, torch.Generator().manual_seed(seed))


def _row(
    function: Callable[[Pictures, float, torch.Generator], Pictures], unit: str,
    steps: tuple[float, ...], *seen_by: str, classes: int = 1,
) -> Distortion:
    return Distortion(function, unit, steps, frozenset(seen_by), classes)


_FRECHET = "frechet_distance", "frechet_limit"
_DISTANCES = *_FRECHET, "kernel_distance"
_LOOKS = *_DISTANCES, "class_frechet_distance", "patch_distance"
_MANIFOLDS = "precision", "density", "coverage"
DISTORTIONS: dict[str, Distortion] = {
    "blur": _row(blur, "pixels", (0.7, 1.0, 1.5), *_LOOKS, *_MANIFOLDS),
    "noise": _row(noise, "grey levels", (20, 40, 80), *_LOOKS, "inception_score", "coverage"),
    "specks": _row(
        specks, "of the images", (0.1, 0.3, 1.0), "specks", "dim_specks", "patch_distance",
    ),
    "shift": _row(shift, "pixels", (2, 4, 6), *_LOOKS, *_MANIFOLDS),
    "dropped classes": _row(
        drop_classes, "classes", (1, 3, 5), *_DISTANCES, "inception_score", "recall", "coverage",
        classes=6,
    ),
    # Not KID, which is unbiased whichever images are left.
    "duplicates": _row(
        duplicate, "times each", (2, 3, 10), *_FRECHET, "class_frechet_distance", "coverage",
    ),
}


class Rung(NamedTuple):
    """What a distortion's step scores; `amount` 0: the images as they are."""

    amount: float
    scores: Mapping[str, ScoreRecord]


@dataclass(frozen=True)
class Ladder:
    """rungs: of each distortion, beginning with the images as they are."""

    images: int
    rungs: Mapping[str, tuple[Rung, ...]]

    @property
    def keys(self) -> tuple[str, ...]:
        """The scores that there are, in the order of SCORES."""
        found = next(iter(self.rungs.values()))[0].scores
        return tuple(key for key in SCORES if key in found)

    def sees(self, key: str, name: str) -> bool:
        """Whether a score gets worse at every step of a distortion, by more than what a repetition
        of one measurement may move it."""
        sign = -1 if SCORES[key].higher_is_better else 1
        values = [sign * rung.scores[key].value for rung in self.rungs[name]]
        return all(b - a > SCORES[key].tolerance for a, b in itertools.pairwise(values))

    def failures(self) -> list[str]:
        """Where a score does not see what it is meant to, in words."""
        return [
            f"{SCORES[key].title} does not get worse at every step of {name}"
            for name in self.rungs
            for key in self.keys
            if key in DISTORTIONS[name].seen_by and not self.sees(key, name)
        ]


def climb(
    images: ImageSet, extractor: Extractor, reference: Reference, count: int, seed: int
) -> Ladder:
    """Score a random part of a split, as it is and by each step of each distortion that there are
    classes enough for."""
    part = random_part(images, count, seed)
    real = Pictures(images.images[part], images.labels[part])

    def rung(name: str, amount: float, pictures: Pictures) -> Rung:
        title = f"{name} {amount:g}" if amount else "as they are"
        worse = dataclasses.replace(
            images, split=title, images=pictures.images, labels=pictures.labels, files=()
        )
        return Rung(amount, _scores(worse, extractor, reference))

    start, classes = rung("", 0.0, real), len(real.labels.unique())
    return Ladder(len(part), {
        name: (start, *(rung(name, a, distortion(real, a, seed)) for a in distortion.steps))
        for name, distortion in DISTORTIONS.items() if distortion.classes <= classes
    })


def _scores(
    images: ImageSet, extractor: Extractor, reference: Reference
) -> dict[str, ScoreRecord]:
    about = reference.about
    found = extract_set(images, extractor)
    if extractor.names_classes_of(SetId(about.data, about.images_sha256)):
        found = dataclasses.replace(found, labels=images.labels)
    request = Request(len(images), repeats=0)
    return score(found, reference, protocol_of(request, extractor, reference))
