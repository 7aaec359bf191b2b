"""The button that gives the link to what a tab shows."""

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

from demo import links
from demo.controls import Control, checked_handler
from demo.first import FOLDER
from demo.options import Option, Text

# A link starts with what the browser calls this page, not with what the server calls itself.
HERE = f"""async (box, ...values) => {{
    const stage = new URL({json.dumps(FOLDER)}, document.baseURI);
    const {{ addressOf }} = await import(new URL("address.js", stage).href);
    return [addressOf([]), ...values];
}}"""
HIDE = "() => ({__type__: 'update', visible: false})"
COPY = "async (link) => { try { await navigator.clipboard.writeText(link) } catch {} }"
ADDRESS = Text("address", "Address", "Where the page is.", "", 2000)


def link_button(name: str) -> gr.Button:
    """The button of the tab `name`; `wire` makes it work."""
    return gr.Button("Copy link", elem_id=f"{name}-link-button", scale=0, min_width=140)


def wire(
    button: gr.Button, name: str, options: Sequence[Option], controls: Sequence[Control]
) -> None:
    """The button shows the link to this view and copies it, where the browser lets it."""
    box = gr.Textbox(
        label="Link to this view", info="Opens this tab with the same models and options.",
        buttons=["copy"], visible=False, interactive=False, elem_id=f"{name}-link",
    )

    def show(address: str, *values: Any) -> Any:
        joint = "&" if "?" in address else "?"
        return gr.Textbox(f"{address}{joint}{links.query(name, options, values)}", visible=True)

    shown = button.click(
        checked_handler([ADDRESS, *options], show), [box, *controls], box, js=HERE,
        preprocess=False, show_progress="hidden", api_visibility="private",
    )
    shown.success(None, box, None, js=COPY)
    # A link to what was chosen before would be a wrong one.
    gr.on([c.change for c in controls], None, None, box, js=HIDE)
