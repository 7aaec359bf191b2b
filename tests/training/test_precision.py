"""Precision "auto": bfloat16 where the hardware multiplies in it, float32 elsewhere."""

import json

import pytest
import torch

from duet.core.files import read_json
from training.__main__ import main
from training.config import TrainingError
from training.precision import pick_precision

PLAIN, AVX512, AMX = ({"avx2": True}, {"avx2": True, "avx512_bf16": True}, {"amx_bf16": True})


@pytest.mark.parametrize(
    ("capabilities", "picked"),
    [(PLAIN, "float32"), (PLAIN | {"avx512_bf16": False}, "float32"),
     (AVX512, "bfloat16"), (AMX, "bfloat16")],
)
def test_a_cpu_without_bfloat16_trains_in_float32(monkeypatch, capabilities, picked):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert pick_precision("auto", torch.device("cpu")) == picked
    assert pick_precision("auto", torch.device("mps")) == "float32"


@pytest.mark.parametrize(("native", "picked"), [(True, "bfloat16"), (False, "float32")])
def test_a_gpu_that_only_emulates_it_trains_in_float32(monkeypatch, native, picked):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation: including_emulation or native
    )
    assert pick_precision("auto", torch.device("cuda")) == picked


def test_who_names_a_precision_gets_it(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: PLAIN)
    for name in ("float32", "bfloat16"):
        assert pick_precision(name, torch.device("cpu")) == name


def test_what_auto_came_to_is_recorded_and_compared(run, monkeypatch, capsys):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: PLAIN)
    folder = run("gan", "a", steps=2, precision="auto")
    assert read_json(folder / "run.json")["settings"]["precision"] == "float32"
    recorded = read_json(folder / "checkpoint" / "training.json")
    assert recorded["settings"]["precision"] == "float32"

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: AVX512)
    with pytest.raises(TrainingError, match="was trained with --precision float32"):
        run("gan", "a", steps=3, resume=True, precision="auto")
    run("gan", "a", steps=3, resume=True, precision="float32")

    assert main(["gan", "--dry-run", "--device", "cpu"]) == 0
    assert json.loads(capsys.readouterr().out)["precision"] == "bfloat16"
