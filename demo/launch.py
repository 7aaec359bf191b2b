"""How the page is served: its look, its port, and the bounds on what it keeps."""

import os
import signal
import socket
from pathlib import Path
from typing import Any

import anyio
import gradio as gr
import uvicorn
from starlette.middleware import Middleware

from demo import memory
from demo.bounds import MOST_AT_ONCE, Bounds, Crowd
from demo.first import FirstPicture
from demo.freshness import Freshness
from demo.web_errors import RefusalStatus, handlers
from duet.core import program
from duet.core.errors import DuetError

STYLE = Path(__file__).parent / "style.css"
ON, OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
SESSIONS = 50  # Gradio keeps 0.1 MB of each, and every call by a program is one


class LaunchError(DuetError):
    """The environment asks for what the page cannot be served with."""


def serve(demo: gr.Blocks) -> int:
    """Serve the page until Ctrl-C or SIGTERM; the exit code, 2 for what is refused in words."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return program.run(lambda: _launch(demo))


def _launch(demo: gr.Blocks) -> int:
    options = launch_options()
    port = options["server_port"]
    if port is not None:
        _check_port(port)
    _import_server()
    _bypass_proxies()
    memory.share_heaps()
    try:
        demo.launch(**options)
    except OSError as error:  # Gradio says the same of a port that is not served on in time
        words = "no free port from 7860 on; set PORT to one" if port is None else (
            f"port {port} is free, but serving on it did not begin in 5 seconds; start the app "
            "again when the machine is less busy"
        )
        raise LaunchError(f"{words} ({error})") from error
    return 0


def _import_server() -> None:
    """What a server begins with is imported as late as that, and on a busy machine takes longer
    than the 5 seconds that Gradio waits. The loggers are left as they are, for Gradio to set up."""
    uvicorn.Config(lambda scope, receive, send: None, log_config=None).load()
    anyio.run(anyio.sleep, 0)


def _bypass_proxies() -> None:
    """Gradio asks itself whether it is there; a proxy of the machine's has no part in that."""
    named = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    words = ",".join([*([named] if named else []), "127.0.0.1", "localhost"])
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = words


def _check_port(port: int) -> None:
    """LaunchError where nothing can be served on a port, which says why."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Gradio asks for it
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise LaunchError(
                f"port {port} is the system's, as most below 1024 are; set PORT to a higher one"
            ) from error
        except OSError as error:
            raise LaunchError(
                f"port {port} is taken; set PORT to another, or to none for the first that is free"
            ) from error


def launch_options() -> dict[str, Any]:
    """Arguments of `launch`, from PORT and SHARE where they are set."""
    return {
        "theme": theme(),
        "css_paths": STYLE,
        "footer_links": ["api", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "mcp_server": True,
        "max_file_size": "2mb",
        # Of Gradio's calls alone, so that who waits for his turn keeps no file from being sent.
        "max_threads": MOST_AT_ONCE,
        "state_session_capacity": SESSIONS,
        "app_kwargs": app_options(),
        "_frontend": False,  # else it ends where its page does not come within 3 seconds
        "share": _switch("SHARE", os.environ.get("SHARE", "")),
        "server_port": _port(os.environ.get("PORT", "")),
    }


def app_options() -> dict[str, Any]:
    """Arguments for the FastAPI app that Gradio makes; the first layer is the outermost."""
    layers = [
        Middleware(Freshness), Middleware(Bounds), Middleware(Crowd), Middleware(RefusalStatus),
        Middleware(FirstPicture),
    ]
    return {"exception_handlers": handlers(), "middleware": layers}


def _switch(name: str, text: str) -> bool:
    """Whether a variable says yes; a public link is made by nothing else."""
    word = text.strip().lower()
    if word not in (*ON, *OFF):
        raise LaunchError(f"{name} must be one of {', '.join(ON)} or {', '.join(OFF[1:])}")
    return word in ON


def _port(text: str) -> int | None:
    """A port to serve on; None lets Gradio take the first free one from 7860."""
    if text and not (text.isdecimal() and len(text) < 6 and 0 < int(text) < 2**16):
        raise LaunchError(f"PORT must be a number from 1 to 65535, not {text[:40]!r}")
    return int(text) if text else None


def theme() -> gr.themes.Base:
    """Soft, with plain labels. Of the fonts that gradio 6.31 brings, few have every letter in every
    weight: Source Sans Pro has in these two."""
    letters = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700))
    return gr.themes.Soft(font=[letters, "system-ui", "sans-serif"]).set(
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_padding="0",
        block_title_text_weight="700",
        body_text_color_subdued="*neutral_500",
        block_info_text_color="*body_text_color_subdued",
        block_info_text_color_dark="*body_text_color_subdued",
    )
