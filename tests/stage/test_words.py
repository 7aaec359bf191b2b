"""The table of Chinese texts, without a page; tests/browser/test_words.py looks at the page."""

import json

import pytest

ALIKE = {"GAN", "VAE"}  # the same in every language


@pytest.fixture(scope="module")
def found(node, root):
    return json.loads(node(root / "tests/stage/words.mjs", root / "demo/stage"))


def test_texts_are_found_whole_with_places_filled_in_and_sentence_by_sentence(found):
    assert found["toy"] == [
        "种子12已复制。", "  画房子\n", "不画", "画Ruth", "房子在x前", "对。种子3已复制。",
        "Right. Who knows?",  # half a text is worse than none
        "mnist-gan", "12.5", "",
    ]


def test_the_table_has_every_text_of_the_stage_and_of_the_lessons(found):
    assert [text for text in found["lacking"] if text.strip() not in ALIKE] == []


def test_a_translation_fills_in_only_what_its_text_has(found):
    assert found["uneven"] == []
