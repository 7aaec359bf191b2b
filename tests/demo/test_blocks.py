from types import ModuleType

import gradio as gr
import pytest

from demo.catalogue import Catalogue
from demo.options import Whole
from demo.page import Tab
from demo.tabs import TABS


@pytest.fixture
def offer(mock_checkpoint):
    return Catalogue({
        "g": mock_checkpoint(name="g", role="adversarial"),
        "v": mock_checkpoint(name="v", role="variational"),
        "c": mock_checkpoint(0, (3, 4, 4), name="c", data={"name": "colour", "title": "Colour"}),
    })


@pytest.fixture
def own_frame(monkeypatch):
    """A tab that is one row and a module with TITLE and build(page), in a frame of its own."""
    module = ModuleType("own")
    option = Whole("level", "Level", "How high.", 1, 1, 9)

    def build(page) -> Tab:
        gr.Markdown(f"{len(page.catalogue.names)} models in a frame of my own")
        return Tab([option], [page.control(option)])

    module.TITLE, module.build = "Own", build
    monkeypatch.setitem(TABS, "own", module)


def run(client, endpoint: str, *data):
    (answer,) = client.post(f"/gradio_api/run/{endpoint}", json={"data": data}).json()["data"]
    return answer


def test_without_models_the_page_says_how_to_get_one(serve_in_process, tmp_path):
    with serve_in_process(Catalogue({}, ("no checkpoint at <x>",)), tmp_path) as client:
        page = client.get("/config").text
        assert "No model to show yet" in page
        assert "Left out: no checkpoint at &lt;x&gt;" in page


def test_a_tab_of_its_own_frame_is_one_row(offer, own_frame, serve_in_process, tmp_path):
    with serve_in_process(offer, tmp_path) as client:
        page = client.get("/config").text
        assert "3 models in a frame of my own" in page
        assert run(client, "link", "own", {"level": 7}) == "tab=own&left=g&right=v&level=7"
        assert run(client, "link", "sample", {}).startswith("tab=sample&left=g&right=v&class_name=")


def test_the_models_of_a_stages_link_are_the_pages(
    offer, serve_in_process, tmp_path, monkeypatch
):
    """The stage writes its address itself; the pickers read its "left" and "right"."""
    warnings = []
    monkeypatch.setattr(gr, "Warning", warnings.append)
    with serve_in_process(offer, tmp_path) as client:
        assert run(client, "link", "stage", {}) == "tab=stage&left=g&right=v"
        restore = next(
            call["id"] for call in client.get("/config").json()["dependencies"]
            if call["api_name"] == "restore"
        )
        for query, picked, told in (
            ("tab=stage&left=v&right=g&x=3", ["v", "g"], 0), ("left=no&x=3", [], 1),
        ):
            answer = client.post(
                f"/gradio_api/run/predict?{query}", json={"data": [], "fn_index": restore},
            )
            values = [value for value in answer.json()["data"] if value in ("v", "g")]
            assert values[:2] == picked
            assert len(warnings) == told


def test_one_card_a_side_however_many_tabs(offer, serve_in_process, tmp_path):
    with serve_in_process(offer, tmp_path) as client:
        components = client.get("/config").json()["components"]
    cards = [str(c["props"].get("value")) for c in components if c["type"] == "html"]
    assert [("card adversarial" in c, "card variational" in c) for c in cards if "card" in c] == [
        (True, False), (False, True),
    ]


def test_the_class_controls_begin_with_the_classes_in_view(
    offer, mock_checkpoint, serve_in_process, tmp_path
):
    def class_controls(models) -> list[tuple[bool, int]]:
        with serve_in_process(models, tmp_path) as client:
            components = client.get("/config").json()["components"]
        return [
            (c["props"]["visible"], len(c["props"]["choices"])) for c in components
            if "class" in str(c["props"].get("label")).lower()
        ]

    assert class_controls(offer) == [(True, 11), (True, 11), (True, 12)]
    classless = Catalogue({"c": offer.checkpoints["c"]})
    assert class_controls(classless) == [(False, 1), (False, 1), (False, 2)]


def test_colour_and_grey_are_drawn_side_by_side(offer, serve_in_process, tmp_path):
    with serve_in_process(offer, tmp_path) as client:
        answer = client.post(
            "/gradio_api/run/sample", json={"data": ["c", "g", "3", 4, 0, 1.0]}
        ).json()["data"]
    assert answer[1] == (
        "c: images 0–3 of seed 0. This model knows no classes, so it ignores the choice."
    )
    assert answer[3] == "g: images 0–3 of seed 0"
