import pytest
import yaml

import duet
from duet.core.files import write_json
from duet.hub.card import text, write_card
from duet.store import checkpoint
from duet.store.checkpoint import METRICS, TRAINING, save

SCORES = {
    "inception_score": 9.8, "frechet_distance": 0.123456, "kernel_distance": 0.0123,
    "precision": 0.8, "recall": 0.75,
}


@pytest.fixture
def folder(tmp_path, tiny_gan):
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", data="mnist", class_names=tuple("0123456789"))
    write_json(path / TRAINING, {
        "command": "python -m training gan --steps 9", "steps": 9, "images_seen": 576,
        "epochs": 0.01, "seconds": 120.0, "hardware": "an abacus", "git_commit": "abc",
        "versions": {"torch": "2.11.0"},
    })
    return path


def parts(path):
    _, header, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(header), body


def test_the_card_tells_what_the_files_tell(folder):
    write_json(folder / METRICS, {"schema": 1, "extractors": {
        "mnist": {"scores": SCORES, "protocol": {"samples": 50_000}}}})
    header, body = parts(write_card(folder))
    assert header["pipeline_tag"] == "unconditional-image-generation"
    assert header["datasets"] == ["ylecun/mnist"]
    (result,) = header["model-index"][0]["results"]
    assert {m["type"]: m["value"] for m in result["metrics"]}["fid"] == 0.123456
    for said in ("python -m training gan --steps 9", "2 minutes on an abacus", "0.123", "50,000",
                 'duet.load("tiny")', "preview.png", "Limits", "Ethics"):
        assert said in body


def test_a_card_without_scores_says_how_to_get_them(folder):
    header, body = parts(write_card(folder))
    assert header["model-index"][0]["results"] == []
    assert "Not measured yet" in body


@pytest.mark.parametrize("name", checkpoint.shipped_names())
def test_the_cards_of_shipped_models_are_up_to_date(name):
    """README.md of a shipped checkpoint is what its JSON files give: `python -m training card`."""
    loaded = duet.load(name)
    assert (loaded.folder / "README.md").read_text(encoding="utf-8") == text(loaded)
