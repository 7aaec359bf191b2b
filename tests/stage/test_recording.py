"""The recorded drift: which frame shows a place, and where it ends."""

import json

import pytest


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/recording.mjs", root / "demo/stage"))


def test_a_place_on_the_way_has_a_frame_and_none_beside_it(found):
    assert found["frames"] == [0, 1, 40, 95, None, None]
    assert found["beside"] is None
    assert found["velocity"] == pytest.approx([0.288, 0.12])


def test_it_turns_at_either_end(found):
    assert found["leaves"] == [True, False, True, False, False]


def test_a_frame_is_cut_from_the_sheet_once_that_is_there(found):
    assert found["shown"] == [False, False, True]
    assert found["asked"] == ["http://host/toy.png"]
    assert found["drawn"] == [[56, 0, 28, 28, 0, 0, 28, 28]]
    assert found["size"] == [28, 28]
