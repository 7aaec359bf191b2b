"""How the page is served: its look, its port, and the bounds on what it keeps."""

import os
import signal
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from demo import web_errors
from demo.first import FirstPicture
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
    try:
        demo.launch(**options)
    except OSError as error:
        port = options["server_port"]
        raise LaunchError(
            f"port {port} is taken; set PORT to another, or to none for the first that is free"
            if port else f"no free port from 7860 on; set PORT to one ({error})"
        ) from error
    return 0


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
        "state_session_capacity": SESSIONS,
        "app_kwargs": app_options(),
        "share": _switch("SHARE", os.environ.get("SHARE", "")),
        "server_port": _port(os.environ.get("PORT", "")),
    }


def app_options() -> dict[str, Any]:
    """Arguments for the FastAPI app that Gradio makes."""
    options = web_errors.app_options()
    return {**options, "middleware": [*options["middleware"], Middleware(FirstPicture)]}


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
