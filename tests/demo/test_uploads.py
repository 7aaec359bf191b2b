"""Pictures that are handed in, of every kind, and what is no picture."""

import base64
import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from demo import uploads
from demo.uploads import UploadError
from duet.data import decode as files


def content(kind: str = "PNG", size=(12, 8), mode: str = "RGB", **options) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_a_file_in_memory_becomes_a_models_pixels_as_the_library_reads_them(kind, shape):
    file = content(kind)
    image = uploads.decode(file, shape)
    assert (tuple(image.shape), image.dtype) == (shape, torch.uint8)
    assert image.numpy().tolist() == files.decode(file, shape[1], shape[0]).tolist()


def test_a_text_is_the_same_file():
    file = content()
    text = base64.b64encode(file).decode()
    lines = base64.encodebytes(file).decode()
    assert "\n" in lines
    for sent in (text, f"data:image/png;base64,{text}", lines):
        assert uploads.decode(sent, (1, 28, 28)).equal(uploads.decode(file, (1, 28, 28)))


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it has so many pixels."""
    parts = {b"IHDR": struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0), b"IDAT": b"x"}
    chunks = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a picture"), (b"%PDF-1.4", "not a picture"), (b"x" * 5_000_000, "4 MB"),
        ("A" * 6_000_000, "4 MB"), ("/etc/passwd", "base64"), ("", "base64"), ("é", "base64"),
        ("data:image/png;base64,", "base64"), ("data:x", "base64"), (None, "no file object"),
        ({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, "no file object"),
        (["x"], "no file object"), (1, "no file object"), (content()[:60], "damaged"),
        (content(size=(5, 40)), "less than 8 a side"), (bomb(6000, 6000), "25,000,000 pixels"),
        (bomb(60_000, 60_000), "pixels"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(data, words):
    with pytest.raises(UploadError, match=words):
        uploads.decode(data, (1, 28, 28))


@pytest.mark.parametrize("shape", [(1, 28, 32), (4, 28, 28)])
def test_a_model_of_no_square_pictures_takes_none(shape):
    with pytest.raises(UploadError, match="no picture"):
        uploads.decode(content(), shape)
