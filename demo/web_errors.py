"""HTTP calls that Gradio's routes cannot read get words and a status of the caller's, where Gradio
answers 500 and writes a traceback into the log."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import API_PREFIX, FnIndexInferError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
DIRECT = (f"{API_PREFIX}/run/", f"{API_PREFIX}/api/")
CLOSED = {  # what would leave files of anybody's making
    f"{API_PREFIX}/upload": "Nothing is uploaded here: texts and numbers, no files.",
    f"{API_PREFIX}/deep_link": "Links to a view come from the endpoint /link.",
}
# Of a call: a picture of the largest size (uploads.MOST_BYTES) in base64. Gradio reads 1 MB of
# numbers in JSON a second, everybody waiting.
MOST_BYTES = 6 * 2**20
TOOLS = f"{API_PREFIX}/mcp"
MOST_AT_ONCE = 128  # calls without the queue, which has a bound of its own
TOO_MANY = "Too many ask at once; ask again in a while."
TOO_LARGE = f"A call may have {MOST_BYTES} bytes; send fewer pictures at a time."


def app_options() -> dict[str, Any]:
    """Arguments for the FastAPI app that Gradio makes."""
    unread = (LookupError, TypeError, ValueError, RecursionError, FnIndexInferError)
    handlers: dict[Any, Any] = dict.fromkeys(unread, _unknown)
    return {
        "exception_handlers": handlers | {RequestValidationError: _malformed},
        "middleware": [Middleware(Bounds), Middleware(Crowd), Middleware(RefusalStatus)],
    }


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    """A route stumbled over the call before any function of ours was reached."""
    return _words("There is no such endpoint, or it does not take these inputs.", 400)


async def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """FastAPI's own answer repeats the input, which may hold what JSON cannot."""
    places = ", ".join(dict.fromkeys(".".join(map(str, e["loc"])) for e in error.errors()))
    return _words(f"The call has another form than is wanted, in {places[:200]!a}.", 422)


def _words(text: str, status: int) -> JSONResponse:
    return JSONResponse({"error": text, "detail": text}, status)


class RefusalStatus:
    """Calls without the queue that are refused in words: 400 where Gradio says 500."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(
        self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        async def answer(message: Message) -> None:
            if message.get("status") == 500 and any(direct in path for direct in DIRECT):
                message["status"] = 400
            await send(message)

        path = scope.get("path", "")
        await self.app(scope, receive, answer)


class Bounds:
    """What could fill disk or memory is refused before it is read: files, which no endpoint takes
    and Gradio would keep, its own kind of links, and calls of more than MOST_BYTES."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(
        self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        left = MOST_BYTES

        async def part() -> Message:
            nonlocal left
            message: Message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, TOO_LARGE)
            return message

        path = scope.get("path", "").rstrip("/")
        closed = next((words for end, words in CLOSED.items() if path.endswith(end)), None)
        if closed is not None:
            await _words(closed, 403)(scope, receive, send)
        elif _declared(scope) > MOST_BYTES:
            await _words(TOO_LARGE, 413)(scope, receive, send)
        else:
            await self.app(scope, part, send)


class Crowd:
    """Calls without the queue beyond MOST_AT_ONCE are refused at once: who waits, waits for a
    bounded number of others."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app, self.running = app, 0

    async def __call__(
        self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        path = scope.get("path", "")
        if scope.get("method") != "POST" or not any(part in path for part in (*DIRECT, TOOLS)):
            await self.app(scope, receive, send)
        elif self.running >= MOST_AT_ONCE:
            await _words(TOO_MANY, 503)(scope, receive, send)
        else:
            self.running += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.running -= 1


def _declared(scope: Message) -> int:
    """The length of the body as its header says; 0 where it says none."""
    lengths = [value for name, value in scope.get("headers", ()) if name == b"content-length"]
    return max((int(value) for value in lengths if value.isdigit()), default=0)
