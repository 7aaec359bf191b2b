"""The frame of a tab that a module of the page's draws, in the visitor's browser."""

from pathlib import Path
from typing import Any

import gradio as gr

from demo.facts import STAGE
from demo.first import address
from demo.page import Page, Tab

HTML = """<style>.dark .tab-place { color-scheme: dark; }</style>
<div class="tab-place">The tab is being loaded …</div>"""
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
            tab = null;
            place.textContent = `The tab could not be loaded (${error.message}).`;
        }
    };
    watch("value", follow);
    follow();
})()"""


def stage_tab(
    page: Page, name: str, module: str, *, folder: Path = STAGE, facts: dict[str, Any] | None = None
) -> Tab:
    """Lay out and wire a tab that `folder`/`module` draws, told `facts`, by default the page's."""
    gr.set_static_paths([folder])
    place = gr.HTML(
        html_template=HTML, js_on_load=SCRIPT, elem_id=name,
        facts=page.facts if facts is None else facts, folder=address(folder), module=module,
    )
    return Tab((), [], page.tell(place))
