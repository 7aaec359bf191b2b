import pytest

from demo import links
from demo.options import Choice, Fraction, OptionError, Seed, Whole, check_all
from demo.tabs import TABS

COUNT = Whole("count", "How many", "", 16, 1, 64)
SEED = Seed("seed", "Seed", "")
TRUNCATION = Fraction("truncation", "Truncation", "", 1.0)
DIGIT = Choice("digit", "Digit", "", "any", ("any", "0", "1"))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((COUNT, value) for value in (None, 0, 65, 1.5, True, "16", float("nan"))),
        *((SEED, value) for value in (None, -1, 0.5, 2**53, float("inf"), [1])),
        *((TRUNCATION, value) for value in (None, -0.1, 1.1, False, float("nan"), "1")),
        *((DIGIT, value) for value in (None, "2", 0, ["0"], {})),
    ],
)
def test_bad_input_is_refused_by_name(option, value):
    with pytest.raises(OptionError, match=f"^{option.label} must be "):
        option.check(value)


def test_an_empty_control_is_called_empty():
    with pytest.raises(OptionError, match=r"Seed must be .*, it is empty\."):
        SEED.check(None)


def test_good_input_gets_its_type():
    checked = check_all([COUNT, SEED, TRUNCATION, DIGIT], [64.0, 2**53 - 1, 1, "any"])
    assert checked == [64, 2**53 - 1, 1.0, "any"]
    assert [type(value) for value in checked] == [int, int, float, str]


TAB_OPTIONS = {"sample": [COUNT, SEED, TRUNCATION, DIGIT], "other": [SEED]}


def test_a_link_is_read_as_it_was_written():
    values = [3, 99, 0.35, "1"]
    address = links.query("sample", TAB_OPTIONS["sample"], values)
    assert address == "tab=sample&count=3&seed=99&truncation=0.35&digit=1"
    query = dict(pair.split("=") for pair in address.split("&"))
    tab, read, problems = links.read(query, TAB_OPTIONS)
    assert (tab, list(read.values()), problems) == ("sample", values, [])


def test_an_empty_link_gives_the_defaults_of_the_first_tab():
    tab, read, problems = links.read({"utm_source": "x", "__theme": "dark"}, TAB_OPTIONS)
    assert tab == "sample"
    assert read == {"count": 16, "seed": 0, "truncation": 1.0, "digit": "any"}
    assert problems == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("count", "65"), ("count", "many"), ("count", "9" * 5000), ("count", ""),
        ("seed", "-1"), ("seed", "1e3"), ("truncation", "nan"), ("truncation", "2"),
        ("digit", "<script>"), ("tab", "../../etc"),
    ],
)
def test_a_hostile_value_gives_the_default_and_a_notice(key, text):
    tab, read, problems = links.read({"seed": "5", key: text}, TAB_OPTIONS)
    default = {"count": 16, "seed": 5, "truncation": 1.0, "digit": "any"}
    assert tab == "sample"
    assert read == default | ({"seed": 0} if key == "seed" else {})
    assert len(problems) == 1
    assert len(problems[0]) < 200


@pytest.mark.parametrize("name", TABS)
def test_every_tab_offers_options_whose_defaults_hold(name):
    options = TABS[name].options(("0", "1"))
    assert check_all(options, [option.default for option in options])
    assert len({option.name for option in options}) == len(options)
    assert all(option.info for option in options)
