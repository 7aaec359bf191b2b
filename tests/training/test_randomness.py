"""Random numbers: every purpose, step and rank its own, and one process's numbers for ever."""

import itertools

import numpy as np
import torch

from training.randomness import batch_indices, noise_seed, weights_seed


def test_every_image_is_seen_once_an_epoch():
    batches = [batch_indices(seed=1, step=step, batch_size=7, count=20) for step in range(20)]
    stream = torch.cat(batches)
    for epoch in range(7):
        assert sorted(stream[20 * epoch : 20 * (epoch + 1)].tolist()) == list(range(20))
    assert stream[:20].tolist() != stream[20:40].tolist()


def test_the_seed_decides_the_order():
    orders = [batch_indices(seed, step=0, batch_size=20, count=20).tolist() for seed in range(3)]
    assert len(set(map(tuple, orders))) == 3


def test_ranks_share_a_batch_out_among_them():
    whole = batch_indices(1, 5, batch_size=7, count=20)
    parts = [batch_indices(1, 5, batch_size=7, count=20, rank=rank, world=3) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 2, 2]
    for rank, part in enumerate(parts):
        assert part.tolist() == whole[rank::3].tolist()


def test_no_seed_is_used_twice():
    places = list(itertools.product(range(5), range(100), range(3), range(3)))
    seeds = {weights_seed(seed) for seed in range(5)} | {noise_seed(*place) for place in places}
    assert len(seeds) == 5 + len(places)


def test_no_two_purposes_share_a_stream():
    """Not even where the words are alike: epoch 1's order and step 0's noise are [seed, 1]."""

    def words(seed):
        generator = torch.Generator().manual_seed(seed)
        return tuple(torch.randint(2**62, (4,), generator=generator).tolist())

    weights = {words(weights_seed(3))}
    noise = {words(noise_seed(3, step, rank)) for step in range(50) for rank in range(2)}
    order = {
        tuple((np.random.default_rng([3, epoch]).bit_generator.random_raw(4) >> 2).tolist())
        for epoch in range(50)
    }
    assert (len(weights), len(noise), len(order)) == (1, 100, 50)
    assert len({number for stream in weights | noise | order for number in stream}) == 4 * 151


def test_the_numbers_of_earlier_runs_stay():
    """A run that is resumed by a later version goes on with the numbers that it began with."""
    def word(*entropy):
        return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])

    assert weights_seed(7) == word(7, 0)
    assert [noise_seed(7, step) for step in range(3)] == [word(7, 1), word(7, 2), word(7, 3)]
    first = np.random.default_rng([7, 0]).permutation(30)
    second = np.random.default_rng([7, 1]).permutation(30)
    expected = [*first[20:], *second[:10]]
    assert batch_indices(7, step=1, batch_size=20, count=30).tolist() == expected


def test_another_attempt_draws_others_in_another_order():
    orders = [batch_indices(7, 1, 20, count=30, attempt=attempt).tolist() for attempt in range(3)]
    assert len(set(map(tuple, orders))) == 3
    for attempt in (1, 2):
        stream = [batch_indices(7, step, 10, 30, attempt=attempt) for step in range(3)]
        assert sorted(torch.cat(stream).tolist()) == list(range(30))
