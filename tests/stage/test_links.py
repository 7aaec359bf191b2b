"""The lessons and the teachers' page: every link opens the state that it names, of models that
ship, and every number that a lesson tells is in the records."""

import html
import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from demo import links
from demo.facts import STAGE
from demo.site import FACTS
from demo.tabs import TABS

MODELS = {about["name"]: about for about in json.loads((STAGE / FACTS).read_text())["models"]}
AROUND = {"tab", "lang", "lesson", "step", "hide", "embed"}  # what is not of the stage's state
PARTS = {
    "header", "pickers", "tabs", "cards", "footer", "views", "lessons", "map", "class",
    "truncation", "save", "controls",
}


@pytest.fixture(scope="module")
def queries(root):
    page = (root / "docs/teachers.md").read_text()
    found = re.findall(r"https://duet-duet\.hf\.space/(\?[^\s)\"]+)", page)
    return [urlsplit(html.unescape(link)).query for link in found]


@pytest.fixture(scope="module")
def told(node, root, queries):
    return json.loads(node(root / "tests/stage/links.mjs", STAGE, json.dumps(queries)))


def models_know(state: dict[str, str]) -> bool:
    """Whether the models are shipped, of one data set, and know the class, if one is named."""
    left, right = MODELS[state["left"]], MODELS[state["right"]]
    known = {*left["class_names"], *right["class_names"]}
    return left["data"] == right["data"] and state.get("class", next(iter(known))) in known


def test_the_teachers_links_open_what_they_name(queries, told):
    assert len(queries) > 12
    for query, written in zip(queries, told["links"], strict=True):
        link = dict(parse_qsl(query))
        assert link.get("tab", "stage") in TABS
        assert set(filter(None, link.get("hide", "").split(","))) <= PARTS
        own = {key: value for key, value in link.items() if key not in AROUND}
        if own:
            assert own.items() <= dict(written).items(), query
            assert models_know(own), query
        if "lesson" in link:
            assert 1 <= int(link["step"]) <= len(told["lessons"][link["lesson"]]["steps"])


def test_every_step_of_a_lesson_is_a_state_of_shipped_models(told):
    assert len(told["lessons"]) == 6
    for state, written in told["states"]:
        named = dict(parse_qsl(state))
        assert named.items() <= dict(written).items(), state
        assert models_know(named), state
    for lesson in told["lessons"].values():
        used = {dict(parse_qsl(step["state"]))[side] for step in lesson["steps"]
                for side in ("left", "right")}
        assert used <= set(lesson["models"])
        assert sum(answer.get("right", False) for answer in lesson["answers"]) == 1


def test_every_number_of_a_lesson_is_in_the_records(told):
    for lesson in told["lessons"].values():
        for text in [p for step in lesson["steps"] for p in step["text"]]:
            for model, fact in re.findall(r"\{([\w-]+)\.(\w+)\}", text):
                assert model in lesson["models"]
                assert fact in MODELS[model]["scores"] or fact in MODELS[model], (model, fact)


def test_what_the_lessons_claim_is_so():
    """Words that would be wrong of other weights."""
    def score(model, key):
        return float(MODELS[model]["scores"][key].rstrip("%").replace(",", ""))

    assert score("mnist-vae", "recall") > score("mnist-gan", "recall")
    assert score("mnist-gan", "precision") > score("mnist-vae", "precision")
    assert score("mnist-dcgan", "frechet_distance") > 10 * score("mnist-gan", "frechet_distance")
    assert score("fashion-vae", "patch_distance") > 2 * score("fashion-gan", "patch_distance")
    assert score("fashion-gan", "specks_percent") > 2 * score("fashion-vae", "specks_percent")
    assert score("emoji-vae", "frechet_distance") < score("emoji-gan", "frechet_distance")
    assert score("emoji-gan", "authentic") > score("emoji-gan", "held_out_authentic")
    assert score("emoji-vae", "authentic") < score("emoji-vae", "held_out_authentic") / 2 + 1
    low, high = zip(*(
        map(float, MODELS[name]["scores"]["frechet_interval"].split(" to "))
        for name in ("mnist-gan", "mnist-vae")
    ), strict=True)
    assert max(low) < min(high)  # they overlap


def test_a_link_of_the_stage_is_understood_by_the_app(queries):
    """Beside the stage's own part, which it lets be."""
    for query in queries:
        tab, _, problems = links.read(dict(parse_qsl(query)), {name: [] for name in TABS})
        assert (tab, problems) == ("stage", [])
