import pytest

from demo import card
from duet.core.words import duration
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord, ScoreRecord


@pytest.fixture
def facts_of(mock_checkpoint):
    """The card's facts by term, for given records."""

    def read(training=None, *measured) -> dict[str, tuple[str, str]]:
        checkpoint = mock_checkpoint(training=training, metrics=MetricsRecord(measured))
        return {fact.term: (fact.value, fact.note) for fact in card.facts(checkpoint)}

    return read


def test_what_the_records_hold_is_shown(facts_of, training_record, measurement):
    record = training_record(seconds=4335.2, steps=24000, hardware="CPU, 2 of 2 cores")
    assert facts_of(record, measurement()) == {
        "Model": ("Mock", "knows 10 classes, 3 latent dimensions"),
        "Data": ("Toy", "4×4 pixels, grey"),
        "Parameters": ("1", "0.0 MB of weights"),
        "Training": ("1 h 12 min", "24,000 steps on CPU, 2 of 2 cores"),
        "FID": ("0.123", "mnist features, 50,000 samples, lower is better"),
        "IS": ("9.812 ± 0.031", "mnist features, 50,000 samples, higher is better"),
    }


def test_without_records_it_says_so(facts_of):
    facts = facts_of()
    assert facts["FID"][0] == facts["IS"][0] == "not measured yet"
    assert facts["Training"][0] == "not recorded"


def test_of_two_protocols_the_stricter_is_shown(facts_of, measurement):
    quick = measurement(samples=100, scores={"frechet_distance": ScoreRecord(7.0)})
    truncated = measurement(truncation=0.5, scores={"frechet_distance": ScoreRecord(8.0)})
    assert facts_of(None, measurement(), quick, truncated)["FID"][0] == "0.123"
    only = facts_of(None, truncated)
    assert only["FID"] == ("8.000", "mnist features, 50,000, ψ 0.5 samples, lower is better")
    assert only["IS"][0] == "not measured yet"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(12.4, "12 s"), (59.6, "1 min"), (3599, "1 h 0 min"), (7260, "2 h 1 min")],
)
def test_durations_read_well(seconds, shown):
    assert duration(seconds) == shown


def test_every_text_from_a_checkpoint_is_escaped(mock_checkpoint, training_record, measurement):
    evil = "<img src=x onerror=alert(1)>"
    page = card.as_html(mock_checkpoint(
        name=evil, made_from=DataRecord(evil, evil, ()), training=training_record(hardware=evil),
        metrics=MetricsRecord((measurement(extractor=evil),)),
    ))
    assert "<img" not in page
    assert page.count("&lt;img") == 5


def test_card_for_programs_holds_the_same_facts(mock_checkpoint):
    told = card.as_json(mock_checkpoint())
    assert told["name"] == "mock"
    assert [fact["term"] for fact in told["facts"]][:3] == ["Model", "Data", "Parameters"]
