import pytest

from demo import actions
from demo.actions import Endpoint
from demo.class_names import ANY, SAME, to_class_name, to_label, to_value, values
from demo.options import ClassChoice

NASTY = ("any", "same", "~any", "~~same", "~", "", "– any –", "plain")


def test_every_class_has_a_value_of_its_own_that_is_no_word():
    offered = values([ANY, SAME], NASTY)
    assert len(set(offered)) == len(NASTY) + 2
    assert [to_class_name(value) for value in offered] == [None, None, *NASTY]
    assert [to_label(to_value(name)) for name in NASTY] == list(NASTY)


def test_a_class_that_a_data_set_repeats_is_offered_once():
    assert values([ANY], ["cat", "dog", "cat"]) == (ANY, "cat", "dog")


@pytest.fixture
def odd(mock_checkpoint):
    """A model with classes called "any" and "same", the third of three being plain."""
    return mock_checkpoint(num_classes=3, data={"class_names": ("any", "same", "plain")})


def labels(images) -> set[int]:
    return {round((image[0, 0, -1].item() / 127.5 - 1) * 10) for image in images}


def test_a_class_may_be_called_any_or_same(odd):
    assert labels(actions.sample(odd, "any", 20).images) == {0}
    assert labels(actions.sample(odd, "same", 20).images) == {1}
    assert labels(actions.sample(odd, ANY, 40).images) == {0, 1, 2}
    assert "ignores" not in actions.sample(odd, "same", 1).caption


def test_an_interpolation_tells_the_class_same_from_the_same_class(odd):
    start = Endpoint(0, "plain")
    assert labels(actions.interpolate(odd, start, Endpoint(1, "same"), 6).frames) == {1, 2}
    assert labels(actions.interpolate(odd, start, Endpoint(1, SAME), 6).frames) == {2}
    assert actions.interpolate(odd, start, Endpoint(1, "any"), 2).caption == (
        "mock: seed 0, class plain → seed 1, class any"
    )


def test_among_other_models_the_words_stay_and_the_classes_change():
    option = ClassChoice("c", "Class", "", ANY, values([SAME, ANY], ["cat", "any"]))
    assert option.among(["boot"]).choices == (SAME, ANY, "boot")
    assert option.among([]).choices == (SAME, ANY)
