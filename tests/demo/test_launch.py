import pytest

from demo import launch


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_a_public_link_is_made_where_it_is_asked_for(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert launch.launch_options()["share"] is True


@pytest.mark.parametrize("word", ["", "0", "false", "No", "off", " 0 "])
def test_no_is_no(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert launch.launch_options()["share"] is False


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("SHARE", "perhaps")
    with pytest.raises(launch.LaunchError, match="SHARE must be one of 1, true, yes, on or 0, false"):
        launch.launch_options()
