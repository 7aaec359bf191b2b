"""One picture, as odd as they come: what its pixels become."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from duet.core.errors import DuetError
from duet.data import DataError
from duet.data.decode import Decoding, Look, PictureError, decode, look, strict_pillow


@pytest.fixture(autouse=True)
def _strict():
    with strict_pillow():
        yield


def halves(width=16, height=16, left=(255, 0, 0), right=(0, 0, 255)):
    picture = Image.new("RGB", (width, height), left)
    picture.paste(right, (width // 2, 0, width, height))
    return picture


def test_a_picture_of_the_right_size_keeps_its_pixels(noise, as_bytes):
    picture = noise(1, 16, 16)
    assert np.array_equal(decode(as_bytes(picture), 16, 3), np.asarray(picture).transpose(2, 0, 1))
    grey = decode(as_bytes(picture), 16, 1)
    assert np.array_equal(grey[0], np.asarray(picture.convert("L")))


def test_the_centred_square_is_kept(as_bytes):
    wide = Image.new("L", (40, 16), 0)
    wide.paste(200, (12, 0, 28, 16))
    assert (decode(as_bytes(wide), 16, 1) == 200).all()
    assert (decode(as_bytes(wide.transpose(Image.Transpose.ROTATE_90)), 8, 1) == 200).all()


def test_resizing_is_antialiased(as_bytes):
    """Stripes one pixel wide become grey; without antialiasing they would become black or white."""
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    small = decode(as_bytes(Image.fromarray(stripes)), 8, 1)
    assert (abs(small.astype(int) - 127.5) < 6).all()


def test_a_cameras_orientation_is_obeyed(as_bytes):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left becomes top
    turned = decode(as_bytes(halves(), "JPEG", exif=exif, quality=100), 16, 3)
    assert turned[0, 1].mean() > 200 > 50 > turned[2, 1].mean()
    assert turned[2, -2].mean() > 200 > 50 > turned[0, -2].mean()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_what_is_transparent_shows_white(as_bytes, mode):
    picture = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    picture.paste((0, 0, 0, 255), (0, 0, 8, 16))
    pixels = decode(as_bytes(picture.convert(mode)), 16, 3)
    assert (pixels[:, :, :8] == 0).all()
    assert (pixels[:, :, 8:] == 255).all()


def test_a_palettes_transparency_shows_white(as_bytes):
    """Such are the emoji: the palette's colour behind the transparency is junk."""
    picture = Image.new("P", (16, 16), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    picture.paste(0, (0, 0, 8, 16))
    pixels = decode(as_bytes(picture, transparency=bytes([255, 0])), 16, 3)
    assert pixels[:, 4, 4].tolist() == [255, 0, 0]
    assert pixels[:, 4, 12].tolist() == [255, 255, 255]


def test_sixteen_bits_become_eight(as_bytes):
    values = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    assert decode(as_bytes(Image.fromarray(values)), 16, 1).ravel().tolist() == list(range(256))


def test_a_level_of_sixteen_bits_that_is_transparent_shows_white(as_bytes):
    values = np.full((16, 16), 20_000, np.uint16)
    values[:, 8:] = 100
    content = as_bytes(Image.fromarray(values))
    level = b"tRNS" + (100).to_bytes(2, "big")
    chunk = b"\0\0\0\2" + level + zlib.crc32(level).to_bytes(4, "big")
    header = 8 + 25  # signature, IHDR
    pixels = decode(content[:header] + chunk + content[header:], 16, 1)
    assert (pixels[0, :, 0].tolist(), pixels[0, :, 15].tolist()) == ([78] * 16, [255] * 16)


def test_wide_numbers_of_unknown_range_are_refused(as_bytes):
    picture = Image.fromarray(np.full((16, 16), 70_000, np.int32))
    with pytest.raises(PictureError, match="unknown range"):
        decode(as_bytes(picture, "TIFF"), 16, 1)
    with pytest.raises(PictureError, match="unknown range"):
        decode(as_bytes(Image.fromarray(np.ones((16, 16), np.float32)), "TIFF"), 16, 1)


def test_cmyk_becomes_rgb(as_bytes):
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    pixels = decode(as_bytes(cyan, "JPEG", quality=100), 16, 3)
    assert pixels[0].max() < 20 < 200 < pixels[1].min()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(as_bytes, format):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if format == "WEBP" else {}
    content = as_bytes(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert decode(content, 16, 3)[:, 8, 8].tolist() == [255, 0, 0]


def test_a_large_photograph_is_still_resized_well(as_bytes):
    """JPEG's own shrinking may help, but must not show."""
    large = halves(1600, 1200)
    small = decode(as_bytes(large, "JPEG", quality=95), 32, 3).astype(int)
    assert abs(small[0, :, :14] - 255).max() < 8
    assert abs(small[2, :, 18:] - 255).max() < 8


def test_a_photograph_of_a_few_times_the_size_is_decoded_whole(noise, as_bytes):
    content = as_bytes(noise(1, 96, 96), "JPEG")
    whole = Image.open(io.BytesIO(content)).resize((32, 32), Image.Resampling.BICUBIC)
    assert np.array_equal(decode(content, 32, 3).transpose(1, 2, 0), np.asarray(whole))


@pytest.mark.parametrize(("content", "said"), [
    (b"", "not a picture"), (b"some text", "not a picture"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
])
def test_what_is_no_picture_is_refused(content, said):
    for work in (look, lambda content: decode(content, 16, 3)):
        with pytest.raises(PictureError, match=said):
            work(content)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_truncated_picture_is_refused(noise, as_bytes, format):
    whole = as_bytes(noise(1, 64, 64), format)
    with pytest.raises(PictureError, match=r"damaged|not a picture"):
        decode(whole[: len(whole) * 2 // 3], 16, 3)


@pytest.mark.parametrize(("size", "said"), [
    ((1, 1), "of 1×1 pixels, less than 8 a side"), ((7, 99), "of 7×99 pixels"),
    ((20_000, 20_000), "of more than 89,478,485 pixels"),
    ((10_000, 9_000), "of more than 89,478,485 pixels"),
])
def test_sizes_that_cannot_be_used_are_refused_by_the_header(as_bytes, size, said):
    small = as_bytes(Image.new("1", (8, 8)), "PNG")
    header = b"IHDR" + b"".join(side.to_bytes(4, "big") for side in size) + b"\x01\0\0\0\0"
    content = small[:12] + header + zlib.crc32(header).to_bytes(4, "big") + small[33:]
    for work in (look, lambda content: decode(content, 16, 3)):
        with pytest.raises(PictureError, match=said):
            work(content)


@pytest.mark.parametrize(("sides", "size"), [
    ([10], 28), ([27, 28, 28], 28), ([31, 31, 500], 28), ([32], 32), ([72] * 5, 64), ([63], 48),
    ([4000, 3000, 20], 64),
])
def test_the_size_suits_the_pictures(sides, size):
    looks = [Look(side + 5, side, "RGB") for side in sides]
    assert Decoding().settle(looks) == (size, 3)
    assert Decoding(40).settle(looks) == (40, 3)


@pytest.mark.parametrize(("modes", "channels"), [
    (["L", "1", "LA", "I;16"], 1), (["L", "RGB"], 3), (["P"], 3), (["CMYK"], 3),
])
def test_the_colour_suits_the_pictures(modes, channels):
    looks = [Look(32, 32, mode) for mode in modes]
    assert Decoding().settle(looks) == (32, channels)
    assert Decoding(colour="grey").settle(looks) == (32, 1)
    assert Decoding(colour="rgb").settle(looks) == (32, 3)


@pytest.mark.parametrize("wrong", [
    {"image_size": 30}, {"image_size": 4}, {"image_size": 4096}, {"image_size": 32.0},
    {"colour": "green"},
])
def test_settings_that_cannot_be_are_named(wrong):
    with pytest.raises(DuetError, match="^" + next(iter(wrong))):
        Decoding(**wrong)
    assert issubclass(DataError, DuetError)
