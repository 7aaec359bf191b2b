"""An optimiser's memory, out and in again."""

import pytest
import torch

from duet.core.optimizers import load_moments, make_moments, moments_of


def build(kind):
    torch.manual_seed(0)
    network = torch.nn.Linear(3, 2)
    return network, kind(network.parameters(), lr=0.1)


KINDS = [torch.optim.Adam, lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9)]


def step(network, optimizer, images):
    optimizer.zero_grad()
    network(images).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize("kind", KINDS, ids=["adam", "momentum"])
def test_with_its_moments_it_goes_on_as_if_never_stopped(kind):
    network, optimizer = build(kind)
    assert moments_of(optimizer, "a") == {}
    images = torch.randn(3, 4, 3)
    for batch in images[:2]:
        step(network, optimizer, batch)
    kept = {key: value.clone() for key, value in moments_of(optimizer, "a").items()}
    assert {key.rpartition(".")[0] for key in kept} == {"a.0", "a.1"}
    again, other = build(kind)
    again.load_state_dict(network.state_dict())
    load_moments(other, "a", {"ab.0.step": torch.ones(1), **kept, "weights": torch.ones(1)})
    for pair in ((network, optimizer), (again, other)):
        step(*pair, images[2])
    assert torch.equal(network.weight, again.weight)


@pytest.mark.parametrize("kind", KINDS, ids=["adam", "momentum"])
def test_what_it_would_keep_is_made_without_a_slope(kind):
    network, optimizer = build(kind)
    make_moments(optimizer)
    made = moments_of(optimizer, "a")
    assert made
    assert all(value.eq(0).all() for key, value in made.items() if not key.endswith(".step"))
    assert all(parameter.grad is None for parameter in network.parameters())
