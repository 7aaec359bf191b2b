import pytest

from demo import blocks


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_a_public_link_is_made_where_it_is_asked_for(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert blocks.launch_options()["share"] is True


@pytest.mark.parametrize("word", ["", "0", "false", "No", "off", " 0 "])
def test_no_is_no(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert blocks.launch_options()["share"] is False


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("SHARE", "perhaps")
    with pytest.raises(SystemExit, match="SHARE must be one of 1, true, yes, on or 0, false"):
        blocks.launch_options()
