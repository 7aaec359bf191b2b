"""Every endpoint, called as no program should: each answer is words, none an empty error, a 500 or
a traceback in the log."""

import base64
import json

import pytest
from PIL import Image

from demo import png, programs
from demo.bounds import MOST_BYTES
from demo.catalogue import Catalogue

DEEP: list = []
for _ in range(200):
    DEEP = [DEEP]
FILE = {"path": "/etc/passwd", "url": "http://127.0.0.1/x", "meta": {"_type": "gradio.FileData"}}
PICTURE = base64.b64encode(png.still(Image.new("L", (9, 8), 40))).decode()
BAD = {
    "null": None, "true": True, "negative": -1, "huge": 10**300, "float": 1.5, "nan": float("nan"),
    "infinity": float("inf"), "text": "x", "empty": "", "long": "x" * 100_000, "nul": "\0",
    "surrogate": "\ud800", "markup": "<script>alert(1)</script>", "list": [], "object": {},
    "deep": DEEP, "file": FILE, "nested file": {"a": [FILE]}, "path": "../../etc/passwd",
    "unhashable": [{"a": []}], "update": {"__type__": "update", "value": 1},
}
ENDPOINTS = {
    "sample": ["left", "right", "class_name", "count", "seed", "truncation"],
    "interpolate": [
        "left", "right", "start_seed", "start_class_name", "end_seed", "end_class_name", "steps",
        "path", "truncation",
    ],
    "card": ["model"],
    "link": ["tab", "options"],
    "models": [],
    "scores": ["dataset"],
    "arrays": ["model", "class_name", "count", "seed", "truncation"],
    "reconstruct": ["model", "picture", "class_name", "seed"],
    "decode": ["model", "z", "labels"],
    "encode": ["model", "pixels", "labels"],
    "nearest": ["model", "pixels", "label", "seed"],
    "recording": ["model"],
    "live_start": ["model"],
    "live_look": ["ticket", "seen"],
    "live_stop": ["ticket"],
    "atlas": ["model"],
    "fit": ["model", "picture"],
    "held_out": ["model"],
}
GOOD = {
    "card": {"model": "a"}, "arrays": {"model": "a"},
    "reconstruct": {"model": "a", "picture": PICTURE},
    "link": {"tab": "sample", "options": {}},
    "decode": {"model": "a", "z": [[0, 0.5, -1]], "labels": [9]},
    "encode": {"model": "a", "pixels": "AAAAAAAAAAAAAAAAAAAAAA==", "labels": [9]},
    "nearest": {"model": "a", "pixels": "AAAAAAAAAAAAAAAAAAAAAA==", "label": None, "seed": 0},
    "recording": {"model": "a"}, "live_start": {"model": "a"},
    "live_look": {"ticket": "x", "seen": [-1, -1]}, "live_stop": {"ticket": "x"},
    "atlas": {"model": "a"}, "fit": {"model": "a", "picture": PICTURE}, "held_out": {"model": "a"},
}
PARAMETERS = [(endpoint, name) for endpoint, names in ENDPOINTS.items() for name in names]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("gradio")


@pytest.fixture(scope="module")
def client(mock_checkpoint, folder, serve_in_process):
    offer = Catalogue({name: mock_checkpoint(name=name) for name in ("a", "b")})
    offer.checkpoints["a"].model.encode = lambda images, labels: images.flatten(1)[:, :3]
    with serve_in_process(offer, folder) as caller:
        yield caller


@pytest.fixture(scope="module")
def good(client):
    """endpoint -> the inputs that it takes, by the schema that it publishes."""
    schema = client.get("/gradio_api/info?all_endpoints=true").json()["named_endpoints"]
    return {
        name.strip("/"): {
            p["parameter_name"]: p["parameter_default"] if p["parameter_has_default"] else None
            for p in endpoint["parameters"]
        } | GOOD.get(name.strip("/"), {})
        for name, endpoint in schema.items()
    }


def call(client, endpoint: str, data: object):
    body = json.dumps({"data": data})
    return client.post(
        f"/gradio_api/run/{endpoint}", content=body, headers={"Content-Type": "application/json"}
    )


def test_the_schema_is_what_is_tried_here(good):
    assert {name: list(inputs) for name, inputs in good.items()} == ENDPOINTS


@pytest.mark.parametrize("endpoint", [name for name in ENDPOINTS if not name.startswith("live")])
def test_good_calls_are_answered(client, good, endpoint):
    answer = call(client, endpoint, list(good[endpoint].values()))
    assert answer.status_code == 200
    assert answer.json()["data"]


@pytest.mark.parametrize(("endpoint", "name"), PARAMETERS)
def test_a_bad_input_is_answered_in_words(client, good, capfd, endpoint, name):
    for kind, value in BAD.items():
        if (name, kind) in {("options", "object"), ("seed", "float")}:
            continue
        answer = call(client, endpoint, list((good[endpoint] | {name: value}).values()))
        if name in ("count", "steps", "seed", "start_seed", "end_seed", "truncation"):
            assert answer.status_code == 400, (kind, answer.text)
        assert answer.status_code in (200, 400), (kind, answer.text)
        if answer.status_code == 400:
            words = answer.json()["error"]
            assert words, kind
            assert len(words) < 300, (kind, words)
            assert "<script" not in words
            assert "Something went wrong" not in words, kind
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_too_few_and_too_many_inputs_are_counted(client, good, capfd, endpoint):
    inputs = list(good[endpoint].values())
    for wrong in (inputs[:-1], [*inputs, 1]) if inputs else ([1],):
        answer = call(client, endpoint, wrong)
        assert answer.status_code == 400
        assert answer.json()["error"] == f"This takes {len(inputs)} inputs, not {len(wrong)}."
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(("endpoint", "name"), [("card", "model"), ("sample", "seed")])
def test_a_file_of_the_machine_is_not_taken(client, good, folder, endpoint, name):
    before = sorted(folder.rglob("*"))
    answer = call(client, endpoint, list((good[endpoint] | {name: FILE}).values()))
    assert "texts, numbers, no files" in answer.json()["error"]
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (None, "Options must be an object"), ([], "Options must be an object"),
        ({"sede": 3}, "There is no option 'sede', only left, right, class_name"),
        ({"seed": None}, "Seed must be"), ({"left": FILE}, "no files"),
        ({"seed": [[[]]]}, "Seed must be"), ({"\ud800": 1}, "There is no option"),
    ],
)
def test_link_says_what_is_wrong_with_its_options(client, options, words):
    answer = call(client, "link", ["sample", options])
    assert (answer.status_code, words in answer.json()["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("run/sample", '{"data": NaN}'), ("run/sample", '{"data": "\\ud800"}'),
        ("run/sample", "[" * 100_000), ("run/sample", "not JSON"), ("run/sample", '{"data": null}'),
        ("run/sample", ""), ("run/nothing", '{"data": []}'), ("call/nothing", '{"data": []}'),
        ("call/v2/nothing", "{}"), ("call/v2/sample", '{"no": 1}'), ("call/v2/sample", "[]"),
        ("queue/join", '{"data": [], "fn_index": 9999, "session_hash": "x"}'),
        ("queue/join", '{"data": [], "fn_index": -1, "session_hash": "x"}'),
        ("queue/join", '{"data": []}'), ("run/sample", '{"data": [' + "9" * 5000 + "]}"),
    ],
)
def test_a_call_that_cannot_be_read_is_refused_in_words(client, capfd, path, body):
    answer = client.post(
        f"/gradio_api/{path}", content=body, headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.text) > 20
    assert len(answer.text) < 500
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_call_is_refused_before_it_is_kept(client, declared):
    """Whether its length is said beforehand or not."""
    for path in ("run/sample", "call/decode", "queue/join"):
        body = b" " * (MOST_BYTES + 1) if declared else iter([b" " * 2**20] * 17)
        answer = client.post(
            f"/gradio_api/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, "send fewer" in answer.text) == (413, True)


def test_nothing_is_uploaded(client, folder):
    before = sorted(folder.rglob("*"))
    answer = client.post("/gradio_api/upload", files={"files": ("a.png", b"x" * 1000)})
    assert (answer.status_code, "Nothing is uploaded" in answer.json()["error"]) == (403, True)
    assert sorted(folder.rglob("*")) == before


CLIP = {"video": ("a.mp4", b"x" * 1000)}


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("POST", "process_recording", {"files": CLIP}), ("POST", "process_recording/", {}),
        ("POST", "component_server", {"data": {"fn_name": "x"}, "files": CLIP}),
        ("POST", "component_server/", {"json": {"fn_name": "x"}}),
        ("GET", "custom_component/x/client/component/index.js", {}),
        ("GET", "file=http://127.0.0.1:1/x.png", {}), ("HEAD", "file=https://example.com/x", {}),
        ("GET", "file=HTTP://127.0.0.1:1/x.png", {}), ("GET", "file%3Dhttp:%2F%2F127.0.0.1/", {}),
        ("GET", "mcp/sse", {}), ("POST", "mcp/messages/?session_id=1", {"json": {}}),
    ],
)
def test_routes_of_gradios_that_the_page_has_no_use_for_are_closed(
    client, folder, capfd, method, path, more
):
    """They keep files, run ffmpeg over them, fetch what anybody names, or know no bound."""
    before = sorted(folder.rglob("*"))
    answer = client.request(method, f"/gradio_api/{path}", **more)
    assert answer.status_code == 403
    if method != "HEAD":
        assert len(answer.json()["error"]) > 30
    assert sorted(folder.rglob("*")) == before
    assert "Traceback" not in capfd.readouterr().err


def test_gradios_own_links_leave_no_files(client, good, folder):
    """It keeps what a session shows for whoever asks, and for ever."""
    inputs = json.dumps({"data": list(good["sample"].values()), "session_hash": "someone"})
    headers = {"Content-Type": "application/json"}
    assert client.post("/gradio_api/run/sample", content=inputs, headers=headers).is_success
    for path in ("deep_link", "deep_link/"):
        answer = client.get(f"/gradio_api/{path}?session_hash=someone")
        assert (answer.status_code, "/link" in answer.json()["error"]) == (403, True)
    assert not [path for path in folder.rglob("*") if path.name == "state.json"]


def test_what_the_browser_does_by_itself_is_not_called_here(client, capfd):
    functions = client.get("/config").json()["dependencies"]
    own = [place for place, function in enumerate(functions) if not function["backend_fn"]]
    assert own
    for place in own:
        wanted = len(functions[place]["inputs"])
        answer = client.post(
            "/gradio_api/run/predict", json={"fn_index": place, "data": [None] * wanted}
        )
        assert (answer.status_code, "in the browser" in answer.json()["error"]) == (400, True)
    assert "Traceback" not in capfd.readouterr().err


def test_what_fails_unforeseen_is_told_to_the_log_and_not_to_the_caller(
    client, good, capfd, monkeypatch
):
    def fail(*arguments):
        raise KeyError("a secret path")

    monkeypatch.setattr(programs.card, "as_json", fail)
    answer = call(client, "card", ["a"])
    assert answer.status_code == 500
    assert "Something went wrong" in answer.json()["error"]
    assert "secret" not in answer.text
    assert "a secret path" in capfd.readouterr().err


def test_files_are_bounded_while_programs_call(client, good, folder, monkeypatch):
    given_back = []
    monkeypatch.setattr("demo.memory.give_back", lambda: given_back.append(1))
    monkeypatch.setattr("demo.app_blocks.TRIM_EVERY", 5)
    monkeypatch.setattr("demo.temporary.trim.__defaults__", (6, 2**29))
    for seed in range(20):
        assert call(client, "sample", list((good["sample"] | {"seed": seed}).values())).is_success
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert 6 <= len(files) < 6 + 2 * 5
    assert 3 <= len(given_back) <= 5
