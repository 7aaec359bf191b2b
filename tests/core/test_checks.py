"""What a caller may give where a whole number is wanted."""

import numpy as np
import pytest
import torch

from duet.core.checks import whole
from duet.core.errors import ArgumentError


@pytest.mark.parametrize("value", [0, 3, 5, np.int64(4), torch.tensor(4)])
def test_whole_numbers_within_the_limits_pass(value):
    found = whole("count", value, 0, 5)
    assert type(found) is int
    assert found == value


@pytest.mark.parametrize("value", [-1, 6, True, 3.0, "3", None, [3]])
def test_others_are_named_with_the_limits(value):
    with pytest.raises(ArgumentError, match=r"^count must be a whole number in 0\.\.5, not"):
        whole("count", value, 0, 5)
    with pytest.raises(ArgumentError, match="in the range, not"):
        whole("count", value, 0, 5, "the range")
