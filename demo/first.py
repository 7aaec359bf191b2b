"""What stands in the page's HTML before Gradio is there: Gradio's own scripts take seconds to lay a
page out, and the stage (demo/stage/app.js) needs none of them to begin.
"""

from pathlib import Path
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo import share
from demo.facts import STAGE

HEADER = """<header><h1>Duet</h1><p>A GAN and a VAE, trained on the same pictures.
Give both the same seed and see what each makes of it.</p>
<button type="button" class="language" translate="no"><span lang="zh">中文</span>
<span lang="en">English</span></button></header>"""


def address(folder: Path) -> str:
    """Where Gradio serves a static folder from, as seen from the page."""
    return f"gradio_api/file={quote(str(folder))}/"


FOLDER = address(STAGE)
STYLES = (STAGE / "first.css", STAGE / "around.css")
SCRIPT, HIDE = STAGE / "first.js", STAGE / "hide.js"
# What no module of the page imports.
ALONE = (SCRIPT.name, HIDE.name, "words.js", "worker.js", "pair.js", "directions.js", "space.js",
         "panel.js", "chart.js", "back.js", "cell.js", "packed.js", "way.js")
MARK, HEAD = b"<gradio-app", b"</head>"  # Gradio lays the page out within the first


def html() -> str:
    """The page's header, the recordings, and what lets the stage begin below them; all out of sight
    where the address asks for another tab."""
    modules = sorted(path.name for path in STAGE.glob("*.js") if path.name not in ALONE)
    style = "".join(path.read_text(encoding="utf-8") for path in STYLES)
    links = "".join(f'<link rel="modulepreload" href="{FOLDER}{name}">' for name in modules)
    return (
        f"<script>{HIDE.read_text(encoding='utf-8')}</script>"
        f'<script type="module" src="{FOLDER}words.js"></script>'
        f'<style>{style}</style><div id="first" hidden>{HEADER}'
        f'<p class="coming">The models to choose from are on their way …</p>'
        f'<div class="poster"><canvas></canvas><canvas></canvas></div><template>{links}'
        f'<link rel="preload" as="fetch" crossorigin href="{FOLDER}stage.css"></template></div>'
        f"<script>{SCRIPT.read_text(encoding='utf-8')}</script>"
    )


class FirstPicture:
    """Middleware: puts `html()` into Gradio's page, before its own element, and our share card in
    the place of Gradio's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.html = html().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = b""

        async def answer(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_html(message):
                start = message  # its length is not known yet
                return
            if message["type"] != "http.response.body" or not start:
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body", False):
                return
            page = _with_card(body, scope).replace(MARK, self.html + MARK, 1)
            headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length"]
            length = (b"content-length", str(len(page)).encode())
            await send({**start, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": page})

        await self.app(scope, receive, answer if scope.get("path") == "/" else send)


def _with_card(page: bytes, scope: Scope) -> bytes:
    head, end, rest = page.partition(HEAD)
    if not end:
        return page
    card = share.tags(share.origin(scope) + FOLDER)
    return (share.without_tags(head.decode()) + card).encode() + end + rest


def _is_html(message: Message) -> bool:
    return any(
        key.lower() == b"content-type" and value.startswith(b"text/html")
        for key, value in message.get("headers", ())
    )
