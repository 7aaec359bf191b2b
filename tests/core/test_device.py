"""What the name of a device means, on a machine that has it or not."""

import pytest
import torch

from duet.core.device import pick_device
from duet.core.errors import DeviceError


@pytest.mark.parametrize(("has_cuda", "picked"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_cuda_where_there_is_one(monkeypatch, has_cuda, picked):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_cuda)
    assert pick_device("auto") == torch.device(picked)
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["meta", "abacus", ""])
def test_what_cannot_compute_is_refused(name):
    with pytest.raises(DeviceError, match=rf"^device {name} is not usable .*; try cpu$"):
        pick_device(name)


def test_a_build_without_cuda_says_so_in_its_own_way(monkeypatch):
    def refuse(*sizes, device):
        raise AssertionError("Torch not compiled with CUDA enabled\nat length")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(DeviceError, match=r"machine \(Torch not compiled with CUDA enabled\); try"):
        pick_device("cuda")
