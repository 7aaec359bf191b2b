"""Where a run's random numbers come from: each is a function of (purpose, seed, rank, step).

No random state is saved, and a resumed run goes on as an unbroken one. On several processes
("ranks" of a "world") the images of a step are those of one process, dealt out; the noise differs.

No two purposes share a stream: the weights are torch's generator seeded by word [seed, 0], the
noise of step t by word [seed, t + 1], with the rank in the spawn key but for the first; the order
of the data is another generator, NumPy's. A run that went back from numbers that were not finite
draws others from there: its attempt, from 1, is the second number of the spawn key. A new purpose
takes a spawn key of three.
"""

import functools

import numpy as np
import torch


def weights_seed(seed: int) -> int:
    """64 bits for the initial weights, the same on every rank."""
    return _word([seed, 0])


def noise_seed(seed: int, step: int, rank: int = 0, attempt: int = 0) -> int:
    """64 bits for all that step number `step`, from 0, draws on one rank."""
    if attempt:
        return _word([seed, step + 1], (rank, attempt))
    return _word([seed, step + 1], (rank,) if rank else ())


def batch_indices(
    seed: int, step: int, batch_size: int, count: int, rank: int = 0, world: int = 1,
    attempt: int = 0,
) -> torch.Tensor:
    """Which of `count` images a rank sees in step number `step`: int64 [about batch_size / world].

    The data are one endless stream, a fresh permutation of all images after the other; batches
    of `batch_size` are cut from it without regard to where a permutation ends, and dealt to the
    ranks one by one.
    """
    position = torch.arange(step * batch_size + rank, (step + 1) * batch_size, world)
    epochs = torch.div(position, count, rounding_mode="floor")
    chosen = torch.empty_like(position)
    for epoch in epochs.unique().tolist():
        inside = epochs == epoch
        chosen[inside] = _permutation(seed, epoch, count, attempt)[position[inside] - epoch * count]
    return chosen


@functools.lru_cache(maxsize=2)
def _permutation(seed: int, epoch: int, count: int, attempt: int) -> torch.Tensor:
    sequence = np.random.SeedSequence([seed, epoch], spawn_key=(0, attempt) if attempt else ())
    return torch.from_numpy(np.random.default_rng(sequence).permutation(count))


def _word(entropy: list[int], spawn_key: tuple[int, ...] = ()) -> int:
    sequence = np.random.SeedSequence(entropy, spawn_key=spawn_key)
    return int(sequence.generate_state(1, np.uint64)[0])
