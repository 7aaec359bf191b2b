"""What follows the steps: the learning rate, and the average of the weights."""

import pytest
import torch

from training.ema import averaged_copy, update_average
from training.schedule import inverse_square_root


def test_the_learning_rate_needs_no_horizon():
    rates = [inverse_square_root(2.0, step) for step in (0, 99, 1999, 2000, 8000)]
    assert rates == pytest.approx([0.02, 2.0, 2.0, 2.0, 1.0])


def test_the_average_is_the_power_function_profile():
    """After T steps of weights 0, 1, .. T-1 the mean of t^6.94 dt over [0, T]."""
    network = torch.nn.Linear(1, 1, bias=False)
    average = averaged_copy(network)
    total = 2000
    for step in range(total):
        torch.nn.init.constant_(network.weight, float(step))
        update_average(average, network, step)
    expected = total * (6.94 + 1) / (6.94 + 2)
    assert average.weight.item() == pytest.approx(expected, rel=2e-3)
    assert not average.weight.requires_grad


def test_the_average_starts_at_the_first_weights():
    network, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    average = averaged_copy(other)
    update_average(average, network, 0)
    torch.testing.assert_close(average.weight, network.weight)


def test_the_average_has_the_buffers_of_its_network():
    """Running statistics are averages already, and a count is no number to average."""
    network = torch.nn.BatchNorm1d(3)
    average = averaged_copy(network)
    for step in range(4):
        network(torch.randn(8, 3) + 5)
        update_average(average, network, step)
    assert average.num_batches_tracked == 4
    assert torch.equal(average.running_mean, network.running_mean)
    assert (average.running_mean > 1).all()


@pytest.mark.parametrize(
    ("average", "network"),
    [
        (torch.nn.Linear(1, 1), torch.nn.Linear(1, 1, bias=False)),
        (torch.nn.BatchNorm1d(1, affine=False), torch.nn.Module()),
    ],
)
def test_an_average_of_other_networks_is_a_mistake(average, network):
    """Not one of the part that fits."""
    for one, other in ((average, network), (network, average)):
        with pytest.raises(ValueError, match="zip"):
            update_average(averaged_copy(one), other, 0)
