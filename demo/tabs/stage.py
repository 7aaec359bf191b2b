"""The tab Stage: both models in the visitor's own browser, drawn by demo/stage/."""

import json
from collections.abc import Sequence

import gradio as gr

from demo.options import Option
from demo.page import Page, Tab
from demo.site import STAGE

TITLE = "Stage"
# The stage keeps its own look behind a shadow root; the page's dark mode, a class, reaches it as a
# colour scheme, which is inherited.
HTML = """<style>.dark .stage-mount { color-scheme: dark; }</style>
<div class="stage-mount">The stage is being loaded …</div>"""
# A Gradio script is neither a module nor async.
SCRIPT = """(async () => {
    const host = element.querySelector(".stage-mount");
    const base = new URL("gradio_api/file=" + %s + "/", document.baseURI);
    const style = document.createElement("link"), within = document.createElement("div");
    Object.assign(style, { rel: "stylesheet", href: new URL("stage.css", base).href });
    try {
        const stage = await import(new URL("stage.js", base).href);
        host.attachShadow({ mode: "open" }).append(style, within);
        host.stage = await stage.mount(within, base, { tab: "stage" });
    } catch (error) {
        (host.shadowRoot ? within : host).textContent =
            `The stage could not be loaded (${error.message}).`;
    }
})()"""


def options(known: Sequence[str]) -> list[Option]:
    """None: the stage reads and writes its own part of the address."""
    return []


def build(page: Page) -> Tab:
    gr.set_static_paths([STAGE])
    gr.HTML(HTML, js_on_load=SCRIPT % json.dumps(str(STAGE)), elem_id="stage")
    return Tab(options(()), [], picks_models=True)
