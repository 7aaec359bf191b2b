"""A side that the server draws."""

import json

import pytest


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/side.mjs", root / "demo/stage"))


def test_where_no_browser_runs_it_the_server_is_asked(found):
    assert found["words"] == [True, "drawn by the server"]
    assert found["parts"] == [["/run/decode", "toy", 64], ["/run/decode", "toy", 36]]
    assert found["many"] == [100, [20]]  # all of class c
    assert found["z"] == [0, 7, 2, 7]


def test_only_the_newest_request_is_sent(found):
    assert found["overtaken"] == [0, None, 20]  # the first was under way


def test_a_server_that_refuses_twice_is_left_alone_until_somebody_asks(found):
    assert found["failed"] == [None, False, None, True, "the server does not answer"]
    assert found["again"] == [10]


def test_an_answer_that_is_no_json_is_told_by_its_status(found):
    assert found["proxy"] == "the server answers 502"
