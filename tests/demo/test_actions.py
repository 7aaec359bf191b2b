import io

import numpy as np
import pytest
import torch
from PIL import Image

from demo import actions, pictures
from demo.actions import Endpoint
from demo.class_names import ANY, SAME


def label_shown(image: torch.Tensor) -> int:
    """The label that the mock model painted into the right half."""
    return round((image[0, 0, -1].item() / 127.5 - 1) * 10)


def test_image_i_belongs_to_seed_i_whatever_the_count(mock_checkpoint):
    checkpoint = mock_checkpoint()
    few, many = (actions.sample(checkpoint, ANY, n, seed=5).images for n in (3, 12))
    assert torch.equal(few, many[:3])
    assert torch.equal(many, checkpoint.model.sample(12, seed=5))
    assert not torch.equal(many, actions.sample(checkpoint, ANY, 12, seed=6).images)


def test_a_class_is_drawn_and_any_leaves_it_to_the_seed(mock_checkpoint):
    checkpoint = mock_checkpoint()
    assert {label_shown(i) for i in actions.sample(checkpoint, "7", 9).images} == {7}
    assert len({label_shown(i) for i in actions.sample(checkpoint, ANY, 64).images}) == 10


def test_truncation_zero_leaves_one_image_a_class(mock_checkpoint):
    images = actions.sample(mock_checkpoint(), "3", 5, truncation=0.0).images
    assert (images == images[0]).all()
    assert not (actions.sample(mock_checkpoint(), "3", 5).images == images).all()


def test_a_model_without_classes_ignores_the_choice_and_says_so(mock_checkpoint):
    checkpoint = mock_checkpoint(num_classes=0)
    chosen, free = (actions.sample(checkpoint, chosen, 4) for chosen in ("7", ANY))
    assert torch.equal(chosen.images, free.images)
    assert "ignores the choice" in chosen.caption
    assert "ignores" not in free.caption


def test_a_class_that_the_model_does_not_know_is_told_of(mock_checkpoint):
    assert "does not know “boot”" in actions.sample(mock_checkpoint(), "boot", 4).caption


def test_the_caption_names_what_is_seen(mock_checkpoint):
    assert actions.sample(mock_checkpoint(), ANY, 16, 3).caption == "mock: images 0–15 of seed 3"
    assert actions.sample(mock_checkpoint(), ANY, 1, 3).caption == "mock: image 0 of seed 3"


@pytest.mark.parametrize("unknown", ["start", "end"])
def test_an_unknown_class_is_told_of_at_either_end(mock_checkpoint, unknown):
    start, end = (Endpoint(0, "boot" if unknown == which else "3") for which in ("start", "end"))
    caption = actions.interpolate(mock_checkpoint(), start, end, 2).caption
    assert caption.endswith("does not know “boot” and lets the seed choose.")


@pytest.mark.parametrize("path", ["spherical", "linear"])
@pytest.mark.parametrize("steps", [2, 7])
def test_an_interpolation_meets_the_samples_of_its_ends(mock_checkpoint, path, steps):
    checkpoint = mock_checkpoint()
    ends = Endpoint(3, "1"), Endpoint(4, "8")
    drawn = actions.interpolate(checkpoint, *ends, steps, path, truncation=0.9)
    assert len(drawn.frames) == steps
    for frame, end in zip((drawn.frames[0], drawn.frames[-1]), ends, strict=True):
        image = actions.sample(checkpoint, end.chosen, 1, end.seed, truncation=0.9).images[0]
        assert (frame.int() - image.int()).abs().max() <= 1  # slerp's rounding


def test_both_sides_get_the_same_ends(mock_checkpoint):
    one, other = mock_checkpoint(), mock_checkpoint(name="other")
    ends = Endpoint(0), Endpoint(1, SAME)
    assert torch.equal(
        actions.interpolate(one, *ends).frames, actions.interpolate(other, *ends).frames
    )


def test_paths_differ_between_the_ends(mock_checkpoint):
    ends = Endpoint(0), Endpoint(1, SAME)
    curved, straight = (
        actions.interpolate(mock_checkpoint(), *ends, 9, path).frames
        for path in ("spherical", "linear")
    )
    assert not torch.equal(curved[1:-1], straight[1:-1])


def test_the_class_changes_half_way(mock_checkpoint):
    frames = actions.interpolate(mock_checkpoint(), Endpoint(0, "2"), Endpoint(1, "9"), 6).frames
    assert [label_shown(frame) for frame in frames] == [2, 2, 2, 9, 9, 9]


def test_same_keeps_the_class_of_the_start(mock_checkpoint):
    checkpoint = mock_checkpoint()
    for start in (Endpoint(0, "2"), Endpoint(0)):
        drawn = actions.interpolate(checkpoint, start, Endpoint(1, SAME), 6)
        (label,) = {label_shown(frame) for frame in drawn.frames}
        assert label == label_shown(actions.sample(checkpoint, start.chosen, 1, 0).images[0])


def test_the_picture_is_the_images_enlarged_without_blur(mock_checkpoint):
    drawn = actions.sample(mock_checkpoint(), ANY, 5)
    pixels = np.asarray(drawn.picture)
    columns, gap = 3, 2
    scale = drawn.picture.width // (columns * (4 + gap) + gap)
    small = pixels[::scale, ::scale]
    assert np.array_equal(small.repeat(scale, 0).repeat(scale, 1), pixels)
    assert np.array_equal(small[gap : gap + 4, gap : gap + 4], drawn.images[0, 0].numpy())
    second_row = small[2 * gap + 4 : 2 * gap + 8]
    assert np.array_equal(second_row[:, 2 * gap + 4 : 2 * gap + 8], drawn.images[4, 0].numpy())


@pytest.mark.parametrize("channels", [1, 3])
def test_the_animation_runs_there_and_back_without_loss(channels):
    frames = torch.arange(4).mul(60).to(torch.uint8)[:, None, None, None].repeat(1, channels, 8, 8)
    frames[:, 0, 0, 0] = 255
    with Image.open(io.BytesIO(pictures.animation(frames))) as moving:
        assert moving.n_frames == 6
        assert moving.info["loop"] == 0
        for number, expected in enumerate([0, 1, 2, 3, 2, 1]):
            moving.seek(number)
            shown = np.asarray(moving.convert("L" if channels == 1 else "RGB"))
            scale = shown.shape[0] // 8
            wanted = frames[expected].permute(1, 2, 0).numpy().squeeze()
            assert np.array_equal(shown[::scale, ::scale], wanted)
            assert moving.info["duration"] == (500 if expected in (0, 3) else 200)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 64, 48), (3, 4, 9)])
@pytest.mark.parametrize("count", [1, 2, 16, 64])
def test_pictures_of_every_size_are_large_enough_for_their_place(shape, count):
    """The page shows all in one width: a smaller one would be blown up and blurred there."""
    images = torch.randint(0, 255, (count, *shape), dtype=torch.uint8)
    for picture in (pictures.sheet(images), pictures.film_strip(images)):
        assert max(picture.size) >= pictures.PICTURE_WIDTH
        assert picture.mode == ("L" if shape[0] == 1 else "RGB")
    with Image.open(io.BytesIO(pictures.animation(images))) as moving:
        assert max(moving.size) >= pictures.ANIMATION_WIDTH


def test_two_steps_make_an_animation_too():
    frames = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 8, 8)
    with Image.open(io.BytesIO(pictures.animation(frames))) as moving:
        assert moving.n_frames == 2


def test_the_film_strip_is_read_row_by_row():
    frames = torch.arange(16, dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 4, 4)
    strip = pictures.film_strip(frames)
    assert strip.width > 3 * strip.height
    scale = strip.width // (8 * 6 + 2)
    corners = np.asarray(strip)[3 * scale :: 6 * scale, 3 * scale :: 6 * scale]
    assert corners.flatten().tolist() == list(range(16))


def test_the_dice_falls_on_many_sides():
    assert len({actions.new_seed() for _ in range(20)}) > 10
