"""/nearest as a page and a program ask it: part by part, through the queue."""

import base64
import json

import numpy as np
import pytest
import torch

from demo import seek
from demo.catalogue import Catalogue
from duet.models.nearest import nearest


@pytest.fixture(scope="module")
def offer(mock_checkpoint):
    return Catalogue({"gan": mock_checkpoint(name="gan")})


@pytest.fixture(scope="module")
def client(offer, serve_in_process, tmp_path_factory):
    with serve_in_process(offer, tmp_path_factory.mktemp("gradio")) as caller:
        caller.get("/gradio_api/startup-events")  # of the queue
        yield caller


def as_text(image: torch.Tensor) -> str:
    return base64.b64encode(image.numpy().tobytes()).decode()


def asked(client, *data) -> list[tuple[str, dict]]:
    """Event and data of each part, as they come over the wire."""
    begun = client.post("/gradio_api/call/nearest", json={"data": data}).json()
    stream = client.get(f"/gradio_api/call/nearest/{begun['event_id']}").text
    lines = [line.partition(": ")[::2] for line in stream.splitlines() if line]
    events = [value for name, value in lines if name == "event"]
    parts = [json.loads(value) for name, value in lines if name == "data"]
    return [(e, p) for e, p in zip(events, parts, strict=True) if e != "heartbeat"]


@pytest.mark.timeout(60)
def test_the_parts_come_one_after_the_other_and_end_with_what_the_library_finds(client, offer):
    model = offer.checkpoints["gan"].model
    z, labels = torch.tensor([[1.5, 0, 0]]), torch.tensor([7])
    image = model.render(z, labels)[0]
    parts = asked(client, "gan", as_text(image), None, 4)
    assert [event for event, _ in parts][-2:] == ["generating", "complete"]
    steps = [part[0]["step"] for event, part in parts if event == "generating"]
    assert steps == [1, *range(seek.TOLD_EVERY, seek.STEPS + 1, seek.TOLD_EVERY)]
    last, found = parts[-1][1][0], nearest(model, image, seed=4)
    assert last["label"] == found.label == 7
    assert last["class_name"] == "7"
    assert last["z"] == pytest.approx(found.z.tolist())
    assert last["error"] == pytest.approx(found.errors[-1], abs=1e-3)
    assert last["shape"] == [1, 1, 4, 4]
    drawn = np.frombuffer(base64.b64decode(last["pixels"]), np.uint8).reshape(1, 4, 4)
    assert np.array_equal(drawn, found.image.numpy())
    assert np.abs(drawn.astype(int) - image.numpy()).max() <= 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (("other", as_text(torch.zeros(16, dtype=torch.uint8))), "Model must be one of gan"),
        (("gan", "AAAA"), "Pixels must be base64 of 16 bytes"),
        (("gan", as_text(torch.zeros(32, dtype=torch.uint8))), "base64 of 16 bytes"),
        (("gan", as_text(torch.zeros(16, dtype=torch.uint8)), 10), "label 10"),
        (("gan", as_text(torch.zeros(16, dtype=torch.uint8)), None, -1), "Seed must be"),
    ],
)
def test_what_is_not_understood_is_refused_in_words(client, capfd, data, words):
    data = [*data, *(None, 0)[len(data) - 2 :]]
    answer = client.post("/gradio_api/run/nearest", json={"data": data})
    assert (answer.status_code, words in answer.json()["error"]) == (400, True)
    assert "Traceback" not in capfd.readouterr().err


def test_a_direct_run_is_answered_with_the_first_part_and_leaves_nothing_running(client, offer):
    text = as_text(torch.full((16,), 40, dtype=torch.uint8))
    for _ in range(3):
        answer = client.post("/gradio_api/run/nearest", json={"data": ["gan", text, None, 0]})
        assert answer.json()["data"][0]["step"] == 1
