import pytest

from demo import card
from duet.core.files import write_json

SCORES = {"inception_score": 9.8123, "inception_score_std": 0.0312, "frechet_distance": 0.30412}


@pytest.fixture
def facts_of(mock_checkpoint, tmp_path):
    """The card's facts by term, for given records."""

    def read(training=None, metrics=None) -> dict[str, tuple[str, str]]:
        for name, record in (("training", training), ("metrics", metrics)):
            if record is not None:
                write_json(tmp_path / f"{name}.json", record)
        return {fact.term: (fact.value, fact.note) for fact in card.facts(mock_checkpoint())}

    return read


def test_what_the_records_hold_is_shown(facts_of):
    facts = facts_of(
        {"seconds": 4335.2, "steps": 24000, "hardware": "CPU, 2 of 2 cores"},
        {"schema": 1, "extractors": {"mnist": {"scores": SCORES}}},
    )
    assert facts == {
        "Model": ("Mock", "knows 10 classes, 3 latent dimensions"),
        "Data": ("toy", "4×4 pixels, grey"),
        "Parameters": ("1", "0.0 MB of weights"),
        "Training": ("1 h 12 min", "24,000 steps on CPU, 2 of 2 cores"),
        "FID": ("0.304", "mnist features, lower is better"),
        "IS": ("9.81 ± 0.03", "mnist features, higher is better"),
    }


def test_without_records_it_says_so(facts_of):
    facts = facts_of()
    assert facts["FID"][0] == facts["IS"][0] == "not measured yet"
    assert facts["Training"][0] == "not recorded"


@pytest.mark.parametrize(
    "metrics",
    [
        {"extractors": []},
        {"extractors": {"mnist": None}},
        {"extractors": {"mnist": {"scores": [1, 2]}}},
        {"extractors": {"mnist": {"scores": {"frechet_distance": "<b>", "inception_score": True}}}},
    ],
)
def test_records_of_another_form_do_no_harm(facts_of, metrics):
    facts = facts_of({"seconds": "soon", "steps": None, "hardware": 7}, metrics)
    assert facts["FID"][0] == facts["IS"][0] == "not measured yet"
    assert facts["Training"] == ("not recorded", "")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12.4, "12 s"), (59.6, "1 min"), (3599, "1 h 0 min"), (7260, "2 h 1 min")],
)
def test_durations_read_well(facts_of, seconds, shown):
    assert facts_of({"seconds": seconds})["Training"][0] == shown


def test_every_text_from_a_checkpoint_is_escaped(mock_checkpoint, tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    write_json(tmp_path / "training.json", {"seconds": 1, "hardware": evil})
    write_json(tmp_path / "metrics.json", {"extractors": {evil: {"scores": SCORES}}})
    page = card.as_html(mock_checkpoint(name=evil, data=evil))
    assert "<img" not in page
    assert page.count("&lt;img") == 5


def test_card_for_programs_holds_the_same_facts(mock_checkpoint):
    told = card.as_json(mock_checkpoint())
    assert told["name"] == "mock"
    assert [fact["term"] for fact in told["facts"]][:3] == ["Model", "Data", "Parameters"]
