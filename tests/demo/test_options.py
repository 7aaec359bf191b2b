from urllib.parse import parse_qs

import pytest

from demo import links
from demo.class_names import ANY, SAME, values
from demo.options import (
    LISTED,
    Choice,
    ClassChoice,
    Fraction,
    OptionError,
    Seed,
    Text,
    Whole,
    check_all,
)
from demo.tabs import TABS

COUNT = Whole("count", "How many", "", 16, 1, 64)
SEED = Seed("seed", "Seed", "")
TRUNCATION = Fraction("truncation", "Truncation", "", 1.0)
CLASS = ClassChoice("class_name", "Class", "", ANY, (ANY, "0", "1"), old_name="digit")
TEXT = Text("address", "Address", "", "", 20)
DEEP: list = []
for _ in range(3000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((COUNT, value) for value in (None, 0, 65, 1.5, True, "16", float("nan"))),
        *((SEED, value) for value in (None, -1, 0.5, 2**53, float("inf"), [1])),
        *((TRUNCATION, value) for value in (None, -0.1, 1.1, False, float("nan"), "1")),
        *((CLASS, value) for value in (None, "2", 0, ["0"], {}, "any")),
        *((TEXT, value) for value in (None, 7, "x" * 21, "half \ud800")),
        *((o, value) for o in (COUNT, TRUNCATION, CLASS) for value in ("\ud800", 10**5000, 1e300)),
        *((o, DEEP) for o in (COUNT, TRUNCATION, CLASS, TEXT)),
    ],
    ids=lambda value: "" if type(value) is int and value > 2**64 else None,
)
def test_bad_input_is_refused_by_name(option, value):
    with pytest.raises(OptionError, match=f"^{option.label} must be ") as refused:
        option.check(value)
    assert len(str(refused.value)) < 150
    str(refused.value).encode("utf-8")


def test_an_empty_control_is_called_empty():
    with pytest.raises(OptionError, match=r"Seed must be .*, it is empty\."):
        SEED.check(None)


def test_good_input_gets_its_type():
    checked = check_all([COUNT, SEED, TRUNCATION, CLASS], [64.0, 2**53 - 1, 1, ANY])
    assert checked == [64, 2**53 - 1, 1.0, ANY]
    assert [type(value) for value in checked] == [int, int, float, str]


def test_a_refusal_lists_a_few_choices_and_counts_the_rest():
    many = Choice("model", "Model", "", "m0", tuple(f"m{n}" * 50 for n in range(1000)))
    with pytest.raises(OptionError, match=r"m11.* … \(1000 in all\), not 'x'") as refused:
        many.check("x")
    assert len(str(refused.value)) < 600
    few = Choice("model", "Model", "", "m0", tuple(f"m{n}" for n in range(LISTED)))
    with pytest.raises(OptionError, match=r"m11, not 'x'\.$"):
        few.check("x")


TAB_OPTIONS = {"sample": [COUNT, SEED, TRUNCATION, CLASS], "other": [SEED]}


def test_a_link_is_read_as_it_was_written():
    values = [3, 99, 0.35, "1"]
    address = links.query("sample", TAB_OPTIONS["sample"], values)
    assert address == "tab=sample&count=3&seed=99&truncation=0.35&class_name=1"
    query = dict(pair.split("=") for pair in address.split("&"))
    tab, read, problems = links.read(query, TAB_OPTIONS)
    assert (tab, list(read.values()), problems) == ("sample", values, [])


def test_an_empty_link_gives_the_defaults_of_the_first_tab():
    tab, read, problems = links.read({"utm_source": "x", "__theme": "dark"}, TAB_OPTIONS)
    assert tab == "sample"
    assert read == {"count": 16, "seed": 0, "truncation": 1.0, "class_name": ANY}
    assert problems == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("count", "65"), ("count", "many"), ("count", "9" * 5000), ("count", ""),
        ("seed", "-1"), ("seed", "1e3"), ("truncation", "nan"), ("truncation", "2"),
        ("class_name", "<script>"), ("digit", "<script>"), ("tab", "../../etc"),
    ],
)
def test_a_hostile_value_gives_the_default_and_a_notice(key, text):
    tab, read, problems = links.read({"seed": "5", key: text}, TAB_OPTIONS)
    default = {"count": 16, "seed": 5, "truncation": 1.0, "class_name": ANY}
    assert tab == "sample"
    assert read == default | ({"seed": 0} if key == "seed" else {})
    assert len(problems) == 1
    assert len(problems[0]) < 200


def test_a_link_escapes_what_an_address_must_not_hold():
    name = Text("name", "Name", "", "", 50)
    address = links.query("sample", [name], ["a&seed=9 #é"])
    assert parse_qs(address) == {"tab": ["sample"], "name": ["a&seed=9 #é"]}


@pytest.mark.parametrize(
    ("text", "value"), [("any", ANY), ("1", "1"), ("same", SAME), ("~any", "~~any")]
)
def test_a_link_of_old_says_digit_and_means_class(text, value):
    known = ClassChoice(
        "class_name", "Class", "", ANY, values([ANY, SAME], ["1", "~any"]), old_name="digit"
    )
    _, read, problems = links.read({"digit": text}, {"sample": [known]})
    assert (read, problems) == ({"class_name": value}, [])
    _, read, _ = links.read({"digit": text, "class_name": SAME}, {"sample": [known]})
    assert read == {"class_name": SAME}


def test_every_class_option_has_its_old_name():
    old = {o.name: o.old_name for name in TABS for o in TABS[name].options(()) if o.old_name}
    assert old == {
        "class_name": "digit", "start_class_name": "start_digit", "end_class_name": "end_digit"
    }


@pytest.mark.parametrize("name", TABS)
def test_every_tab_offers_options_whose_defaults_hold(name):
    options = TABS[name].options(("0", "1"))
    assert len(check_all(options, [option.default for option in options])) == len(options)
    assert len({option.name for option in options}) == len(options)
    assert all(option.info for option in options)
