"""In what arithmetic to train: bfloat16 where the hardware has it, else float32."""

import os
from typing import Literal, cast

import torch

Precision = Literal["float32", "bfloat16"]
# What torch.cpu.get_capabilities calls them. A CPU with neither emulates bfloat16, and trains 15 to
# 20 times slower in it than in float32 (docs/log.md).
CPU_HAS_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def pick_precision(name: str, device: torch.device) -> Precision:
    """Resolve "auto" for a device: "bfloat16" where it pays, or where accelerate's launcher was
    asked for it, else "float32"."""
    if name != "auto":
        return cast(Precision, name)
    if os.environ.get("ACCELERATE_MIXED_PRECISION") == "bf16":
        return "bfloat16"
    return "bfloat16" if has_bfloat16(device) else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return any(capabilities.get(name, False) for name in CPU_HAS_BFLOAT16)
