"""Thousands of calls that nobody means, of every endpoint that the page has, by every way in: each
is answered in words or well, nothing of the machine is read, nothing stays behind.
"""

import base64
import http.server
import json
import os
import random
import tempfile
import threading
import zipfile
from io import BytesIO

import pytest
from PIL import Image

from demo import png, uploads
from demo.catalogue import Catalogue

SECRET = "the content of a file that nobody may read"
SEED = int(os.environ.get("FUZZ", "12"))
ROUNDS = 6  # of each input of every endpoint, by every way in
pytestmark = [  # Gradio's own
    pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Where temporary files would come to lie."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def client(mock_checkpoint, folder, elsewhere, serve_in_process):
    offer = Catalogue({name: mock_checkpoint(name=name) for name in ("a", "b")})
    offer.checkpoints["a"].model.encode = lambda images, labels: images.flatten(1)[:, :3]
    with pytest.MonkeyPatch.context() as patch, serve_in_process(offer, folder) as caller:
        patch.setattr(tempfile, "tempdir", str(elsewhere))
        caller.get("/gradio_api/startup-events")
        yield caller


@pytest.fixture(scope="module")
def fetched():
    """A server of this machine, and the paths that were asked of it."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/x.png", asked
        server.shutdown()


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def contents() -> list[bytes]:
    """Files of every kind."""
    picture, archive = BytesIO(), BytesIO()
    Image.new("RGB", (9, 9)).save(picture, "GIF")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("../../x", "x")
    return [
        png.still(Image.new("L", (40, 30))), picture.getvalue(), picture.getvalue()[:20],
        archive.getvalue(), b"", b"%PDF-1.7", b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR.",
        b"<svg><image href='/etc/passwd'/></svg>", b"\x89PNG\r\n\x1a\n" + bytes(400),
        b"%!PS\n(/etc/passwd) run", b"P5 99999999 99999999 255\n",
    ]


def values(secret, url) -> list:
    """What nobody means."""
    meta = {"_type": "gradio.FileData"}
    objects = [
        {"path": str(secret), "meta": meta}, {"path": url, "meta": meta},
        {"url": url, "meta": meta},
        {"path": None, "meta": meta}, {"path": 5, "meta": meta}, {"meta": meta}, {"path": ""},
        {"path": str(secret), "url": url, "orig_name": "x", "meta": meta, "is_stream": True},
        {"path": str(secret)}, {"path": str(secret), "meta": None}, {"url": f"file://{secret}"},
        {"__type__": "update", "value": {"path": str(secret), "meta": meta}},
        {"data": "data:image/png;base64,AAAA", "name": str(secret), "is_file": True},
    ]
    texts = [
        "", "x", "\0", "\ud800", "~any", "a", "0", "sample", "x" * 70_000, str(secret), url,
        f"file://{secret}", "../" * 20 + "etc/passwd", "<img src=x onerror=alert(1)>", "{{7*7}}",
        "'; DROP TABLE models; --", "%00", "NaN", "data:image/png;base64,AAAA", "${jndi:ldap://x}",
    ]
    numbers = [
        None, True, False, 0, -1, 1, 7, 2**31, 2**53, 2**64, -(10**400), 1.5, 1e308, -0.0,
        float("nan"), float("inf"), -float("inf"),
    ]
    sent = [base64.b64encode(content).decode() for content in contents()]
    deep: list = []
    for _ in range(150):
        deep = [deep]
    return [
        *objects, *texts, *numbers, *sent, *(f"data:image/png;base64,{text}" for text in sent),
        deep, [], {}, [[]], [None], [1e400] * 3, [[0.0] * 3], [[float("nan")] * 3],
        [[1, 2, 3]] * 70,
        [objects[0]], {"seed": objects[0]}, {"seed": 1}, {"a": {"b": [objects[1]]}},
    ]


def requests(chance: random.Random, endpoint: str, good: dict, bad: list):
    """One call by each way in: some inputs as they should be, some not, now and then too many."""
    inputs = {
        name: chance.choice(bad) if chance.random() < 0.6 else value for name, value in good.items()
    }
    data = list(inputs.values())
    if chance.random() < 0.1:
        data = data[:-1] if chance.random() < 0.5 else [*data, chance.choice(bad)]
    yield f"run/{endpoint}", {"data": data}
    yield f"call/{endpoint}", {"data": data}
    yield f"call/v2/{endpoint}", inputs | ({"extra": chance.choice(bad)} if not data else {})
    yield f"run/{endpoint}", chance.choice(bad)
    yield "queue/join", {"data": data, "api_name": endpoint, "session_hash": chance.choice(bad),
                         "fn_index": chance.choice(bad), "event_data": chance.choice(bad)}


def test_whatever_is_sent_is_answered_in_words_and_leaves_nothing(
    client, folder, elsewhere, fetched, tmp_path, capfd
):
    url, asked = fetched
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    schema = client.get("/gradio_api/info?all_endpoints=true").json()["named_endpoints"]
    before = client.get("/config").json()["components"]
    chance, bad = random.Random(SEED), values(secret, url)
    calls = 0
    for name, endpoint in schema.items():
        good = {
            p["parameter_name"]: p["parameter_default"] if p["parameter_has_default"] else "a"
            for p in endpoint["parameters"]
        }
        for _ in range(ROUNDS * max(1, len(good))):
            for path, body in requests(chance, name.strip("/"), good, bad):
                answer = client.post(
                    f"/gradio_api/{path}", content=json.dumps(body),
                    headers={"Content-Type": "application/json"},
                )
                calls += 1
                text = answer.text
                if path.startswith("call/") and answer.status_code == 200:
                    event = answer.json()["event_id"]
                    text = client.get(f"/gradio_api/call/{name.strip('/')}/{event}").text
                    assert "event: complete" in text or "event: error" in text
                    assert "event: error\ndata: null" not in text, (path, body)
                assert answer.status_code < 500, (path, body, text)
                if answer.status_code != 200:
                    assert 20 < len(text) < 1000, (path, body, text)
                assert "Something went wrong" not in text, (path, body)
                assert SECRET not in text
                assert "onerror=alert" not in text or answer.headers["content-type"] != "text/html"
    assert calls > 1000
    assert asked == []  # nobody made us fetch anything
    log = "".join(capfd.readouterr())
    # Nothing of ours failed; Gradio's queue logs a KeyError of its own where a reader has left.
    assert "app_blocks.py" not in log, log[-3000:]
    assert client.get("/config").json()["components"] == before
    assert {path.name for path in files(folder)} <= {"image.png"}  # what was drawn
    assert files(elsewhere) == []


GOOD = {"integer": 1, "number": 0.5, "object": {}}


def tool(client, method: str, **params):
    """What the tools' server answers to a message, as a language model's client sends it."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = client.post("/gradio_api/mcp/", content=json.dumps(message), headers={
        "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
    })
    return answer, answer.text.partition("data: ")[2]


def test_whatever_a_language_model_sends_is_answered_in_words_and_leaves_nothing(
    client, folder, elsewhere, fetched, tmp_path, capfd
):
    url, asked = fetched
    secret = tmp_path / "secret.txt"
    secret.write_text(SECRET)
    tools = json.loads(tool(client, "tools/list")[1])["result"]["tools"]
    assert len(tools) > 5
    chance, bad = random.Random(SEED), values(secret, url)
    answered = refused = 0
    for described in tools:
        properties = described["inputSchema"]["properties"]
        good = {name: kind.get("default", kind.get("enum", [GOOD.get(kind.get("type"), "a")])[0])
                for name, kind in properties.items()}  # a default of 0 goes unsaid
        for _ in range(ROUNDS * max(1, len(good))):
            inputs = {
                name: chance.choice(bad) if chance.random() < 0.25 else value
                for name, value in good.items() if chance.random() < 0.9
            }
            if chance.random() < 0.1:
                inputs["extra"] = chance.choice(bad)
            answer, text = tool(client, "tools/call", name=described["name"], arguments=inputs)
            assert answer.status_code < 500, (described["name"], inputs, answer.text)
            assert SECRET not in answer.text
            assert "Something went wrong" not in answer.text, (described["name"], inputs)
            result = json.loads(text or answer.text).get("result")
            if result is None or result["isError"]:
                refused += 1
                assert 20 < len(answer.text) < 100_000, answer.text[:300]
            else:
                answered += 1
    assert answered > 20
    assert refused > 20
    assert asked == []
    log = "".join(capfd.readouterr())
    assert "app_blocks.py" not in log, log[-3000:]
    assert {path.name for path in files(folder)} <= {"image.png"}
    assert files(elsewhere) == []


def test_a_tool_called_with_more_than_a_call_may_have_is_refused(client):
    answer, _ = tool(client, "tools/call", name="card", arguments={"model": "x" * 7_000_000})
    assert (answer.status_code, "send fewer" in answer.text) == (413, True)


def test_a_picture_that_was_handed_in_is_kept_nowhere(client, folder, elsewhere):
    sent = png.still(Image.effect_noise((40, 40), 60))
    before = set(files(folder))
    answer = client.post("/gradio_api/run/reconstruct", json={
        "data": ["a", base64.b64encode(sent).decode(), "~any", 0],
    })
    assert answer.status_code == 200, answer.text
    (drawn,) = set(files(folder)) - before
    assert drawn.read_bytes() != sent
    assert files(elsewhere) == []
    assert uploads.MOST_BYTES < 2**23
