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
    assert torch.equal(step, (largest / form.most * (257 / 256)).bfloat16().float())
    assert ((form(coarse, fine, step) - weight).abs() <= step / 2 * 1.001).all()


@pytest.mark.parametrize("bits", BITS)
def test_every_whole_number_fits_its_two_halves(bits):
    """Of either sign, up to the largest and not beyond; a row of zeros is zeros."""
    form = FixedPoint(bits)
    row = torch.arange(-form.most, form.most + 1.0)
    weight = torch.stack([row * scale for scale in (*torch.rand(20), 0)])
    coarse, fine, step = form.right_inverse(weight)
    whole = 256 * coarse.int() + fine.int()
    assert form.most == 2 ** (bits - 1) - 1
    assert 0.99 * form.most < whole.abs().max() <= form.most
    assert whole[-1].eq(0).all()
    assert step.dtype == torch.float32
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
    narrow(model, [lambda: gain * model(x)])
    error = (gain * model(x) - exact).abs().max()
    assert 0 < error < MOST_LEVELS
    assert len(bits_of(model)) == 2  # the biases are small
    assert (max(bits_of(model)) == 8) == (gain == 10)


class Spy(nn.Module):
    """A tensor and, by its bits (None: as it was), how many levels the picture then moves."""

    def __init__(self, errors):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(32, 32))
        self.errors, self.tried = errors, []

    def draw(self):
        (bits,) = bits_of(self) or [None]
        self.tried.append(bits)
        return torch.tensor([0, -self.errors.get(bits, 0)], dtype=torch.float64)


@pytest.mark.parametrize(
    ("errors", "tried", "bits"),
    [
        ({8: 0.23}, [None, 8], 8),
        ({8: 0.94, 9: 0.2}, [None, 8, 9, 8], 8),
        ({8: 0.95, 9: 0.94, 10: 0.2375, 11: 0.2374}, [None, 8, 9, 10, 11, 8, 9], 9),
        ({8: 9, 9: 8, 10: 7, 11: 6, 12: 0.2}, [None, *range(8, 13), *range(8, 12)], 12),
    ],
)
def test_first_fine_enough_then_as_coarse_as_may_be(errors, tried, bits):
    """The whole may move the picture by 0.95 levels, the first step by a quarter of that."""
    model = Spy(errors)
    narrow(model, [model.draw])
    assert model.tried == tried
    assert bits_of(model) == [bits]
    assert MOST_LEVELS < 1  # two roundings never lie two levels apart


class Layers(nn.Module):
    """Three tensors, the largest first; a draw moves by what `errors[draw]` says of their bits."""

    def __init__(self, *errors):
        super().__init__()
        self.weights = nn.ModuleList(nn.Linear(32, size, bias=False) for size in (96, 64, 32))
        self.errors, self.tried = errors, []

    def draw(self, number):
        bits = bits_of(self)
        self.tried.append(number)
        return torch.tensor([self.errors[number](*bits) if bits else 0.0])


def test_one_draw_judges_and_what_is_too_coarse_for_another_is_made_fine_from_the_smallest():
    """10 bits are fine; the first draw moves more there, and lets all have 9."""
    model = Layers(
        lambda *bits: 0.2 if min(bits) >= 10 else 0.5 if min(bits) >= 9 else 2,
        lambda *bits: 0.1 if min(bits) >= 10 else 0.9 if min(bits[1:]) >= 10 else 5,
    )
    narrow(model, [lambda: model.draw(0), lambda: model.draw(1)])
    assert bits_of(model) == [9, 10, 10]
    #                         exact 8  9  10    8  9  8  9  8  9  then the other
    assert model.tried == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1]


def test_the_largest_is_narrowed_first():
    """Where only one may be coarse."""
    model = nn.ModuleDict({"small": nn.Linear(32, 64), "large": nn.Linear(64, 64)})
    for layer in model.values():
        layer.weight.data.flatten()[0] = 1
    exact = {name: layer.weight.clone() for name, layer in model.items()}

    def draw():
        errors = [(layer.weight - exact[name]).abs().max() for name, layer in model.items()]
        return 200 * sum(errors).view(1)

    narrow(model, [draw])
    (small,), (large,) = (bits_of(layer) for layer in model.values())
    assert large < small


def test_what_is_small_or_no_weight_stays_as_it_is():
    model = nn.Module()
    for name, tensor in {
        "at_the_bound": torch.randn(32, 32), "small": torch.randn(31, 33),
        "counts": torch.arange(2000),
    }.items():
        model.register_buffer(name, tensor)
    outer = nn.Sequential(model)
    narrow(outer, [lambda: torch.zeros(1)])
    assert bits_of(outer) == [8]
    assert dict(model.named_buffers(recurse=False)).keys() == {"small", "counts"}
    assert model.counts.dtype == torch.int64


def test_no_number_of_bits_is_enough():
    model, x = toy()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    narrow(model, [lambda: 1e9 * model(x)])
    assert bits_of(model) == []
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)
