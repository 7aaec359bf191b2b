"""Arguments as a caller gives them, checked at the door."""

import operator
from typing import Any

from duet.core.errors import ArgumentError


def whole(name: str, value: Any, low: int, high: int, limits: str = "") -> int:
    """`value` as an int in low..high, else ArgumentError: 9.9 is not 9, and True is not 1."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        wanted = limits or f"{low}..{high}"
        raise ArgumentError(f"{name} must be a whole number in {wanted}, not {value!r:.40}")
    return number
