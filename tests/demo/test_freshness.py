"""What an answer says of how long it may be kept."""

import asyncio
import os
from pathlib import Path

import gradio
import pytest

from demo.catalogue import Catalogue
from demo.facts import STAGE
from demo.freshness import ASK, FOREVER, NEVER, Freshness

FILES = f"/gradio_api/file={STAGE}/"
pytestmark = [  # Gradio's own
    pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client(mock_checkpoint, tmp_path_factory, serve_in_process):
    offer = Catalogue({"g": mock_checkpoint(name="g")})
    with serve_in_process(offer, tmp_path_factory.mktemp("gradio")) as caller:
        yield caller


def test_what_is_said_is_what_browsers_understand():
    assert FOREVER == "public, max-age=31536000, immutable"  # a year, by everybody in between too
    assert (ASK, NEVER) == ("no-cache", "no-store")


def kept(answer) -> str:
    return answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/config", NEVER), ("/gradio_api/info", NEVER),
        (f"{FILES}app.js", ASK), (f"{FILES}stage.json", ASK),
        (f"{FILES}models/mnist-gan/decoder.onnx.gz", ASK),
        (f"{FILES}models/mnist-gan/decoder.onnx.gz?{'0f' * 32}", FOREVER),
        (f"{FILES}app.js?{'0f' * 31}", ASK),
        (f"/assets/../{FILES}no.js?{'0f' * 32}", NEVER),
    ],
)
def test_what_a_browser_gets_says_how_long_it_may_be_kept(client, path, words):
    assert kept(client.get(path)) == words


def test_gradios_own_scripts_are_kept_for_ever(client):
    script = next(Path(gradio.__file__).parent.glob("templates/frontend/assets/index-*.js"))
    assert kept(client.get(f"/assets/{script.name}")) == FOREVER
    assert kept(client.get("/assets/nothing-123.js")) == NEVER


def test_answers_are_kept_nowhere_and_the_pictures_in_them_for_ever(client):
    answer = client.post("/gradio_api/run/sample", json={"data": ["g", "g", "~any", 4, 0, 1.0]})
    refused = client.post("/gradio_api/run/sample", json={"data": ["x"]})
    assert [kept(answer), kept(refused)] == [NEVER, NEVER]
    path = answer.json()["data"][0]["path"]
    picture = client.get(f"/gradio_api/file={path}")
    assert (picture.status_code, kept(picture)) == (200, FOREVER)
    os.unlink(path)  # as the bound on files does: it may come again
    gone = client.get(f"/gradio_api/file={path}")
    assert (gone.status_code, kept(gone)) == (403, NEVER)


@pytest.mark.parametrize("packed", ["identity", "br"])
def test_who_has_a_file_gets_it_once(client, packed):
    headers = {"Accept-Encoding": packed}
    first = client.get(f"{FILES}app.js", headers=headers)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = client.get(f"{FILES}app.js", headers=headers | {"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], kept(again)) == (tag, ASK)
        assert "content-length" not in again.headers
    other = client.get(f"{FILES}app.js", headers=headers | {"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def told(status: int, *headers: tuple[bytes, bytes], method: str = "GET") -> str:
    """What is said of an answer with these headers."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": status, "headers": [*headers]})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": []}
    asyncio.run(Freshness(app)(scope, None, send))
    return dict(sent[0]["headers"])[b"cache-control"].decode()


def test_the_page_is_asked_for_each_time_and_what_says_so_itself_is_believed():
    html, stream = (b"content-type", b"text/html; charset=utf-8"), (b"content-type", b"text/x")
    assert told(200, html) == told(200, html, method="HEAD") == ASK
    assert told(500, html) == told(200, html, method="POST") == told(200, stream) == NEVER
    assert told(200, stream, (b"cache-control", b"max-age=5")) == "max-age=5"
