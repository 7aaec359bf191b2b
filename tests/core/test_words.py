import pytest

from duet.core.words import as_unicode, duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (29.6, "30 s"), (31, "1 min"), (89, "1 min"), (91, "2 min"), (3540, "59 min"),
        (3600, "1 h 0 min"), (6900, "1 h 55 min"), (7200, "2 h 0 min"), (36_600, "10 h 10 min"),
    ],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_what_is_no_unicode_is_replaced():
    assert as_unicode("café 猫 😀") == "café 猫 😀"
    assert as_unicode("caf\udce9") == "caf�"
