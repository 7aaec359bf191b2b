"""HTTP calls that Gradio's routes cannot read, or that are refused, get words and a status of their
kind, where Gradio answers 500 and may write a traceback into the log."""

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from gradio.route_utils import FnIndexInferError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.app_blocks import FAILED
from demo.bounds import DIRECT, TOO_MANY, words

UNREAD = (LookupError, TypeError, ValueError, RecursionError, FnIndexInferError)


def handlers() -> dict[Any, Any]:
    """What answers where a route stumbles over a call before any function of ours is reached."""
    return dict.fromkeys(UNREAD, _unknown) | {RequestValidationError: _malformed}


async def _unknown(request: Request, error: Exception) -> JSONResponse:
    return words("There is no such endpoint, or it does not take these inputs.", 400)


async def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
    """FastAPI's own answer repeats the input, which may hold what JSON cannot."""
    places = ", ".join(dict.fromkeys(".".join(map(str, e["loc"])) for e in error.errors()))
    return words(f"The call has another form than is wanted, in {places[:200]!a}.", 422)


class RefusalStatus:
    """Middleware: calls without the queue that are refused in words, of which Gradio says 500. 503
    for who shall ask again, 500 where we failed, 400 where the call is at fault."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start: Message | None = None

        async def answer(message: Message) -> None:
            nonlocal start
            if message.get("status") == 500:
                start = message  # the words decide, and come next
                return
            if start is not None:
                await send({**start, "status": _status(message.get("body", b""))})
                start = None
            await send(message)

        direct = any(part in scope.get("path", "") for part in DIRECT)
        await self.app(scope, receive, answer if direct else send)


def _status(body: bytes) -> int:
    if TOO_MANY.encode() in body:
        return 503
    return 500 if FAILED.encode() in body else 400
