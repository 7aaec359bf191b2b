"""How long browsers and whatever lies before us may keep an answer, said in each.

What its address names by content is kept for ever. Files are kept too, but asked about each time:
a new release must not mix with the modules of the last. The page is asked for each time. All else,
the answers to calls above all, is kept nowhere.
"""

import re

from gradio.route_utils import API_PREFIX
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOREVER, ASK, NEVER = "public, max-age=31536000, immutable", "no-cache", "no-store"
DIGEST = "[0-9a-f]{64}"
# Gradio's own scripts carry a hash in their names, pictures that were drawn in their folder's
# (demo/temporary.py); the stage asks for models with that of their content behind them.
NAMED = re.compile(rf"/assets/[^/]+|{API_PREFIX}/file=.*/{DIGEST}/[^/]+")
ASKED = re.compile(DIGEST.encode())


class Freshness:
    """Middleware: writes Cache-Control where an answer has none, and answers 304 to who has the
    file already."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spared = False

        async def answer(message: Message) -> None:
            nonlocal spared
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("cache-control", _kept(scope, message["status"], headers))
                spared = message["status"] == 200 and _has(scope, headers.get("etag"))
                if spared:
                    message["status"] = 304
                    del headers["content-length"]
            elif spared:
                if message.get("more_body", False):
                    return
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self.app(scope, receive, answer if scope["type"] == "http" else send)


def _kept(scope: Scope, status: int, headers: Headers) -> str:
    if scope["method"] not in ("GET", "HEAD") or status not in (200, 206):
        return NEVER
    is_file = "etag" in headers
    if is_file and (NAMED.fullmatch(scope["path"]) or ASKED.fullmatch(scope["query_string"])):
        return FOREVER
    return ASK if is_file or headers.get("content-type", "").startswith("text/html") else NEVER


def _has(scope: Scope, etag: str | None) -> bool:
    """Whether who asks has the file of this tag; whoever packed it on its way has made it weak."""
    known = Headers(scope=scope).get("if-none-match", "")
    return etag is not None and etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]
