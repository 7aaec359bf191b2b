"""What the page's HTML holds before any script of Gradio's has run."""

import asyncio
import re

import pytest

from demo import first, stage_tab
from demo.catalogue import Catalogue
from demo.facts import STAGE


def asked(path: str, *parts: bytes, kind: bytes = b"text/html; charset=utf-8", **more):
    """What the middleware sends of an answer that comes in parts: its start, and its whole body."""
    sent = []

    async def app(scope, receive, send):
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(b"".join(parts)))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, part in enumerate(parts):
            more_body = i < len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": more_body})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": path, **more}
    asyncio.run(first.FirstPicture(app)(scope, None, send))
    return dict(sent[0]["headers"]), b"".join(message.get("body", b"") for message in sent)


def test_the_page_gets_it_before_gradios_own_element_in_whatever_parts_it_comes():
    for parts in ([b"<body> <gradio-app x></gradio-app>"],
                  [b"<body> <grad", b"io-app x></gradio-app>"]):
        headers, body = asked("/", *parts)
        before, after = body.split(b"<gradio-app", 1)
        assert before == b"<body> " + first.html().encode()
        assert after == b" x></gradio-app>"
        assert headers[b"content-length"] == b"%d" % len(body)


@pytest.mark.parametrize(
    ("path", "kind"), [("/config", b"text/html"), ("/", b"application/json"), ("/", b"")]
)
def test_other_answers_pass_as_they_are(path, kind):
    assert asked(path, b"<gradio", b"-app>", kind=kind)[1] == b"<gradio-app>"


def test_a_page_of_another_kind_passes_too():
    assert asked("/", b"no page of Gradio's")[1] == b"no page of Gradio's"
    assert asked("/", b"")[1] == b""


def test_a_shared_link_shows_our_card_in_the_place_of_gradios():
    page = b'<head><meta property="og:title" content="Gradio" /></head><gradio-app></gradio-app>'
    headers, body = asked("/", page, scheme="https", headers=[(b"host", b"duet.example")])
    tags = body.decode().split("</head>")[0]
    (picture,) = re.findall(r'property="og:image" content="([^"]*)"', tags)
    assert picture == f"https://duet.example/{first.FOLDER}share.png"
    assert re.findall(r'property="og:title" content="(\w*)', tags) == ["Duet"]
    assert headers[b"content-length"] == b"%d" % len(body)


def read(name: str) -> str:
    return (STAGE / name).read_text()


def test_every_module_that_the_page_imports_is_asked_for_at_once():
    """And no other: what is imported follows from the modules' own lines."""
    imported, waiting = set(), ["app.js"]
    while waiting:
        name = waiting.pop()
        if name not in imported:
            imported.add(name)
            waiting += re.findall(r'^(?:import .*|} )from "\./(.*)";$', read(name), re.M)
    linked = re.findall(r'rel="modulepreload" href="[^"]*/([^"/]+)"', first.html())
    assert sorted(linked) == sorted(imported)


def test_the_pages_configuration_has_the_stages_facts_and_where_its_files_are(
    mock_checkpoint, serve_in_process, tmp_path
):
    """As the script reads them before anything has been loaded."""
    offer = Catalogue({"gan": mock_checkpoint(name="gan")})
    with serve_in_process(offer, tmp_path) as caller:
        config = caller.get("/config").json()
        (stage,) = (c for c in config["components"] if c["props"].get("elem_id") == "stage")
        told = stage["props"]["props"]
        assert told["facts"]["left"] == "gan"
        script = caller.get(f"/{told['folder']}app.js")
        assert script.headers["content-type"].startswith("text/javascript")
        frames = {c["props"]["elem_id"]: c["props"] for c in config["components"]
                  if c["props"].get("elem_id") in ("learning", "explore", "reconstruct")}
        assert {frame["js_on_load"] for frame in frames.values()} == {stage_tab.SCRIPT}
        for frame in frames.values():  # loaded when their tab is in view, and there
            module = caller.get(f"/{frame['props']['folder']}{frame['props']['module']}")
            assert module.headers["content-type"].startswith("text/javascript")
            assert "export async function begin(" in module.text
