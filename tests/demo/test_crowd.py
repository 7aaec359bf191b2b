"""More callers than the page has hands: some wait in sight of their place, the rest is refused."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx
import pytest
from gradio_client import Client

from demo import blocks, bounds
from demo.catalogue import Catalogue

CALL = {"data": ["g", "g", "~any", 4, 0, 1.0]}
pytestmark = [  # Gradio's own
    pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def slow(mock_checkpoint):
    """A model that draws when the event is set."""
    known, go = mock_checkpoint(name="g"), threading.Event()
    decode = known.model.decode

    def wait(z, labels):
        assert go.wait(60)
        return decode(z, labels)

    known.model.decode = wait
    return Catalogue({"g": known}), go


def call(seed: int) -> list:
    return ["g", "g", "~any", 4, seed, 1.0]


def test_who_waits_sees_his_place_and_who_comes_too_late_is_told(
    slow, serve_over_http, tmp_path, monkeypatch
):
    offer, go = slow
    monkeypatch.setattr(blocks, "QUEUE_SIZE", 3)
    with serve_over_http(offer, tmp_path) as url:
        client = Client(url, verbose=False)
        jobs = [client.submit(*call(0), api_name="/sample")]
        deadline = time.monotonic() + 60
        while jobs[0].status().code.name != "PROCESSING" and time.monotonic() < deadline:
            time.sleep(0.05)
        jobs += [client.submit(*call(seed), api_name="/sample") for seed in (1, 2, 3)]
        while None in (ranks := [job.status().rank for job in jobs[1:]]):
            assert time.monotonic() < deadline, ranks
            time.sleep(0.05)
        assert sorted(ranks) == [0, 1, 2]
        late = httpx.post(f"{url}gradio_api/call/sample", json={"data": call(9)}, timeout=60)
        assert (late.status_code, "Queue is full" in late.text) == (503, True)
        go.set()
        assert [job.result(timeout=60)[1] for job in jobs] == [
            f"g: images 0–3 of seed {seed}" for seed in range(4)
        ]


def test_of_many_direct_calls_some_are_refused_at_once(
    slow, serve_over_http, tmp_path, monkeypatch
):
    offer, go = slow
    monkeypatch.setattr(bounds, "MOST_AT_ONCE", 3)
    with serve_over_http(offer, tmp_path) as url, ThreadPoolExecutor(8) as pool:
        address = f"{url}gradio_api/run/sample"

        def ask(seed: int) -> httpx.Response:
            return httpx.post(address, json={"data": call(seed)}, timeout=60)

        asked = [pool.submit(ask, seed) for seed in range(8)]
        refused = [answer.result() for answer in itertools.islice(as_completed(asked), 5)]
        assert [answer.status_code for answer in refused] == [503] * 5
        assert refused[0].json()["error"] == "Too many ask at once; ask again in a while."
        assert httpx.get(f"{url}config", timeout=60).status_code == 200
        go.set()
        codes = sorted(answer.result().status_code for answer in asked)
        assert codes == [200] * 3 + [503] * 5
        assert ask(9).status_code == 200  # there is room again


def test_who_waits_too_long_for_his_turn_is_told(slow, serve_over_http, tmp_path, monkeypatch):
    offer, go = slow
    monkeypatch.setattr("demo.two_sides.PATIENCE_SECONDS", 0.2)
    with serve_over_http(offer, tmp_path) as url, ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(
            lambda seed: httpx.post(f"{url}gradio_api/run/sample", json={"data": call(seed)},
                                    timeout=60) if seed < 3 else go.wait(2) or go.set(),
            range(4),
        ))[:3]
    assert sorted(answer.status_code for answer in answers) == [200, 200, 503]
    (refused,) = [answer for answer in answers if answer.status_code == 503]
    assert "Too many ask at once" in refused.json()["error"]


def test_a_sheet_that_was_drawn_is_drawn_no_more(mock_checkpoint, serve_in_process, tmp_path):
    known, drawn = mock_checkpoint(name="g"), []
    decode = known.model.decode
    known.model.decode = lambda z, labels: drawn.append(len(z)) or decode(z, labels)
    with serve_in_process(Catalogue({"g": known}), tmp_path) as client:
        answers = [client.post("/gradio_api/run/sample", json=CALL).json() for _ in range(3)]
        assert drawn == [4]  # once, though twice in every answer
        paths = {answer["data"][0]["path"] for answer in answers}
        assert len(paths) == 1
        first = client.get(f"/gradio_api/file={paths.pop()}")
        for path in tmp_path.rglob("*.png"):
            path.unlink()  # as the bound on files does
        again = client.post("/gradio_api/run/sample", json=CALL).json()["data"][0]
        assert client.get(f"/gradio_api/file={again['path']}").content == first.content
        client.post("/gradio_api/run/sample", json={"data": ["g", "g", "~any", 4, 0, 0.5]})
        assert drawn == [4, 4]
