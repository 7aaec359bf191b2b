"""The tab Scores: how good the models of the data set in view are, and what scores see at all."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

import gradio as gr

from demo import ladder, leaderboard, score_views
from demo.controls import checked_handler
from demo.options import Option
from demo.page import Page, Tab

TITLE = "Scores"
# A value's own scripts do not run; the buttons in it are the component's.
SCRIPT = """element.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const words = button.textContent;
    try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "Copied";
    } catch {
        getSelection().selectAllChildren(button.previousElementSibling);
        return;
    }
    setTimeout(() => { button.textContent = words; }, 1500);
})"""
LADDER = """<section class="board"><h3>What the scores see</h3>
<p>Real held-out digits were made worse step by step, and every score was computed at every step. A
tick: the score gets worse at each of them. A dash: it does not see this, or not at every step.</p>
{table}
<p>No score sees everything. Those that look through a classifier miss specks, which is why specks
are counted beside them; precision misses lost variety, and none of them sees a copied picture.</p>
<details><summary>Every score at every step</summary><img loading="lazy" width="1122" height="1528"
src="gradio_api/file={picture}" alt="A row for each score, a column for each distortion; green where
the score gets worse at every step, as in the table above"></details></section>"""


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    scores = gr.HTML(elem_id="scores", js_on_load=SCRIPT)

    def draw(*models: str) -> str:
        return score_views.as_html(leaderboard.boards(page.catalogue, models))

    if known := ladder.table():
        gr.set_static_paths([ladder.PICTURE])
        gr.HTML(LADDER.format(table=_ladder(known), picture=quote(str(ladder.PICTURE))))
    event = {
        "fn": checked_handler(page.model_options, draw), "inputs": [*page.pickers],
        "outputs": [scores], "preprocess": False, "show_progress": "hidden",
    }
    return Tab(options(()), (), event)


def _ladder(lines: Sequence[Sequence[str]]) -> str:
    """The ladder's table; a tick and a dash are read out as words."""
    head, *body = lines
    marks = {"✓": "sees it", "–": "does not"}
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(
            f'<td><span aria-hidden="true">{escape(cell)}</span>'
            f'<span class="unseen">{marks.get(cell, "")}</span></td>'
            for cell in cells
        ) + "</tr>"
        for name, *cells in body
    )
    headings = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    return (
        '<div class="scrolling" role="region" tabindex="0" aria-label="What the scores see">'
        f'<table class="ladder"><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>"
    )
