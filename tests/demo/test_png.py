import io

import numpy as np
import pytest
from PIL import Image

from demo import png


def pictures(mode: str, count: int, size=(7, 5)) -> list[Image.Image]:
    shape = (count, size[1], size[0], *((3,) if mode == "RGB" else ()))
    values = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    return [Image.fromarray(value) for value in values]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_picture_comes_back_as_it_was(mode):
    (picture,) = pictures(mode, 1)
    with Image.open(io.BytesIO(png.still(picture))) as read:
        assert (read.format, read.mode, read.size) == ("PNG", mode, picture.size)
        assert read.tobytes() == picture.tobytes()


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_every_frame_comes_back_and_lasts_as_long(mode, count):
    frames, durations = pictures(mode, count), [40, 500, 60, 70][:count]
    with Image.open(io.BytesIO(png.animated(frames, durations))) as read:
        assert read.n_frames == count
        for index, frame in enumerate(frames):
            read.seek(index)
            assert read.convert(mode).tobytes() == frame.tobytes()
            assert count == 1 or read.info["duration"] == durations[index]
        assert read.info.get("loop", 0) == 0


def test_enlarged_pixels_are_small_files():
    (small,) = pictures("L", 1, (16, 16))
    large = small.resize((960, 960), Image.Resampling.NEAREST)
    assert len(png.still(large)) < 12_000
