"""The search for a latent: it finds what is there, does the same again, and ends."""

import pytest
import torch

import duet
from duet.core import latents
from duet.core.errors import ArgumentError
from duet.models import ModelError
from duet.models.nearest import CANDIDATES, STARTS, nearest, search


@pytest.fixture(scope="module")
def gan():
    return duet.load("mnist-gan").model


@pytest.fixture
def smooth_gan(tiny_gan):
    """Weights large enough that pictures differ from latent to latent."""
    for weight in tiny_gan.parameters():
        weight.data *= 2
    return tiny_gan.requires_grad_(False)


def test_a_picture_of_the_model_is_found_again_with_its_class(gan):
    """The best of 256 random latents is off by five times what the search leaves, or more."""
    image = gan.sample(1, seed=77)[0]
    _, label = latents.draw(77, [0], gan.latent_dim, gan.num_classes)
    found = nearest(gan, image, steps=60)
    assert found.label == label.item()
    assert found.errors[-1] < 0.4 * found.errors[0]
    again = gan.render(found.z[None], torch.tensor([found.label]))[0]
    assert torch.equal(again, found.image)
    error = (again.float() - image.float()).square().mean().sqrt()
    assert found.errors[-1] == pytest.approx(error.item())
    assert found.z.square().mean() < 1.5  # where the prior draws


def test_a_class_that_is_given_is_kept(smooth_gan):
    image = smooth_gan.sample(1, seed=5, label=3)[0]
    assert {part.label for part in search(smooth_gan, image, 8, steps=8)} == {8}


def test_the_same_arguments_find_the_same(smooth_gan):
    image = smooth_gan.sample(1, seed=5)[0]
    first, again = (nearest(smooth_gan, image, steps=8, seed=2) for _ in range(2))
    assert torch.equal(first.z, again.z)
    assert first.errors == again.errors
    assert not torch.equal(nearest(smooth_gan, image, steps=8, seed=3).z, first.z)


@pytest.mark.parametrize("steps", [1, 3, 8, 10])
def test_the_work_is_bounded(smooth_gan, monkeypatch, steps):
    image, counts = smooth_gan.sample(1, seed=5)[0], []
    decode = smooth_gan.decode

    def counted(z, labels):
        counts.append(len(z))
        return decode(z, labels)

    monkeypatch.setattr(smooth_gan, "decode", counted)
    parts = list(search(smooth_gan, image, steps=steps))
    assert [part.step for part in parts] == [*range(1, steps + 1)]
    assert all(len(part.errors) == part.step for part in parts)
    descent = [count for count in counts[1:] if count > 1]
    assert counts[0] == CANDIDATES
    assert len(descent) <= steps
    assert descent[0] <= STARTS
    assert descent == sorted(descent, reverse=True)


def test_the_search_comes_nearer(smooth_gan):
    image = smooth_gan.sample(1, seed=9)[0]
    errors = nearest(smooth_gan, image, steps=40).errors
    assert errors[-1] < errors[0]
    assert len(set(errors)) > 5


@pytest.mark.parametrize(
    ("image", "label", "options", "words"),
    [
        (torch.zeros(28, 28, dtype=torch.uint8), None, {}, r"uint8 \[1, 28, 28\].*\[28, 28\]"),
        (torch.zeros(1, 28, 27, dtype=torch.uint8), None, {}, r"\[1, 28, 27\]"),
        (torch.zeros(1, 28, 28), None, {}, "not float32"),
        (torch.zeros(1, 28, 28, dtype=torch.uint8), 10, {}, "label 10"),
        (torch.zeros(1, 28, 28, dtype=torch.uint8), None, {"steps": 0}, r"steps .*1\.\.1000"),
        (torch.zeros(1, 28, 28, dtype=torch.uint8), None, {"steps": 1001}, "steps"),
        (torch.zeros(1, 28, 28, dtype=torch.uint8), None, {"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_sought_is_refused_at_the_call(tiny_gan, image, label, options, words):
    with pytest.raises((ModelError, ArgumentError), match=words):
        search(tiny_gan, image, label, **options)
