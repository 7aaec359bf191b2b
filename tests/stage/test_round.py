"""The quiz without its page: rounds by seed, Wilson's interval, the verdict."""

import json
from collections import Counter

import pytest


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/round.mjs", root / "demo/stage"))


def test_a_seed_is_a_round(found):
    """A teacher's link gives everyone the same ten; other seeds give others."""
    assert found["again"] == found["rounds"][7] != found["rounds"][8]
    assert {len(questions) for questions in found["rounds"]} == {found["count"]} == {10}


def test_makers_are_equally_likely_and_no_real_picture_comes_twice(found):
    asked = [q for questions in found["rounds"] for q in questions]
    shares = Counter(q["maker"] for q in asked)
    assert shares.keys() == {0, 1, 2}
    assert all(abs(count / len(asked) - 1 / 3) < 0.03 for count in shares.values())
    for questions in found["rounds"]:
        real = [q["index"] for q in questions if q["maker"] == 0]
        assert len(set(real)) == len(real)
        assert all(q["index"] == i for i, q in enumerate(questions) if q["maker"])
    assert {q["index"] for q in asked if q["maker"] == 0} == set(range(12))
    assert set(found["two"]) == {0, 1}


def test_the_interval_is_wilsons(found):
    """Against published values (Newcombe, 1998, method 3: 81 of 263) and by hand at the ends."""
    none, half, everything, newcombe = found["wilson"]
    assert newcombe == pytest.approx([0.2553, 0.3662], abs=5e-5)
    assert none == pytest.approx([0, 0.2775], abs=1e-4)
    assert half == pytest.approx([0.2366, 0.7634], abs=1e-4)
    assert everything == pytest.approx([1 - none[1], 1])


def test_the_verdict_compares_the_interval_with_chance(found):
    assert found["verdicts"] == ["worse", "guessing", "better", "better"]
    assert found["worse"] == "worse"
