"""What is in a data set, before anybody trains on it: counts, copies, leaks, odd pictures, doubts.

Everything here is simple on purpose, and each threshold is a named constant that the report quotes.
A finding is a reason to look at a picture, not a verdict.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from duet.data import neighbours
from duet.data.base import Facts, ImageSet
from duet.data.neighbours import Neighbours
from duet.data.pictures import Originals

MOST_COMPARED = 100_000  # every pair is looked at: twice as many take four times as long
NEIGHBOURS = 10
SUSPECT_VOTES = 9  # of NEIGHBOURS, for one class that is not the picture's own
TRUSTED_ACCURACY = 0.7
BLANK_LEVELS = 2.0  # standard deviation of all values, of 255
OUTLIER_SCORE = 3.5  # Iglewicz & Hoaglin, "How to detect and handle outliers", 1993
MOST_LISTED = 200
BATCH = 1000


@dataclass(frozen=True)
class Picture:
    """One picture of the set: index within its split; file and label where it has any."""

    split: str
    index: int
    file: str | None
    label: str | None


@dataclass(frozen=True)
class Pair:
    """Two pictures and the cosine of their embeddings, 1 where they are equal."""

    first: Picture
    second: Picture
    cosine: float


@dataclass(frozen=True)
class Copies:
    """Pairs that are alike. leaks: pictures of the test split that have such a twin in the training
    split; conflicts: pairs of two labels; pairs: the first MOST_LISTED of `count`, leaks first."""

    count: int
    within_train: int
    within_test: int
    leaks: int
    conflicts: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Doubt:
    """A picture whose neighbours are nearly all of another class, `votes` of NEIGHBOURS."""

    picture: Picture
    suggested: str
    votes: int


@dataclass(frozen=True)
class Odd:
    """Pictures that stand out, the first MOST_LISTED of `count`, most striking first."""

    count: int
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Doubts:
    """Suspected wrong labels. accuracy: how often the neighbours' majority is the picture's own
    label; where it is low, neighbours know little of these classes and doubts mean little."""

    count: int
    accuracy: float
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class Audit:
    """counts: pictures of each class by split, {"train": {"cat": 12, …}}, one class "" where there
    are none; sampled: how many pictures were compared with each other, where not all."""

    facts: Facts
    image_shape: tuple[int, int, int]
    counts: dict[str, dict[str, int]]
    sha256: dict[str, str]
    originals: Originals | None
    exact: Copies
    near: Copies
    near_rule: str
    blank: Odd
    outliers: Odd
    doubts: Doubts | None
    sampled: int | None


class _Both:
    """The two splits as one: number i is picture i of train, or one of test."""

    def __init__(self, train: ImageSet, test: ImageSet) -> None:
        self.sets = (train, test)
        self.labels = torch.cat([train.labels, test.labels])
        self.class_names = train.class_names
        self.first_test = len(train)

    def __len__(self) -> int:
        return len(self.labels)

    def place(self, number: int) -> tuple[ImageSet, int]:
        in_test = number >= self.first_test
        return self.sets[in_test], number - self.first_test * in_test

    def picture(self, number: int) -> Picture:
        images, index = self.place(number)
        file = images.files[index] if images.files else None
        label = images.class_names[int(images.labels[index])] if images.class_names else None
        return Picture(images.split, index, file, label)

    def batches(self, numbers: Sequence[int]) -> Iterator[torch.Tensor]:
        """The pixels of ascending `numbers`, uint8 [at most BATCH, C, H, W] at a time."""
        for images, offset in zip(self.sets, (0, self.first_test), strict=True):
            own = [n - offset for n in numbers if 0 <= n - offset < len(images)]
            for first in range(0, len(own), BATCH):
                yield images.images[own[first : first + BATCH]]


def audit(train: ImageSet, test: ImageSet, originals: Originals | None = None) -> Audit:
    """Look at both splits of a set."""
    both = _Both(train, test)
    digests = [_digest(image) for part in both.sets for image in part.images]
    compared = _compared(len(both))
    space = neighbours.embed(both.batches(compared))
    alike = neighbours.nearest(space.details, NEIGHBOURS)
    near = [
        (compared[i], compared[j], cosine)
        for i, j, cosine in neighbours.pairs_above(alike, space.alike)
        if digests[compared[i]] != digests[compared[j]]
    ]
    kin = neighbours.nearest(space.shapes, NEIGHBOURS)
    return Audit(
        facts=train.facts or Facts(train.name, train.name, train.class_names, about=""),
        image_shape=train.image_shape,
        counts={images.split: _counts(images) for images in both.sets},
        sha256={images.split: images.sha256 for images in both.sets},
        originals=originals,
        exact=_copies(both, _equal_pairs(digests)),
        near=_copies(both, near),
        near_rule=space.rule,
        blank=_blank(both),
        outliers=_outliers(both, compared, space.unexplained),
        doubts=_doubts(both, compared, kin) if len(both.class_names) > 1 else None,
        sampled=len(compared) if len(compared) < len(both) else None,
    )


def class_means(images: ImageSet) -> torch.Tensor:
    """The mean picture of each class (of all, where there are none): uint8 [classes, C, H, W]."""
    classes = max(len(images.class_names), 1)
    sums = torch.zeros(classes, *images.image_shape, dtype=torch.float64)
    for pixels, labels in zip(images.images.split(BATCH), images.labels.split(BATCH), strict=True):
        sums.index_add_(0, labels, pixels.double())
    counts = images.labels.bincount(minlength=classes).clamp_min(1)
    return (sums / counts[:, None, None, None]).round().to(torch.uint8)


def _digest(image: torch.Tensor) -> bytes:
    return hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest()


def _compared(total: int) -> list[int]:
    """All pictures, or a random part that does not change from run to run."""
    if total <= MOST_COMPARED:
        return list(range(total))
    chosen = np.random.default_rng(0).choice(total, MOST_COMPARED, replace=False)
    return sorted(chosen.tolist())


def _counts(images: ImageSet) -> dict[str, int]:
    names = images.class_names or ("",)
    return dict(zip(names, images.labels.bincount(minlength=len(names)).tolist(), strict=True))


def _equal_pairs(digests: list[bytes]) -> list[tuple[int, int, float]]:
    """Each further copy with the first of its kind, and a test picture with the first training one,
    which comes before it."""
    first: dict[bytes, int] = {}
    pairs = []
    for number, digest in enumerate(digests):
        original = first.setdefault(digest, number)
        if original != number:
            pairs.append((original, number, 1.0))
    return pairs


def _copies(both: _Both, pairs: list[tuple[int, int, float]]) -> Copies:
    """`pairs`: (i, j, cosine), i < j, so that of two splits the training one is first."""
    def splits(pair: tuple[int, int, float]) -> int:
        return sum(number >= both.first_test for number in pair[:2])

    kinds = Counter(map(splits, pairs))
    shown = sorted(pairs, key=lambda pair: splits(pair) != 1)[:MOST_LISTED]
    return Copies(
        count=len(pairs),
        within_train=kinds[0],
        within_test=kinds[2],
        leaks=len({pair[1] for pair in pairs if splits(pair) == 1}),
        conflicts=sum(bool(both.labels[i] != both.labels[j]) for i, j, _ in pairs),
        pairs=tuple(
            Pair(both.picture(i), both.picture(j), round(cosine, 4)) for i, j, cosine in shown
        ),
    )


def _blank(both: _Both) -> Odd:
    spread = torch.cat([
        part.flatten(1).float().std(dim=1, correction=0)
        for images in both.sets for part in images.images.split(BATCH)
    ])
    return _odd(both, (spread < BLANK_LEVELS).nonzero().flatten().tolist())


def _outliers(both: _Both, compared: list[int], unexplained: torch.Tensor) -> Odd:
    """Pictures that what all have in common explains least: the residual of principal components
    (Jackson & Mudholkar, "Control procedures for residuals associated with principal component
    analysis", 1979) by its modified z-score."""
    deviation = unexplained - unexplained.median()
    score = 0.6745 * deviation / deviation.abs().median().clamp_min(1e-3)  # of lengths up to 1
    ranked = score.argsort(descending=True, stable=True).tolist()
    return _odd(both, [compared[i] for i in ranked if score[i] > OUTLIER_SCORE])


def _odd(both: _Both, numbers: list[int]) -> Odd:
    return Odd(len(numbers), tuple(both.picture(number) for number in numbers[:MOST_LISTED]))


def _doubts(both: _Both, compared: list[int], kin: Neighbours) -> Doubts:
    """Labels that the nearest neighbours' vote contradicts (edited nearest neighbours: Wilson,
    "Asymptotic properties of nearest neighbor rules using edited data", 1972)."""
    labels = both.labels[torch.tensor(compared)]
    ballots = neighbours.votes(kin, labels, len(both.class_names))
    most, winner = ballots.max(dim=1)
    wrong = ((most >= SUSPECT_VOTES) & (winner != labels)).nonzero().flatten()
    ranked = wrong[most[wrong].argsort(descending=True, stable=True)].tolist()
    return Doubts(
        count=len(ranked),
        accuracy=round(float((winner == labels).double().mean()), 4),
        doubts=tuple(
            Doubt(both.picture(compared[i]), both.class_names[int(winner[i])], int(most[i]))
            for i in ranked[:MOST_LISTED]
        ),
    )
