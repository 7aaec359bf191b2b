"""Where models compute. On a ZeroGPU Space a GPU is lent for the length of a decorated call."""

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import spaces
except ImportError:
    spaces = None

import torch

Function = TypeVar("Function", bound=Callable[..., Any])

# Quota is checked against what is declared, not against what is used: keep it small.
SECONDS = 10
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def with_gpu(function: Function) -> Function:
    """`function`, run with a GPU where the `spaces` package lends one; itself elsewhere."""
    return spaces.GPU(duration=SECONDS)(function) if spaces else function
