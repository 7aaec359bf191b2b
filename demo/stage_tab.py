"""The frame of a tab that one of the stage's modules draws, in the visitor's browser."""

from typing import Any

import gradio as gr

from demo.first import FOLDER
from demo.page import Page, Tab

HTML = """<style>.dark .tab-place { color-scheme: dark; }</style>
<div class="tab-place">This tab is being loaded …</div>"""
# The module's `begin(facts, place)` gives what has `show(left, right)`. The pickers above choose
# the models, and this component's value is written when the tab is in view: nothing is loaded
# before that.
SCRIPT = """(() => {
    const place = element.querySelector(".tab-place");
    let tab = null;
    const follow = async () => {
        if (!props.value) return;
        try {
            tab ??= import(new URL(props.folder + props.module, document.baseURI).href)
                .then(({ begin }) => begin(props.facts, place));
            (await tab).show(...JSON.parse(props.value));
        } catch (error) {
            place.textContent = `This tab could not be loaded (${error.message}).`;
        }
    };
    watch("value", follow);
    follow();
})()"""


def stage_tab(
    page: Page, name: str, module: str, facts: dict[str, Any] | None = None
) -> Tab:
    """Lay out and wire a tab that demo/stage/`module` draws, told of `facts`, the page's unless
    others are given."""
    place = gr.HTML(
        html_template=HTML, js_on_load=SCRIPT, elem_id=name, folder=FOLDER, module=module,
        facts=page.facts if facts is None else facts,
    )
    return Tab((), [], page.tell(place))
