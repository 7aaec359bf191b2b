"""A picture there and back: by an encoder, by a search, and the way between two."""

import re

import pytest
import torch

import duet
from demo import facts, reconstruction
from demo.reconstruction import interpolate, reconstruct
from duet.core import latents
from duet.core.errors import ArgumentError
from duet.models import ModelError
from duet.models.nearest import search


@pytest.fixture(scope="module")
def vae():
    return duet.load("mnist-vae").model


@pytest.fixture(scope="module")
def drawn(vae):
    """Pictures of three classes, which are not 0, and their labels."""
    z, _ = latents.draw(5, range(3), vae.latent_dim, 0)
    labels = torch.tensor([7, 3, 9])
    return vae.render(z, labels), labels


def test_an_encoder_answers_at_once_with_its_own_picture_and_the_class(vae, drawn):
    for image, label in zip(*drawn, strict=True):
        (found,) = reconstruct(vae, image)
        assert found.label == label
        (given,) = reconstruct(vae, image, int(label))
        assert torch.equal(given.image, found.image)
        again = vae.render(found.z[None], torch.tensor([found.label]))[0]
        assert torch.equal(found.image, again)
        difference = found.image.double() - image.double()
        assert found.error == pytest.approx(difference.square().mean().sqrt().item())
        assert 0 < found.error < 20
        wanted = 10 * torch.log10(255**2 / difference.square().mean()).item()
        assert found.psnr == pytest.approx(wanted)
        assert (found.step, found.steps) == (1, 1)


def test_a_class_that_is_given_is_kept(vae, drawn):
    (found,) = reconstruct(vae, drawn[0][0], 2)
    assert found.label == 2
    (found_anyway,) = reconstruct(vae, drawn[0][0])
    assert found.error > found_anyway.error


def test_the_same_picture_has_no_ratio():
    image = torch.zeros(1, 4, 4, dtype=torch.uint8)
    same = reconstruction.Reconstruction(image, image, torch.zeros(2), 0)
    assert (same.error, same.psnr) == (0, None)


def test_a_model_without_an_encoder_is_searched(tiny_gan):
    image = tiny_gan.sample(1, seed=5)[0]
    parts = list(reconstruct(tiny_gan, image, steps=6, seed=2))
    wanted = list(search(tiny_gan, image, steps=6, seed=2))
    assert [part.step for part in parts] == [1, 2, 3, 4, 5, 6]
    for part, best in zip(parts, wanted, strict=True):
        assert torch.equal(part.z, best.z)
        assert torch.equal(part.image, best.image)
        assert part.error == pytest.approx(best.errors[-1])
        assert (part.label, part.steps) == (best.label, 6)


def test_the_way_between_two_pictures_meets_their_reconstructions(vae, drawn):
    (start,), (end,) = (reconstruct(vae, image) for image in drawn[0][:2])
    frames = interpolate(vae, start, end, 5)
    assert torch.equal(frames[0], start.image)
    assert torch.equal(frames[-1], end.image)
    z = latents.slerp(start.z, end.z, 5)
    labels = torch.tensor([7, 7, 7, 3, 3])  # the end's from half-way on
    assert torch.equal(frames, vae.render(z, labels))


def test_an_unconditional_model_in_colour_reads_too(tiny_spatial_vae, tiny_vae):
    model = type(tiny_vae)(type(tiny_vae.config)((3, 8, 12), 0, 5, width=4, depth=1, flow_layers=2))
    image = model.eval().sample(1, seed=3)[0]
    (found,) = reconstruct(model, image)
    assert found.label == 0
    assert found.image.shape == (3, 8, 12)
    (found,) = reconstruct(tiny_spatial_vae, tiny_spatial_vae.sample(1, seed=3)[0])
    assert 0 <= found.label < 5


def test_of_very_many_classes_only_so_many_are_tried(tiny_vae, monkeypatch):
    asked, encode = [], tiny_vae.encode
    monkeypatch.setattr(tiny_vae, "encode", lambda x, y: asked.append(len(y)) or encode(x, y))
    monkeypatch.setattr(reconstruction, "MOST_LABELS", 4)
    (found,) = reconstruct(tiny_vae, tiny_vae.sample(1, seed=3)[0])
    assert asked == [4]
    assert found.label < 4


@pytest.mark.parametrize("kind", ["tiny_gan", "tiny_vae"])
@pytest.mark.parametrize(
    ("image", "label", "words"),
    [
        (torch.zeros(1, 28, 27, dtype=torch.uint8), None, r"uint8 \[1, 28, 28\]"),
        (torch.zeros(1, 28, 28), None, r"uint8 \[1, 28, 28\]"),
        (torch.zeros(1, 28, 28, dtype=torch.uint8), 10, "label 10"),
    ],
)
def test_what_cannot_be_reconstructed_is_refused_at_the_call(request, kind, image, label, words):
    with pytest.raises(ModelError, match=words):
        reconstruct(request.getfixturevalue(kind), image, label)


def test_steps_are_bounded(tiny_gan):
    with pytest.raises(ArgumentError, match="steps"):
        reconstruct(tiny_gan, torch.zeros(1, 28, 28, dtype=torch.uint8), steps=1001)


def test_the_browser_reads_by_the_same_rule():
    (found,) = re.findall(r"DEVIATION = (\d+);", (facts.STAGE / "reader.js").read_text())
    assert int(found) == reconstruction.DEVIATION
