"""The tab Stage: both models in the visitor's own browser, drawn by demo/stage/."""

from collections.abc import Sequence

import gradio as gr

from demo.facts import STAGE
from demo.first import FOLDER
from demo.options import Option
from demo.page import Page, Tab

TITLE = "Stage"
# The stage keeps its own look; the page's dark mode, a class, reaches it as a colour scheme, which
# is inherited.
HTML = """<style>.dark .stage-place { color-scheme: dark; }</style>
<div class="stage-place">The stage is being loaded …</div>"""
# A Gradio script is neither a module nor async. The pickers above choose the models: their value
# arrives as this component's, and the other way round where a lesson shows other models.
SCRIPT = """(async () => {
    const place = element.querySelector(".stage-place");
    try {
        const app = new URL(props.folder + "app.js", document.baseURI);
        const { begin, settle } = await import(app.href);
        const host = await begin(props.facts, place);
        await settle(host, place);
        const ask = () => {
            props.value = JSON.stringify(host.stage.asked);
            host.stage.asked = null;
            trigger("submit");
        };
        const follow = () => {
            if (host.stage.asked && props.value) ask();
            else if (props.value) host.stage.show(...JSON.parse(props.value));
        };
        place.addEventListener("models", ask);
        watch("value", follow);
        follow();
    } catch (error) {
        place.textContent = `The stage could not be loaded (${error.message}).`;
    }
})()"""


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models: the stage reads and writes its own part of the address."""
    return []


def build(page: Page) -> Tab:
    gr.set_static_paths([STAGE])
    stage = gr.HTML(html_template=HTML, js_on_load=SCRIPT, elem_id="stage", facts=page.facts,
                    folder=FOLDER)
    return Tab(options(()), [], page.tell(stage), stage)
