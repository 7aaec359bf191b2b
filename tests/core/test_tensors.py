"""Files of tensors."""

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from duet.core import tensors
from duet.core.tensors import TensorFileError, load_tensors, misfits, save_tensors


def test_tensors_come_back_whatever_they_were(tmp_path):
    given = {
        "parameter": torch.nn.Parameter(torch.randn(2, 3)),
        "transposed": torch.arange(6).view(2, 3).T,
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    }
    save_tensors(tmp_path / "a", given, {"kind": "ü"})
    found, about = load_tensors(tmp_path / "a")
    assert about == {"kind": "ü"}
    assert found.keys() == given.keys()
    assert all(torch.equal(found[key], given[key]) for key in given)
    save_tensors(tmp_path / "a", {"other": torch.ones(1)})
    assert load_tensors(tmp_path / "a") == ({"other": torch.ones(1)}, {})


@pytest.mark.parametrize(
    ("texts", "said"),
    [({"about": "[1]"}, "its texts are no JSON object"), ({"about": "{"}, "is not JSON")],
)
def test_texts_of_another_form_are_refused(tmp_path, texts, said):
    save_file({"a": torch.ones(1)}, tmp_path / "a", metadata=texts)
    with pytest.raises(TensorFileError, match=rf"a cannot be read: .*{said}"):
        load_tensors(tmp_path / "a")


def test_what_cannot_be_read_or_written_is_named(tmp_path, monkeypatch):
    def full(plain, scratch, metadata):
        scratch.write_bytes(b"half")
        raise SafetensorError("no space left")

    (tmp_path / "b").write_bytes(b"\x80\x04 no table of tensors")
    for name in ("a", "b"):
        with pytest.raises(TensorFileError, match=f"{name} cannot be read"):
            load_tensors(tmp_path / name)
    (tmp_path / "b").unlink()
    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(TensorFileError, match="a cannot be written: no space left"):
        save_tensors(tmp_path / "a", {"t": torch.ones(1)})
    assert list(tmp_path.iterdir()) == []


def test_misfits_of_either_side_and_of_both():
    two = torch.ones(2)
    left = {"z": torch.ones(1), "same": two, "shape": two, "type": two}
    right = {
        "a": torch.ones(1), "same": torch.zeros(2), "shape": torch.ones(3),
        "type": torch.ones(2, dtype=torch.int64),
    }
    assert misfits(left, right) == ["a", "shape", "type", "z"]
    assert misfits(right, left) == ["a", "shape", "type", "z"]
    assert misfits(left, left) == []
