"""The stage's address, and the class that it chooses."""

import json

import pytest

from duet.core import latents


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/state.mjs", root / "demo/stage"))


def test_an_address_names_a_class_and_one_of_old_a_digit(found):
    four, old, both, name, none = found["read"]
    assert four == old == ["4", "4"]
    assert both == ["5", "5"]
    assert name == ["Red cap", "Red cap"]
    assert none == [None, None]


def test_an_address_names_the_classes_of_a_path_in_order(found):
    chosen, none = found["ways"]
    assert chosen == [["3", "a,b"], False, ["3", "a,b"], "0"]
    assert none == [[], True, [], None]


def test_a_class_that_a_model_does_not_know_is_left_to_the_seed(found):
    """The decoder has no such row, and would fail until the side is given up."""
    assert found["labels"] == [3, 2, 2, 2, 1]  # the last by name, not by number


def test_seeds_end_where_the_plane_begins_again(found):
    last = latents.PLANE_SIDE**2 - 1
    assert found["seeds"] == [last, 0]
    assert sorted(set(found["offered"])) == [last - 8, last]  # of nine pictures, and of one
