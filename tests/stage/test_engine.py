"""The engine's queue, with a worker that answers when it is told to."""

import json


def test_the_newest_request_of_a_lane_wins(node, root):
    found = json.loads(node(root / "tests/stage/engine.mjs", root / "demo/stage"))
    assert found["underWay"] == 1  # one at a time
    assert found["answers"] == [0, None, 2, 3]  # the second was overtaken, another lane was not
    assert found["order"] == [0, 2, 3]  # who overtakes goes to the end
    assert found["died"] == ["out of memory"] * 2
    assert found["ended"]
    assert found["next"] == 6  # by a new worker
    assert found["late"] == ["it was stopped while it was loaded", 0, True]
