import pytest
import torch
from torch import nn

from duet.export.narrow import BITS, MOST_LEVELS, FixedPoint, narrow


def bits_of(model: nn.Module) -> list[int]:
    forms = [form for form in model.modules() if isinstance(form, FixedPoint)]
    return [(form.most + 1).bit_length() for form in forms]


@pytest.mark.parametrize("bits", BITS)
def test_fixed_point_is_off_by_half_a_step(bits):
    weight = torch.randn(5, 3, 2) * torch.tensor([1.0, 1e-3, 7.0, 0.0, 1e4]).view(5, 1, 1)
    form = FixedPoint(bits)
    coarse, fine, step = form.right_inverse(weight)
    assert step.shape == (5, 1, 1)
    assert (coarse.dtype, fine.dtype) == (torch.int8, torch.int8)
    largest = weight.abs().amax((1, 2), keepdim=True)
    assert (step <= largest / form.most * 1.02 + 1e-30).all()  # no bit is given away
    assert ((form(coarse, fine, step) - weight).abs() <= step / 2 * 1.001).all()


def test_a_vector_has_one_step():
    _, _, step = FixedPoint(8).right_inverse(torch.randn(50))
    assert step.shape == (1,)


def toy() -> tuple[nn.Sequential, torch.Tensor]:
    return nn.Sequential(nn.Linear(32, 64), nn.Linear(64, 32)), torch.randn(16, 32)


@pytest.mark.parametrize("gain", [10, 1000])
def test_as_few_bits_as_the_pictures_allow(gain):
    model, x = toy()
    exact = gain * model(x)
    narrow(model, lambda: gain * model(x))
    error = (gain * model(x) - exact).abs().max()
    assert 0 < error < MOST_LEVELS
    assert len(bits_of(model)) == 2  # the biases are small
    assert (max(bits_of(model)) == 8) == (gain == 10)


def test_no_number_of_bits_is_enough():
    model, x = toy()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    narrow(model, lambda: 1e9 * model(x))
    assert bits_of(model) == []
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)
