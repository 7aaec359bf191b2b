"""Pictures as people have them, made small: folders and zips of them, in a cache of their own."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Each test's own cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DUET_CACHE", str(folder))
    return folder


def make_noise(seed: int, width: int = 12, height: int = 12, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Image.fromarray(pixels).convert(mode)


def make_bytes(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@pytest.fixture
def noise() -> Callable[..., Image.Image]:
    """noise(seed, width, height, mode) -> a picture like no other."""
    return make_noise


@pytest.fixture
def as_bytes() -> Callable[..., bytes]:
    """as_bytes(picture, format, **options) -> the file that it would be."""
    return make_bytes


@pytest.fixture
def png() -> Callable[..., bytes]:
    """png(seed, width, height, mode) -> a PNG like no other."""
    return lambda *sizes, **options: make_bytes(make_noise(*sizes, **options))


@pytest.fixture
def folder(tmp_path) -> Callable[[dict[str, bytes]], Path]:
    """folder({"cat/1.png": bytes, "empty/": b""}, name="pets") -> a folder that holds them."""
    def make(files: dict[str, bytes], name: str = "pets") -> Path:
        root = tmp_path / name
        root.mkdir()
        for path, content in files.items():
            full = root / path
            if path.endswith("/"):
                full.mkdir(parents=True)
                continue
            full.parent.mkdir(parents=True, exist_ok=True)
            full.write_bytes(content)
        return root

    return make


@pytest.fixture
def write_zip() -> Callable[[Path, dict[str, bytes]], Path]:
    """write_zip(path, files) -> the path of a zip that holds them."""
    def write(path: Path, files: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return write
