"""The shipped checkpoints draw what they always drew: a change of the code that changes pictures is
seen here, whatever else it passes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from duet.core.pixels import to_pil
from duet.store.checkpoint import shipped_names


@pytest.fixture(scope="module")
def golden():
    """The module golden.py; tests are no package to import it from."""
    spec = importlib.util.spec_from_file_location("golden", Path(__file__).with_name("golden.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", shipped_names())
def test_pictures_are_the_golden_ones(golden, name):
    stored = np.asarray(Image.open(golden.FOLDER / f"{name}.png")).astype(int)
    drawn = np.asarray(to_pil(golden.row(name)))
    assert stored.shape == drawn.shape
    assert np.abs(stored - drawn).max() <= 1
