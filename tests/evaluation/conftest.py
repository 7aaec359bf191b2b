import pytest

from duet.store.checkpoint import save
from duet.store.config import DataRecord
from evaluation import reference as reference_module
from evaluation import report
from evaluation.reference import build, open_reference


@pytest.fixture
def reference(toy_data, extractor, tmp_path, monkeypatch):
    """The toy data's reference, in a folder of its own."""
    for module in (reference_module, report):
        monkeypatch.setattr(module, "FOLDER", tmp_path / "reference")
    build(toy_data, extractor)
    return open_reference("toy", extractor)


@pytest.fixture
def folder(tmp_path, tiny_gan, toy_data):
    """A checkpoint that claims to be trained on the toy data."""
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    return path
