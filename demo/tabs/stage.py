"""The tab Stage: both models in the visitor's own browser, drawn by demo/stage/."""

import json
from collections.abc import Sequence

import gradio as gr

from demo import facts
from demo.facts import STAGE
from demo.options import Option
from demo.page import Page, Tab

TITLE = "Stage"
# The stage keeps its own look behind a shadow root; the page's dark mode, a class, reaches it as a
# colour scheme, which is inherited.
HTML = """<style>.dark .stage-mount { color-scheme: dark; }</style>
<div class="stage-mount">The stage is being loaded …</div>"""
# A Gradio script is neither a module nor async. The pickers above choose the models: their value
# arrives as this component's.
SCRIPT = """(async () => {
    const host = element.querySelector(".stage-mount");
    const base = new URL("gradio_api/file=" + %s + "/", document.baseURI);
    const style = document.createElement("link"), within = document.createElement("div");
    Object.assign(style, { rel: "stylesheet", href: new URL("stage.css", base).href });
    try {
        const { Stage } = await import(new URL("stage.js", base).href);
        host.attachShadow({ mode: "open" }).append(style, within);
        host.stage = new Stage(within, base, %s, {
            kept: { tab: "stage" }, server: new URL("gradio_api/run/", document.baseURI),
        });
        const follow = () => { if (props.value) host.stage.show(...JSON.parse(props.value)); };
        watch("value", follow);
        follow();
    } catch (error) {
        (host.shadowRoot ? within : host).textContent =
            `The stage could not be loaded (${error.message}).`;
    }
})()"""
SHOW = "(...models) => JSON.stringify(models)"


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models: the stage reads and writes its own part of the address."""
    return []


def build(page: Page) -> Tab:
    gr.set_static_paths([STAGE])
    told = facts.facts(page.catalogue, facts.exported())
    stage = gr.HTML(
        html_template=HTML, js_on_load=SCRIPT % (json.dumps(str(STAGE)), json.dumps(told)),
        elem_id="stage",
    )
    show = {"fn": None, "js": SHOW, "inputs": [*page.pickers], "outputs": [stage]}
    return Tab(options(()), [], show)
