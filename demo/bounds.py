"""What could fill disk, memory or the line is refused before it is read: routes of Gradio's that
this page has no use for, long calls, and more calls at once than wait for a bounded number of
others."""

import re

from gradio.route_utils import API_PREFIX
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DIRECT = (f"{API_PREFIX}/run/", f"{API_PREFIX}/api/")  # calls without the queue
TOOLS = f"{API_PREFIX}/mcp"
NO_FILES = "Nothing is uploaded here: texts and numbers, no files."
OWN_FILES = "Only files of this page are served here."
CLOSED = {  # the path behind API_PREFIX, or its beginning
    "upload": NO_FILES,  # it would be kept
    "process_recording": NO_FILES,  # it would be kept, and handed to ffmpeg
    "component_server": NO_FILES,
    "deep_link": "Links to a view come from the endpoint /link.",  # files of anybody's making
    "custom_component": OWN_FILES,
    "file=http:": OWN_FILES,  # fetched from anywhere, for anybody
    "file=https:": OWN_FILES,
    "mcp/sse": "Tools are called by streamable HTTP, at gradio_api/mcp/.",  # beyond MOST_AT_ONCE
    "mcp/messages": "Tools are called by streamable HTTP, at gradio_api/mcp/.",
}
_CLOSED = re.compile(
    rf".*{API_PREFIX}/+({'|'.join(CLOSED)})(?:/.*)?", re.DOTALL | re.IGNORECASE
)
# Of a call: a picture of the largest size (uploads.MOST_BYTES) in base64. Gradio reads 1 MB of
# numbers in JSON a second, everybody waiting.
MOST_BYTES = 6 * 2**20
MOST_AT_ONCE = 128  # calls without the queue, which has a bound of its own
TOO_MANY = "Too many ask at once; ask again in a while."
TOO_LARGE = f"A call may have {MOST_BYTES} bytes; send fewer pictures at a time."


def words(text: str, status: int) -> JSONResponse:
    """A refusal, as Gradio's clients and FastAPI's read it."""
    return JSONResponse({"error": text, "detail": text}, status)


class Bounds:
    """Middleware: refuses what is CLOSED, and calls of more than MOST_BYTES."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = MOST_BYTES

        async def part() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, TOO_LARGE)
            return message

        closed = _CLOSED.fullmatch(scope.get("path", ""))
        if closed is not None:
            await words(CLOSED[closed[1].lower()], 403)(scope, receive, send)
        elif _declared(scope) > MOST_BYTES:
            await words(TOO_LARGE, 413)(scope, receive, send)
        else:
            await self.app(scope, part, send)


class Crowd:
    """Middleware: calls without the queue beyond MOST_AT_ONCE are refused at once."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.running = app, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope.get("method") != "POST" or not any(part in path for part in (*DIRECT, TOOLS)):
            await self.app(scope, receive, send)
        elif self.running >= MOST_AT_ONCE:
            await words(TOO_MANY, 503)(scope, receive, send)
        else:
            self.running += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.running -= 1


def _declared(scope: Scope) -> int:
    """The length of the body as its header says; 0 where it says none."""
    lengths = [value for name, value in scope.get("headers", ()) if name == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit()), default=0)
