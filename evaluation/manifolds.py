"""Precision, recall, density and coverage: how two sets lie among each other, each set's manifold
being the balls around its points that reach to their neighbour number k.

Precision and recall: the share of either set within the other's manifold (Kynkaanniemi et al.,
"Improved precision and recall metric", 2019, equations 2 and 3). Density and coverage: how thickly
the generated points lie in the real balls, and how many of these hold one (Naeem et al., "Reliable
fidelity and diversity metrics for generative models", 2020, equations 3 and 4); there one outlier
with a large ball around it does not decide them.

All four come from one pass over all pairs. It is quick by a matrix product in float32 whose error
has a bound, and exact since a pair within that bound of a radius is looked at again, by differences
in float64. So the counts are those of exact distances, whatever the blocks and threads.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch

from evaluation.errors import EvaluationError

BLOCK = 1 << 20  # pairs at a time: 4 MB, which stays near the core
EXACT = "donot_use_mm_for_euclid_dist"
SPARE = 4  # candidates beyond the k + 1 nearest, so that close calls are among them


class Manifolds(NamedTuple):
    precision: float
    recall: float
    density: float
    coverage: float


def compare(generated: torch.Tensor, real: torch.Tensor, neighborhood: int) -> Manifolds:
    """Of features [N, D] and [M, D]; k = `neighborhood`, a point not being its own neighbour."""
    return RealManifold(real, neighborhood).compare(generated)


class RealManifold:
    """Real points and their balls, found once for all that is compared with them."""

    def __init__(self, real: torch.Tensor, neighborhood: int) -> None:
        self.neighborhood = neighborhood
        # A common offset would cost digits.
        self.centre = real.mean(0, dtype=torch.float64)
        self.cloud = _Cloud.about(self.centre, real)
        self.radii = squared_radii(self.cloud, neighborhood)

    def compare(self, generated: torch.Tensor) -> Manifolds:
        """`compare` of features [N, D] with these."""
        ours, theirs = _Cloud.about(self.centre, generated), self.cloud
        our_radii = squared_radii(ours, self.neighborhood)
        within_real = torch.zeros(len(generated), dtype=torch.bool)
        recalled = covered = inside = 0
        for rows in theirs.blocks(len(generated)):
            pairs = _Pairs(theirs.part(rows), ours)
            closed, open_ = pairs.within(self.radii[rows, None])
            within_real |= closed.any(0)
            covered += int(open_.any(1).sum())
            inside += int(open_.sum())
            recalled += int(pairs.within(our_radii[None])[0].any(1).sum())
        count = len(theirs.points)
        return Manifolds(
            int(within_real.sum()) / len(generated), recalled / count,
            inside / (self.neighborhood * len(generated)), covered / count,
        )


class _Cloud(NamedTuple):
    """Points [N, D], and what is quick to multiply, float32 [N, D + 2] about a common centre c:
    a row of `left`, (x - c, 1, |x - c|^2), times a row of `right`, (-2 (y - c), |y - c|^2, 1),
    is the squared distance of x and y."""

    points: torch.Tensor
    left: torch.Tensor
    right: torch.Tensor

    @classmethod
    def about(cls, centre: torch.Tensor, points: torch.Tensor) -> "_Cloud":
        moved = (points.double() - centre).float()
        squares = moved.double().square().sum(1, keepdim=True).float()
        ones = torch.ones_like(squares)
        return cls(
            points, torch.cat([moved, ones, squares], 1), torch.cat([-2 * moved, squares, ones], 1)
        )

    @property
    def squares(self) -> torch.Tensor:
        return self.left[:, -1]

    def blocks(self, others: int) -> Iterator[slice]:
        """Slices of it that make a block of pairs with so many others."""
        step = max(1, BLOCK // others)
        for first in range(0, len(self.points), step):
            yield slice(first, min(first + step, len(self.points)))

    def part(self, rows: slice) -> "_Cloud":
        return _Cloud(*(column[rows] for column in self))

    def padded(self, multiple: int) -> "_Cloud":
        """With points at infinity at the end of `right`, so that `multiple` divides its length."""
        infinity = torch.zeros(-len(self.points) % multiple, self.right.shape[1])
        infinity[:, -2] = torch.inf
        return self._replace(right=torch.cat([self.right, infinity]))


class _Pairs:
    """Squared distances between a few points and many: `near`, float32 [n, N], each within its
    row's `error` [n, 1] of the exact one."""

    def __init__(self, few: _Cloud, many: _Cloud) -> None:
        self.few, self.many = few, many
        self.near = few.left @ many.right.T
        # A sum of D products is off by at most D u times the sum of their sizes, in whatever order
        # (Higham, "Accuracy and stability of numerical algorithms", 2002, equation 3.5), here
        # 2 (|x|^2 + |y|^2); the 16 are the other roundings.
        unit = torch.finfo(torch.float32).eps / 2
        sizes = few.squares[:, None] + many.squares.max()
        self.error = (2 * few.points.shape[1] + 16) * unit * sizes

    def within(self, radii: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Whether pairs are at most, and less than, as far apart as float64 squared radii [n, 1] or
        [1, N] say: bool [n, N], twice."""
        excess = self.near - radii.float()
        closed = excess <= 0
        # The radius itself was rounded to float32.
        doubtful = excess.abs_() <= self.error + radii.float() * torch.finfo(torch.float32).eps
        row, column = doubtful.nonzero(as_tuple=True)
        open_ = closed.clone()
        exact = _squared_pairs(self.few.points, self.many.points, row, column)
        radius = radii.expand(self.near.shape)[row, column]
        closed[row, column], open_[row, column] = exact <= radius, exact < radius
        return closed, open_


def squared_radii(cloud: _Cloud, neighborhood: int) -> torch.Tensor:
    """Squared distance of each point to its neighbour number k, exact: float64 [N].

    EvaluationError where there are no k neighbours.
    """
    count = len(cloud.points)
    if count <= neighborhood:
        raise EvaluationError(f"{count} images have no {neighborhood} neighbours each; take more")
    wanted = min(neighborhood + 1 + SPARE, count)
    groups = max(wanted, round((count * wanted) ** 0.5))
    many = cloud.padded(groups)
    return torch.cat([
        _radii(_Pairs(cloud.part(rows), many), neighborhood, wanted, groups)
        for rows in cloud.blocks(count)
    ])


def _radii(pairs: _Pairs, neighborhood: int, wanted: int, groups: int) -> torch.Tensor:
    near, index = _smallest(pairs.near, wanted, groups)
    few, many = pairs.few.points, pairs.many.points
    exact = _squared(few[:, None], many[index])
    # The nearest is the point itself, at distance 0.
    radii = exact.kthvalue(neighborhood + 1, dim=1).values
    others_from = near[:, -1:].double() - pairs.error
    doubtful = (radii > 0) & (radii > others_from[:, 0]) & (wanted < len(many))
    if doubtful.any():  # many at about one place: look at all
        rows = doubtful.nonzero()[:, 0]
        distances = torch.cdist(few[rows].double(), many.double(), compute_mode=EXACT)
        column = distances.kthvalue(neighborhood + 1, dim=1).indices
        radii[rows] = _squared_pairs(few, many, rows, column)
    return radii


def _smallest(values: torch.Tensor, wanted: int, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The smallest of each row in order, and their columns: `topk`, but quick. They lie in the
    groups of columns with the smallest minima."""
    grouped = values.view(len(values), -1, groups)  # column c is in group c mod groups
    best = grouped.amin(1).topk(wanted, largest=False).indices  # [n, wanted]
    members = grouped.gather(2, best[:, None].expand(-1, grouped.shape[1], -1)).flatten(1)
    smallest, place = members.topk(wanted, largest=False)
    member, group = place // wanted, place % wanted
    return smallest, member * groups + best.gather(1, group)


def _squared(one: torch.Tensor, two: torch.Tensor) -> torch.Tensor:
    """Exact squared distances over the last dimension: float64."""
    return (one.double() - two.double()).square_().sum(-1)


def _squared_pairs(
    one: torch.Tensor, two: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """`_squared` of one[rows] and two[columns], a part at a time."""
    part = max(1, (BLOCK << 2) // one.shape[1])
    return torch.cat([
        _squared(one[row], two[column])
        for row, column in zip(rows.split(part), columns.split(part), strict=True)
    ])
