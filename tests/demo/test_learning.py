"""What the tab Learning is told: a model's recording, and a live training by its ticket."""

import base64
import functools
import io
import sys
import time

import numpy as np
import pytest
import torch
from PIL import Image

from demo import learning
from demo.catalogue import Catalogue
from demo.live import Bounds, Live
from duet.data.mnist import MNIST
from duet.store.config import DataRecord
from duet.store.evolution import Sheet

SHEET = torch.arange(2 * 4 * 64).remainder(251).to(torch.uint8).reshape(2, 1, 4, 64)


@pytest.fixture
def offer(mock_checkpoint, training_record):
    curves = {"step": (50.0, 100.0), "seconds": (1.0, 2.0), "generator": (0.5, 0.25)}
    own = mock_checkpoint(name="own")
    told = mock_checkpoint(
        name="told", training=training_record(curves=curves, evolution=(0, 9)),
        evolution=Sheet((0, 9), SHEET), made_from=DataRecord.of(MNIST.facts, None),
    )
    return Catalogue({"told": told, "own": own})


@pytest.fixture
def call(offer, serve_in_process, tmp_path):
    with serve_in_process(offer, tmp_path) as client:
        yield functools.partial(post, client)


def post(client, endpoint, *data, session="me"):
    body = {"data": data, "session_hash": session}
    answer = client.post(f"/gradio_api/run/{endpoint}", json=body).json()
    return answer["data"][0] if "data" in answer else answer["error"]


def pixels(url):
    content = base64.b64decode(url.removeprefix("data:image/png;base64,"))
    return np.array(Image.open(io.BytesIO(content)))


def test_a_recording_is_what_the_checkpoint_kept(call):
    found = call("recording", "told")
    assert {key: found[key] for key in ("name", "role", "data", "steps", "kept")} == {
        "name": "told", "role": "baseline", "data": "MNIST", "steps": [0, 9], "kept": True,
    }
    assert found["curves"] == {"step": [50, 100], "seconds": [1, 2], "generator": [0.5, 0.25]}
    assert np.array_equal(pixels(found["sheet"]), torch.cat([*SHEET[:, 0]]).numpy())


def test_of_what_was_not_kept_the_end_is_drawn(call, offer):
    found = call("recording", "own")
    assert (found["kept"], found["steps"], found["curves"]) == (False, [0], {})
    sheet = pixels(found["sheet"])
    assert sheet.shape == (4, 16 * 4)
    _, ninth = np.split(sheet, [8 * 4], axis=1)
    # The right half shows the label: 16 latents, a class each.
    assert ninth[0, 3] > sheet[0, 3]


SLEEPER = "import sys, time; time.sleep(60)"


def test_a_ticket_opens_one_training_which_its_owner_may_end(
    monkeypatch, serve_in_process, offer, tmp_path
):
    made = []

    def quick():
        made.append(Live(Bounds(look_seconds=0.02), [sys.executable, "-c", SLEEPER]))
        return made[-1]

    monkeypatch.setattr(learning, "Live", quick)
    with serve_in_process(offer, tmp_path) as client:
        call = functools.partial(post, client)
        ticket = call("live_start", "told", session="ann")
        assert "not over yet" in call("live_start", "told", session="ann")
        other = call("live_start", "told", session="bob")
        deadline = time.monotonic() + 20
        while (state := call("live_look", ticket, [-1, -1]))["state"] == "waiting":
            assert time.monotonic() < deadline
        assert state["state"] == "starting"
        assert [side["recipe"] for side in state["sides"]] == ["gan", "vae"]
        assert call("live_look", other, [-1, -1])["place"] == 1
        assert call("live_stop", ticket) == "stopped"
        assert "never begun" in call("live_look", "x", [-1, -1])
        made[0].close()


def test_somebodys_own_pictures_are_refused(call):
    assert "somebody's own" in call("live_start", "own")


@pytest.mark.parametrize(
    ("said", "on"),
    [(None, True), ("", True), ("1", True), (" On ", True), ("0", False), ("off", False),
     ("flase", False)],
)
def test_the_environment_switches_it_off(monkeypatch, said, on):
    monkeypatch.delenv("DUET_LIVE", raising=False)
    if said is not None:
        monkeypatch.setenv("DUET_LIVE", said)
    assert learning.trains_live() is on


def test_what_is_switched_off_cannot_be_called(call, monkeypatch):
    monkeypatch.setenv("DUET_LIVE", "0")
    assert "switched off" in call("live_start", "told")
