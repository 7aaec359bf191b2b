"""The tab Learning: how the models in view came about, and a pair that learns in front of one."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import gradio as gr

from demo import learning, link_button
from demo.facts import STAGE
from demo.options import Option
from demo.page import Page, Tab

TITLE = "Learning"
FOLDER = Path(__file__).parent.parent / "learning"
# As the stage's: its own look, with the page's dark mode as a colour scheme.
HTML = """<style>.dark .learning-place { color-scheme: dark; }</style>
<div class="learning-place">The tab is being loaded …</div>"""
SCRIPT = """(async () => {
    const place = element.querySelector(".learning-place");
    try {
        const [app, stage] = props.folders.map((folder) => new URL(folder, document.baseURI));
        const { begin } = await import(new URL("app.js", app).href);
        const view = await begin(place, stage, props.live);
        const follow = () => { if (props.value) view.show(...JSON.parse(props.value)); };
        watch("value", follow);
        follow();
    } catch (error) {
        place.textContent = `The tab could not be loaded (${error.message}).`;
    }
})()"""


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    gr.set_static_paths([FOLDER])
    learning.add_endpoints(page.catalogue)
    folders = [f"gradio_api/file={quote(str(folder))}/" for folder in (FOLDER, STAGE)]
    view = gr.HTML(
        html_template=HTML, js_on_load=SCRIPT, elem_id="learning", folders=folders,
        live=learning.trains_live(),
    )
    with gr.Row(elem_classes="actions"):
        to_link = link_button.link_button("learning")
    link_button.wire(to_link, "learning", page.model_options, page.pickers)
    return Tab(options(()), [], page.tell(view))
