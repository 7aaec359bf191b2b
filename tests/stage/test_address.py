"""Links: what they keep of the page around, whose they are, and latents within them."""

import json
import re

import pytest


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/address.mjs", root / "demo/stage"))


def test_a_link_keeps_how_the_page_is_shown_and_nothing_else(found):
    kept = "https://host/some/page?lang=zh&hide=map&tab=sample&class=a%26b"
    assert found["made"] == kept
    assert found["bare"] == "https://host/"


def test_a_tab_reads_its_own_link_only(found):
    assert ["seed", "3"] in found["explore"]
    assert found["other"] == []
    assert found["first"] == [[["x", "5"]], []]


def test_without_a_clipboard_the_link_is_shown(found):
    assert found["copied"] == ["The link is copied.", "link", "link"]


def test_a_latent_travels_in_a_link(found):
    assert re.fullmatch(r"[\w-]{171}", found["text"])  # needs no escaping
    assert found["furthest"] < 1.3e-4
    assert [round(value) for value in found["far"]] == [8, -8, 0]
    assert found["odd"] == [None] * 5
