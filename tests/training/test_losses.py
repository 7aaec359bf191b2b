"""The objectives against numpy, torch.distributions and derivatives by hand."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from duet.core.domains import gaussian_nll
from training import losses


def test_dcgan_losses_are_binary_cross_entropy():
    real, fake = torch.randn(8), torch.randn(8)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = entropy(real, torch.ones(8)) + entropy(fake, torch.zeros(8))
    torch.testing.assert_close(losses.dcgan_discriminator_loss(real, fake), expected)
    expected = entropy(fake, torch.ones(8))
    torch.testing.assert_close(losses.dcgan_generator_loss(fake), expected)


def test_relativistic_loss_by_hand():
    winner, loser = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 1.0])
    expected = np.mean([np.log1p(np.exp(-2.0)), np.log1p(np.exp(1.0))])
    assert losses.relativistic_loss(winner, loser).item() == pytest.approx(expected, rel=1e-6)


class Quadratic(torch.nn.Module):
    """D(x) = sum(a x^2): its gradient is 2 a x."""

    def __init__(self):
        super().__init__()
        self.a = torch.nn.Parameter(torch.tensor(3.0))

    def forward(self, images, labels):
        return (self.a * images.square()).sum(dim=(1, 2, 3))


def test_gradient_penalty_and_its_own_gradient():
    images = torch.randn(5, 1, 4, 4)
    network = Quadratic()
    penalty = losses.gradient_penalty(network, images, torch.zeros(5, dtype=torch.int64))
    power = images.square().sum(dim=(1, 2, 3)).mean()
    torch.testing.assert_close(penalty, 36 * power)
    penalty.backward()
    torch.testing.assert_close(network.a.grad, 2 * 4 * 3 * power)


def test_gaussian_nll_is_the_likelihood_at_the_best_variance():
    images, reconstruction = torch.randn(6, 1, 4, 4), torch.randn(6, 1, 4, 4)
    nll = gaussian_nll(reconstruction, images)

    def at(variance):
        density = Normal(reconstruction, variance**0.5).log_prob(images)
        return -density.sum(dim=(1, 2, 3)).mean()

    best = (images - reconstruction).square().mean()
    torch.testing.assert_close(nll, at(best))
    assert at(best * 1.1) > nll
    assert at(best * 0.9) > nll


def test_normal_log_density_is_torchs():
    x, mean, log_variance = torch.randn(3, 4, 5).unbind()
    expected = Independent(Normal(mean, (0.5 * log_variance).exp()), 1).log_prob(x)
    torch.testing.assert_close(losses.normal_log_density(x, mean, log_variance), expected)
    standard = Independent(Normal(torch.zeros(4, 5), torch.ones(4, 5)), 1).log_prob(x)
    torch.testing.assert_close(losses.normal_log_density(x), standard)


def test_standard_normal_kl_is_torchs():
    mean, log_variance = torch.randn(2, 4, 5).unbind()
    posterior = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    standard = Independent(Normal(torch.zeros(4, 5), torch.ones(4, 5)), 1)
    expected = torch.distributions.kl_divergence(posterior, standard)
    torch.testing.assert_close(losses.standard_normal_kl(mean, log_variance), expected)


def test_flow_matching_wants_the_straight_way():
    """A velocity that knows both ends has no loss; one that stands still has half the square of the
    way. Times lie within (0, 1), most in its middle."""
    noise, z = torch.randn(2, 4000, 1, 2, 2).unbind()
    seen = []

    def knows(between, times, labels):
        seen.append(times)
        expected = torch.lerp(noise, z, times.view(-1, 1, 1, 1))
        torch.testing.assert_close(between, expected)
        return z - noise

    assert losses.flow_matching_loss(knows, noise, z, torch.zeros(4000)).item() == 0
    still = losses.flow_matching_loss(lambda b, t, y: 0 * b, noise, z, torch.zeros(4000))
    assert still.item() == pytest.approx((z - noise).square().sum().item() / 8000, rel=1e-5)
    (times,) = seen
    assert 0 < times.min() < times.max() < 1
    middle = ((times > 0.269) & (times < 0.731)).float().mean().item()  # logit within -1..1
    assert middle == pytest.approx(0.683, abs=0.03)
