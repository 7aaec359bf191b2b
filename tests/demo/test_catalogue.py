import json

import pytest

import duet
from demo import catalogue
from demo.catalogue import Catalogue
from duet.store import checkpoint
from duet.store.config import DataRecord


@pytest.fixture
def saved(tmp_path):
    """Save a model under a folder of that name; returns the folder as text."""

    def save(model, folder: str, name: str = "") -> str:
        (tmp_path / folder).mkdir()
        checkpoint.save(
            tmp_path / folder, model, name=name or folder,
            made_from=DataRecord("toy", "Toy", tuple("0123456789")),
        )
        return str(tmp_path / folder)

    return save


@pytest.mark.parametrize("separator", [",", " ", "\n", ", "])
def test_the_environment_lists_the_models(saved, tiny_gan, tiny_vae, monkeypatch, separator):
    listed = separator.join([saved(tiny_vae, "b-vae"), saved(tiny_gan, "a-gan")])
    monkeypatch.setenv("DUET_MODELS", listed)
    offer = catalogue.load()
    assert offer.names == ("b-vae", "a-gan")
    assert offer.default_pair() == ("a-gan", "b-vae")
    assert offer.class_names() == tuple("0123456789")
    assert offer.problems == ()


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("", []), (" , \n", []), ("a,b c\nd", ["a", "b", "c", "d"]),
        ("'my models/a' b", ["my models/a", "b"]), ('"my models/a",b', ["my models/a", "b"]),
        ("/x/o'brien/a b", ["/x/o'brien/a", "b"]), (r"C:\models\a", [r"C:\models\a"]),
        ("a#1 b", ["a#1", "b"]),
    ],
)
def test_quotes_hold_a_path_with_blanks_together(text, sources):
    assert catalogue.listed(text) == sources


def test_a_folder_with_a_blank_in_its_name_loads(saved, tiny_gan, monkeypatch):
    monkeypatch.setenv("DUET_MODELS", f"'{saved(tiny_gan, 'my gan', 'my-gan')}'")
    assert catalogue.load().names == ("my-gan",)


def test_both_sides_show_one_data_set(mock_checkpoint):
    cats, letters = {"name": "cats", "title": "Cats"}, tuple("abcdefghij")
    dogs = {"name": "dogs", "title": "Dogs"}
    offer = Catalogue({
        "a": mock_checkpoint(role="adversarial", data=cats),
        "b": mock_checkpoint(role="variational", data=dogs),
        "c": mock_checkpoint(role="variational", data=cats | {"class_names": letters}),
        "d": mock_checkpoint(role="baseline", data=dogs, num_classes=0),
    })
    assert offer.datasets() == {"Cats": ["a", "c"], "Dogs": ["b", "d"]}
    assert offer.default_pair() == offer.default_pair("Cats") == ("a", "c")
    assert offer.default_pair("Dogs") == ("b", "d")
    assert offer.class_names() == (*"0123456789", *letters)
    assert offer.class_names(["c", "d"]) == letters
    assert offer.class_names(["d"]) == ()


def test_two_folders_of_one_name_are_two_data_sets(mock_checkpoint):
    """Told apart by their images; one who kept no hash of them goes by the name."""
    cats = {"name": "cats", "title": "Cats"}
    offer = Catalogue({
        "mine": mock_checkpoint(data=cats | {"images_sha256": "a" * 64}),
        "yours": mock_checkpoint(data=cats | {"images_sha256": "b" * 64}),
        "old": mock_checkpoint(data=cats),
        "mine too": mock_checkpoint(data=cats | {"images_sha256": "a" * 64}),
        "dogs": mock_checkpoint(data={"name": "dogs", "title": "Cats"}),
    })
    assert offer.datasets() == {
        "Cats": ["mine", "old", "mine too"], "Cats-2": ["yours"], "Cats-3": ["dogs"]
    }


def test_without_it_the_shipped_models_are_on_offer(saved, tiny_gan, tmp_path, monkeypatch):
    saved(tiny_gan, "shipped-gan")
    monkeypatch.setattr(checkpoint, "SHIPPED", tmp_path)
    assert catalogue.load().names == ("shipped-gan",)


def test_a_shipped_one_that_cannot_be_read_is_left_out_too(saved, tiny_gan, tmp_path, monkeypatch):
    saved(tiny_gan, "a-gan")
    saved(tiny_gan, "b-gan")
    (tmp_path / "a-gan" / "config.json").write_text("<<<<<<< HEAD")
    monkeypatch.setattr(checkpoint, "SHIPPED", tmp_path)
    offer = catalogue.load()
    assert offer.names == ("b-gan",)
    assert "a-gan/config.json cannot be read" in offer.problems[0]


def test_one_that_does_not_load_is_left_out_and_told_of(saved, tiny_gan, tiny_vae, tmp_path):
    good, bad = saved(tiny_gan, "good"), saved(tiny_vae, "bad")
    config = json.loads((tmp_path / "bad" / "config.json").read_text())
    (tmp_path / "bad" / "config.json").write_text(json.dumps(config | {"architecture": "evil"}))
    offer = catalogue.load_sources([bad, "no/where", good])
    assert offer.names == ("good",)
    assert len(offer.problems) == 2
    assert "evil" in offer.problems[0]
    assert "no/where" in offer.problems[1]


def test_two_of_one_name_are_told_apart(saved, tiny_gan):
    sources = [saved(tiny_gan, "one", "twin"), saved(tiny_gan, "two", "twin")]
    offer = catalogue.load_sources([*sources, sources[0]])
    assert offer.names == ("twin", "twin-2")
    assert [known.name for known in offer.checkpoints.values()] == ["twin", "twin-2"]


@pytest.mark.parametrize(
    ("roles", "pair"),
    [
        (["adversarial"], (0, 0)),
        (["variational", "adversarial"], (1, 0)),
        (["adversarial", "adversarial"], (0, 1)),
        (["baseline", "variational", "adversarial", "variational"], (2, 1)),
        (["variational", "variational"], (0, 1)),
        (["baseline", "baseline"], (0, 1)),
    ],
)
def test_left_is_a_gan_and_right_a_vae_where_there_are_such(mock_checkpoint, roles, pair):
    names = [f"m{number}" for number in range(len(roles))]
    offer = Catalogue(
        {n: mock_checkpoint(role=role) for n, role in zip(names, roles, strict=True)}
    )
    assert offer.default_pair() == tuple(names[index] for index in pair)


def test_a_broken_record_is_told_of_and_the_model_stays(saved, tiny_gan, tmp_path):
    folder = saved(tiny_gan, "good")
    (tmp_path / "good" / "metrics.json").write_text('{"schema": 2, "measurements": 7}')
    offer = catalogue.load_sources([folder])
    assert offer.names == ("good",)
    assert "metrics.json is not what" in offer.problems[0]


def test_what_is_told_of_a_problem_is_short_and_can_be_sent(tmp_path, monkeypatch):
    def fail(source):
        raise OSError("\ud800" + "x" * 10_000)

    monkeypatch.setattr(duet, "load", fail)
    (problem,) = catalogue.load_sources(["a"]).problems
    assert len(problem) <= 401
    problem.encode("utf-8")
