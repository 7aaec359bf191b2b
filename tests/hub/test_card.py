import dataclasses
from pathlib import Path

import pytest
import torch
import yaml

import duet
from duet.core.files import sha256
from duet.data.mnist import MNIST
from duet.hub.card import text, write_card
from duet.models.gan import GAN, GANConfig
from duet.store import checkpoint, evolution, neighbours, records
from duet.store.checkpoint import (
    CARD,
    EVOLUTION,
    METRICS,
    NEIGHBOURS,
    TRAINING,
    WEIGHTS,
    CheckpointError,
    save,
)
from duet.store.config import DataRecord
from duet.store.evolution import Sheet
from duet.store.metrics import MetricsRecord, ScoreRecord
from duet.store.neighbours import NEAREST, ROWS, SUBJECT


@pytest.fixture
def folder(tmp_path, tiny_gan, training_record):
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=DataRecord.of(MNIST.facts, None))
    records.write(path / TRAINING, training_record())
    return path


def parts(path):
    _, header, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(header), body


def test_the_card_tells_what_the_files_tell(folder, measurement):
    weaker = measurement(samples=5000, scores={"frechet_distance": ScoreRecord(0.5)})
    records.write(folder / METRICS, MetricsRecord((measurement(), weaker)))
    header, body = parts(write_card(folder))
    assert header["pipeline_tag"] == "unconditional-image-generation"
    assert header["datasets"] == ["ylecun/mnist"]
    (result,) = header["model-index"][0]["results"]
    assert {m["type"]: m["value"] for m in result["metrics"]}["fid"] == 0.123456
    for said in ("python -m training gan --steps 9", "2 min on an abacus", "0.123", "50,000",
                 'duet.load("tiny")', "preview.png", "Limits", "Ethics"):
        assert said in body


def test_the_card_shows_the_sheet_of_the_run_where_there_is_one(folder, tiny_gan, training_record):
    assert "evolution.png" not in parts(write_card(folder))[1]
    sheet = Sheet((0, 1200), torch.stack([evolution.row(tiny_gan)] * 2))
    evolution.write(folder / EVOLUTION, sheet)
    records.write(folder / TRAINING, training_record(evolution=(0, 1200)))
    training = parts(write_card(folder))[1].split("## Training\n")[1].split("\n## Scores")[0]
    assert "from step 0 above to step 1,200 below, a row for each of 2 steps:\n\n![" in training
    assert training.endswith("](evolution.png)\n")


@pytest.mark.parametrize("licence", ["cc-by-4.0", "other", "unknown"])
def test_the_card_shows_training_pictures_where_a_licence_allows_it(folder, tiny_gan, licence):
    facts = dataclasses.replace(MNIST.facts, licence=licence)
    save(folder, tiny_gan, name="tiny", made_from=DataRecord.of(facts, None))
    assert "neighbours.png" not in parts(write_card(folder))[1]
    rows = torch.zeros(ROWS, 1 + NEAREST, 1, 28, 28, dtype=torch.uint8)
    found = neighbours.Neighbours(rows, rows)
    neighbours.write(folder / NEIGHBOURS, found, {SUBJECT: sha256(folder / WEIGHTS)})
    scores = parts(write_card(folder))[1].split("## Scores\n")[1].split("\n## Limits")[0]
    assert ("](neighbours.png)\n" in scores) == (licence == "cc-by-4.0")


def test_the_card_of_other_data_says_nothing_of_digits(folder, tiny_gan):
    cats = DataRecord(
        "cats", "My cats", tuple("abcdefghij"), about="Pictures of cats.", licence="unknown",
        images_sha256="5" * 64,
    )
    save(folder, tiny_gan, name="tiny", made_from=cats)
    header, body = parts(write_card(folder))
    assert (header["license"], header["datasets"]) == ("unknown", [])
    assert header["tags"] == ["duet", "gan", "image-generation", "cats"]
    data = body.split("## Data\n\n")[1].split("\n\n##")[0]
    assert data.splitlines() == [
        "Pictures of cats.", f"SHA-256 of the training images' pixels: `{'5' * 64}`."
    ]
    assert "## Ethics\n\nSamples are synthetic" in body
    whole = (folder / "README.md").read_text(encoding="utf-8").lower()
    for word in ("digit", "handwrit", "mnist", "licence", "by-sa"):
        assert word not in whole
    save(folder, tiny_gan, name="tiny", made_from=dataclasses.replace(cats, about=""))
    assert "The data set My cats.\n" in parts(write_card(folder))[1]


def test_the_card_owes_licence_and_credit(folder):
    header, body = parts(write_card(folder))
    assert header["license"] == "cc-by-sa-3.0"
    for said in ("Licence: cc-by-sa-3.0", "Y. LeCun, C. Cortes, C. Burges", "census workers"):
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


@pytest.mark.parametrize(("num_classes", "label"), [(0, ""), (3, ""), (4, ", label=3")])
def test_a_card_asks_for_a_class_that_there_is(folder, num_classes, label):
    loaded = duet.load(folder)
    model = GAN(GANConfig((1, 28, 28), num_classes, 6, 4, 1))
    card = text(dataclasses.replace(loaded, model=model))
    assert f"sample(16, seed=0{label})  # uint8 [16, 1, 28, 28]" in card


def test_a_card_for_the_hub_says_where_it_is_fetched_from(folder):
    loaded = duet.load(folder)
    assert 'duet.load("me/x")' in text(loaded, "me/x")
    assert "From a checkout of Duet (fetched once, then" in text(loaded, "me/x")
    assert "From a checkout of Duet, where this folder is `checkpoints/tiny`:" in text(loaded)


def test_a_card_without_a_record_of_training_says_so(folder):
    (folder / TRAINING).unlink()
    body = parts(write_card(folder))[1]
    assert "```\nnot recorded\n```\n\nNo record of the training run.\n" in body


def test_what_a_card_says_of_data(folder, tiny_gan, measurement):
    cats = DataRecord(
        "cats", "Кошки: мои", tuple("abcdefghij"), licence="other", credit="By me.",
        origin="a folder", ethics="They agreed.",
    )
    save(folder, tiny_gan, name="tiny", made_from=cats)
    other = measurement(extractor="other", scores={"frechet_distance": ScoreRecord(1.5)})
    odd = dataclasses.replace(other, scores=other.scores | {"unheard of": ScoreRecord(0.0)})
    records.write(folder / METRICS, MetricsRecord((measurement(), odd)))
    header, body = parts(write_card(folder))
    whole = (folder / "README.md").read_text(encoding="utf-8")
    assert "name: 'Кошки: мои'" in whole  # not in escapes
    said = body.split("## Data\n\n")[1].split("\n\n##")[0]
    assert said.splitlines() == ["The data set Кошки: мои.", "From a folder.", "By me."]
    assert "## Ethics\n\nThey agreed. Samples are synthetic" in body
    first, second = header["model-index"][0]["results"]
    assert first["dataset"] == {"type": "cats", "name": "Кошки: мои", "split": "train"}
    assert second["metrics"] == [{"type": "fid", "value": 1.5, "name": "FID (other features)"}]
    assert "\n| other | 1.500 | – | – | – | – | 50,000 |\n" in body
    assert list(header) == ["library_name", "license", "pipeline_tag", "tags", "datasets",
                            "metrics", "model-index"]


def test_what_is_not_the_default_is_told(folder, measurement):
    records.write(folder / METRICS, MetricsRecord((measurement(seed=3, truncation=0.7),)))
    assert "50,000, seed 3, ψ 0.7" in parts(write_card(folder))[1]


def test_no_card_is_written_over_a_broken_record(folder):
    (folder / METRICS).write_text('{"schema": 3, "measurements": 7}')
    with pytest.raises(CheckpointError, match=r"metrics\.json is not what .*\(measurements: "):
        write_card(folder)
    assert not (folder / "README.md").exists()


def test_a_command_cannot_leave_its_code_block(folder, training_record):
    hostile = "python\n```\n# Owned\n````\n![](x)"
    records.write(folder / TRAINING, training_record(command=hostile))
    assert f"\n`````\n{hostile}\n`````\n" in parts(write_card(folder))[1]


def test_a_card_goes_where_its_checkpoint_is(folder, tmp_path, monkeypatch):
    """The name of a shipped one is no folder below the current one."""
    monkeypatch.setattr(checkpoint, "SHIPPED", folder.parent)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert write_card(Path("tiny")) == folder / CARD
    assert (folder / CARD).is_file()
    assert [*Path().iterdir()] == []


def test_no_card_is_written_into_the_hubs_cache(hub, folder):
    hub.make("me/tiny", {path.name: path.read_bytes() for path in folder.iterdir()})
    with pytest.raises(CheckpointError, match="me/tiny is on the Hub; pull it"):
        write_card(Path("me/tiny"))
    assert not Path("me").exists()
