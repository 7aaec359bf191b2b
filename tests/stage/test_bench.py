"""The bench's table: figures beside their goals."""

import pytest

pytest.importorskip("playwright")
from benchmarks import stage as bench


def test_what_misses_its_goal_is_marked():
    table = bench.table({
        bench.STATIC: {
            "first picture, ms": 501, "drag: frames a second": 58.9, "drag: requests": 0,
        },
        bench.APP: {"first picture, ms": 1500, "drag: frames a second": 60, "drift: minutes": 1},
    })
    assert table.splitlines() == [
        "| figure | goal | static site | app |",
        "| --- | --: | --: | --: |",
        "| first picture, ms | ≤ 500 / ≤ 1500 | 501 (missed) | 1500 |",
        "| drag: frames a second | ≥ 59 | 58.9 (missed) | 60 |",
        "| drag: requests | ≤ 0 | 0 | – |",
        "| drift: minutes |  | – | 1 |",
    ]
