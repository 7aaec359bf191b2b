import numpy as np
import pytest
import torch

from duet.core.errors import ArgumentError
from duet.core.latents import check_seed, check_truncation, draw, lerp, slerp, truncate


def test_latent_i_depends_on_seed_and_i_alone():
    z, labels = draw(7, range(20), 65, 10)
    some_z, some_labels = draw(7, [17, 3], 65, 10)
    assert torch.equal(some_z, z[[17, 3]])
    assert torch.equal(some_labels, labels[[17, 3]])


def test_labels_do_not_depend_on_the_latent_dimension():
    assert torch.equal(draw(7, range(20), 65, 10)[1], draw(7, range(20), 32, 10)[1])


def test_streams_differ():
    assert not torch.equal(draw(0, [0], 8, 10)[0], draw(1, [0], 8, 10)[0])
    assert not torch.equal(draw(0, [0], 8, 10)[0], draw(0, [1], 8, 10)[0])


def test_golden_values():
    """Philox's words and Box-Muller are fixed for ever; published samples rest on these."""
    z, labels = draw(0, [0, 1], 3, 10)
    words = np.random.Philox(key=[0, 1]).random_raw(5)
    uniform = ((words >> np.uint64(11)).astype(np.float64) + 0.5) / 2**53
    first = np.sqrt(-2 * np.log(uniform[1])) * np.cos(2 * np.pi * uniform[3])
    assert z[1, 0].item() == pytest.approx(first, rel=1e-6)
    assert labels[1] == int(uniform[0] * 10)
    assert z[0].tolist() == pytest.approx([-1.5494508, -2.0947101, -0.66375184], rel=1e-6)


def test_standard_normal_and_uniform_labels():
    z, labels = draw(3, range(4000), 8, 10)
    assert z.mean().abs() < 0.02
    assert (z.std() - 1).abs() < 0.02
    assert (z.double().pow(4).mean() - 3).abs() < 0.15  # a normal's fourth moment
    assert labels.bincount(minlength=10).min() > 320


@pytest.mark.parametrize("word", [0, 2**11 - 1])
def test_the_least_words_are_half_a_step_above_zero(monkeypatch, word):
    """Whose logarithm would not be finite; a step is 2^-53."""
    class Least:
        def __init__(self, key):
            pass

        def random_raw(self, count):
            return np.full(count, word, np.uint64)

    monkeypatch.setattr(np.random, "Philox", Least)
    z, labels = draw(0, [0], 1, 10)
    assert z.item() == pytest.approx(np.sqrt(2 * 54 * np.log(2)), rel=1e-6)
    assert labels.item() == 0


@pytest.mark.parametrize(
    ("seed", "indices"),
    [(-1, [0]), (2**63, [0]), (0, [-1]), (0, [3, -1, 5]), (0, [3, 2**63, 0])],
)
def test_out_of_range_is_refused(seed, indices):
    with pytest.raises(ValueError, match=r"in 0\.\.2\^63-1"):
        draw(seed, indices, 4, 10)


def test_the_whole_range_is_drawn():
    assert check_seed(2**63 - 1) == 2**63 - 1
    assert draw(2**63 - 1, [2**63 - 1, 0], 3, 0)[0].isfinite().all()
    z, labels = draw(0, [], 3, 0)
    assert (z.shape, labels.shape) == ((0, 3), (0,))
    assert draw(0, range(99), 3, 0)[1].unique().tolist() == [0]


def test_truncation_shrinks_and_is_bounded():
    z = torch.randn(3, 4)
    assert torch.equal(truncate(z, 1.0), z)
    assert truncate(z, 0.0).abs().max() == 0
    with pytest.raises(ValueError, match=r"0\.\.1, not 1\.5"):
        truncate(z, 1.5)


def test_a_refusal_calls_it_as_the_caller_does():
    assert (check_seed(np.int64(3)), check_truncation(1)) == (3, 1)
    with pytest.raises(ArgumentError, match=r"--seed must be a whole number in 0\.\.2\^63-1, not"):
        check_seed(-1, "--seed")
    for value in (-0.1, True, "1", float("nan")):
        with pytest.raises(ArgumentError, match=r"--truncation must be a number in 0\.\.1, not"):
            check_truncation(value, "--truncation")


@pytest.mark.parametrize("path", [lerp, slerp])
def test_interpolation_meets_its_ends(path):
    start, end = torch.randn(16), torch.randn(16)
    points = path(start, end, 9)
    assert points.shape == (9, 16)
    torch.testing.assert_close(points[0], start)
    torch.testing.assert_close(points[-1], end)


@pytest.mark.parametrize("path", [lerp, slerp])
def test_interpolation_keeps_the_precision_of_its_ends(path):
    start, end = torch.randn(2, 16, dtype=torch.float64)
    points = path(start, end, 8)
    assert points.dtype == torch.float64
    weight = 1 / 7
    omega = torch.acos(start @ end / start.norm() / end.norm())
    shares = {
        lerp: (1 - weight, weight),
        slerp: [torch.sin(w * omega) / torch.sin(omega) for w in (1 - weight, weight)],
    }[path]
    expected = shares[0] * start + shares[1] * end
    torch.testing.assert_close(points[1], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("beside", "is_line"), [(0.5e-6, True), (1.5e-6, False)])
def test_nearly_parallel_vectors_are_joined_by_a_line(beside, is_line):
    cosine = torch.tensor(1 - beside, dtype=torch.float64)
    start = torch.tensor([1.0, 0.0], dtype=torch.float64)
    for sign in (1, -1):
        end = sign * torch.stack([cosine, (1 - cosine**2).sqrt()])
        assert torch.equal(slerp(start, end, 3), lerp(start, end, 3)) == is_line


def test_slerp_keeps_the_length_that_lerp_loses():
    start, end = torch.eye(8)[0], torch.eye(8)[1]
    torch.testing.assert_close(slerp(start, end, 5).norm(dim=1), torch.ones(5))
    assert lerp(start, end, 5)[2].norm() < 0.75


def test_slerp_of_parallel_and_zero_vectors_is_a_line():
    start = torch.ones(4)
    torch.testing.assert_close(slerp(start, 3 * start, 3)[1], 2 * start)
    for end in (torch.zeros(4), -start, -2 * start):
        torch.testing.assert_close(slerp(start, end, 5), lerp(start, end, 5))
