"""Whether a generator copies its training images: generated images and held-out ones, each by how
near they lie to the training images. Who draws from the same distribution lies as near as the
held-out images do; who copies lies nearer.

Three statistics, since each is blind to something. C_T sees any nearness, in parts of the space
too, and takes a generator that draws only typical images for a copier. Authenticity compares with
the distance that the training image has to its own neighbour. `singled_out` asks whether one
training image is much nearer than its kin, which a typical image's is not; duplicates among the
training images do not hide a copy from it, as long as there are fewer than KIN.
"""

from dataclasses import dataclass

import torch

from duet.data import neighbours
from duet.store.studies import CellRecord, CopyScores
from evaluation.errors import EvaluationError

CELLS, IMAGES_A_CELL = 20, 100  # at most so many cells, of so many held-out images on average
FEWEST = 20  # images of either side in a cell that is tested (tau of Meehan et al. is 20/m)
CELLS_SEED, CELLS_STEPS = 0, 20
NEARER = -3.0  # the z below which a cell is called nearer: by chance one in 740
KIN = 10
RARE = 0.01


@dataclass(frozen=True)
class Placed:
    """Where N images lie among the training images: the number of its cell int64 [N], the distance
    to the nearest training image float32 [N], that divided by the distance to number KIN [N], and
    whether it is authentic bool [N]."""

    cells: torch.Tensor
    distances: torch.Tensor
    ratios: torch.Tensor
    authentic: torch.Tensor

    def __len__(self) -> int:
        return len(self.cells)

    def part(self, chosen: torch.Tensor) -> "Placed":
        return Placed(
            self.cells[chosen], self.distances[chosen], self.ratios[chosen], self.authentic[chosen]
        )


class Training:
    """The training images' embeddings float32 [M, D], and the cells around them."""

    def __init__(self, points: torch.Tensor, cells: int) -> None:
        if len(points) <= KIN:
            raise EvaluationError(f"{len(points)} training images are too few to look for copies")
        self.points = points
        self.centres = cell_centres(points, min(cells, len(points)))

    def nearest(self, images: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`nearest` among the training images."""
        return nearest(self.points, images, count)

    def place(self, images: torch.Tensor) -> Placed:
        """Place embeddings [N, D]. An image is authentic where it lies farther from its nearest
        training image than that does from its own nearest other (Alaa et al., "How faithful is your
        synthetic data?", 2022, section 3.3)."""
        distances, indices = self.nearest(images, KIN)
        named, number = indices[:, 0].unique(return_inverse=True)
        reach = self.nearest(self.points[named], 2)[0][:, 1]  # the first is the image itself
        cells = torch.cdist(images, self.centres).argmin(dim=1)
        nearest = distances[:, 0]
        return Placed(cells, nearest, kinship(distances), nearest > reach[number])


def nearest(
    points: torch.Tensor, images: torch.Tensor, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Euclidean distances float32 [N, count] from images [N, D] to the nearest of the points
    [M, D], nearest first, and those points' numbers int64 [N, count]."""
    # |x - t|^2 = |x|^2 - 2 (x.t - |t|^2 / 2): the nearest has the largest bracket.
    with_one = torch.cat([images, torch.ones(len(images), 1)], dim=1)
    halves = points.square().sum(dim=1, keepdim=True) / -2
    found = neighbours.nearest(with_one, count, torch.cat([points, halves], dim=1)).indices
    # From the brackets, small distances would be lost in rounding.
    columns = [(images - points[column]).norm(dim=1) for column in found.T]
    distances, order = torch.stack(columns, dim=1).sort(dim=1)
    return distances, found.gather(1, order)


def kinship(distances: torch.Tensor) -> torch.Tensor:
    """Of distances [N, KIN] the nearest by the last: small where one is singled out."""
    return distances[:, 0] / distances[:, -1].clamp_min(1e-12)


def cell_count(held_out: int) -> int:
    """Into how many cells the space is divided for so many held-out images."""
    return max(1, min(CELLS, held_out // IMAGES_A_CELL))


def cell_centres(points: torch.Tensor, cells: int) -> torch.Tensor:
    """The centres [cells, D] of k-means on [N, D], from points that are drawn by their squared
    distance to those drawn before (Arthur & Vassilvitskii, "k-means++", 2007)."""
    generator = torch.Generator().manual_seed(CELLS_SEED)
    drawn = torch.randint(len(points), (1,), generator=generator)
    while len(drawn) < cells:
        squares = torch.cdist(points, points[drawn]).amin(dim=1).square()
        one = squares.clamp_min(1e-12).multinomial(1, generator=generator)
        drawn = torch.cat([drawn, one])
    centres = points[drawn]
    for _ in range(CELLS_STEPS):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        sizes = nearest.bincount(minlength=cells)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = torch.where(sizes > 0, sums / sizes.clamp_min(1), centres)
    return centres


def rank_test(real: torch.Tensor, generated: torch.Tensor) -> tuple[float, float]:
    """Mann & Whitney's test (1947) of distances [n] and [m]: the share of pairs in which the
    generated one is the larger, ties by half, and its z, negative where they are mostly smaller."""
    n, m = len(real), len(generated)
    _, place, counts = torch.cat([real, generated]).unique(return_inverse=True, return_counts=True)
    ranks = counts.cumsum(0) - (counts - 1) / 2  # of ties the mean
    larger = ranks[place[n:]].double().sum().item() - m * (m + 1) / 2
    return larger / (n * m), (larger - n * m / 2) / (n * m * (n + m + 1) / 12) ** 0.5


def share_test(real: torch.Tensor, generated: torch.Tensor) -> float:
    """z of the difference between the shares of True in bool [n] and [m], by the pooled share;
    negative where the generated one is smaller, 0 where all are alike."""
    pooled = _share(torch.cat([real, generated]))
    error = (pooled * (1 - pooled) * (1 / len(real) + 1 / len(generated))) ** 0.5
    return (_share(generated) - _share(real)) / error if error else 0.0


def compare(real: Placed, generated: Placed) -> CopyScores:
    """Generated images against held-out ones. C_T is the mean over the cells of the rank tests' z,
    weighted by the held-out images in each (Meehan, Chaudhuri & Dasgupta, "A non-parametric test to
    detect data-copying in generative models", 2020, section 4). EvaluationError where no cell holds
    enough of both."""
    cells, farther = [], []
    for number in real.cells.unique().tolist():
        near_real = real.distances[real.cells == number]
        near = generated.distances[generated.cells == number]
        if min(len(near_real), len(near)) >= FEWEST:
            share, z = rank_test(near_real, near)
            farther.append(share)
            cells.append(CellRecord(len(near_real), len(near), z))
    if not cells:
        raise EvaluationError(
            f"nowhere are there {FEWEST} held-out and {FEWEST} generated images together; there "
            f"are {len(real)} and {len(generated)} of them in all"
        )
    total = sum(cell.held_out for cell in cells)
    return CopyScores(
        copying=sum(cell.held_out * cell.z for cell in cells) / total,
        cells=tuple(cells),
        nearer=1 - sum(c.held_out * f for c, f in zip(cells, farther, strict=True)) / total,
        singled_out=_share(generated.ratios < real.ratios.quantile(RARE)),
        authenticity=_share(generated.authentic),
        held_out_authenticity=_share(real.authentic),
        authenticity_z=share_test(real.authentic, generated.authentic),
        distance=generated.distances.median().item(),
        held_out_distance=real.distances.median().item(),
    )


def floor(real: Placed) -> CopyScores:
    """One half of the held-out images against the other: what no copying looks like."""
    order = torch.randperm(len(real), generator=torch.Generator().manual_seed(CELLS_SEED))
    half = len(real) // 2
    return compare(real.part(order[:half]), real.part(order[half:]))


def nearer_cells(scores: CopyScores) -> int:
    """In how many cells the generated images lie nearer than chance would have it."""
    return sum(cell.z < NEARER for cell in scores.cells)


def _share(seen: torch.Tensor) -> float:
    return seen.double().mean().item()
