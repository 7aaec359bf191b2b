"""The frame of a tab that does the same with two models, side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from demo import actions, card, gpu, links
from demo.catalogue import Catalogue
from demo.controls import Control, control, handler, in_html
from demo.options import Choice, Option, Text
from duet.store.checkpoint import Checkpoint

SIDES = ("left", "right")
# A link starts with what the browser calls this page, not with what the server calls itself.
HERE = "(box, ...values) => [location.origin + location.pathname, ...values]"
HIDE = "() => ({__type__: 'update', visible: false})"
COPY = "async (link) => { try { await navigator.clipboard.writeText(link) } catch {} }"


@dataclass(frozen=True)
class Page:
    """What all tabs share: the models on offer, the choice of one for each side, the pickers."""

    catalogue: Catalogue
    picked: tuple[Choice, Choice]
    pickers: tuple[Control, Control]


@dataclass(frozen=True)
class Tab:
    """A built tab. A link sets its `options` through `controls`, which stand in the same order, the
    models first; `draw` holds fn, inputs and outputs of the event that draws anew; `cards` show
    the left and the right model."""

    options: Sequence[Option]
    controls: Sequence[Control]
    draw: dict[str, Any]
    cards: Sequence[gr.HTML]


@dataclass(frozen=True)
class Drawn:
    """What a tab shows of one model: values for its components, and a caption."""

    values: Sequence[Any]
    caption: str


def two_sides(
    page: Page, name: str, button_text: str, own: Sequence[Option],
    side: Callable[[str], Sequence[Component]], draw: Callable[..., Drawn],
) -> Tab:
    """Lay out and wire a tab: controls for its `own` options, a button, and for each side ("left",
    "right") the components that `side` makes, filled by `draw(checkpoint, *own values)`."""
    with gr.Row(elem_classes="controls"):
        controls = [*page.pickers, *map(control, own)]
    options = [*page.picked, *own]
    with gr.Row(elem_classes="actions"):
        button = gr.Button(button_text, variant="primary", elem_id=f"{name}-draw")
        link_button = gr.Button("Copy link", elem_id=f"{name}-link-button", scale=0, min_width=140)
    _wire_link(name, options, controls, link_button)
    with gr.Row(elem_classes="duet"):
        panels = [_panel(page, name, index, side) for index in (0, 1)]

    def draw_both(left: str, right: str, *values: Any) -> list[Any]:
        outputs: list[Any] = []
        for model in (left, right):
            drawn = draw(page.catalogue.checkpoints[model], *values)
            outputs += [*drawn.values, in_html(drawn.caption)]
        return outputs

    draw_both.__doc__ = draw.__doc__
    event = {
        "fn": handler(options, gpu.borrowing(draw_both)),
        "inputs": controls,
        "outputs": [component for components, _ in panels for component in components],
        "preprocess": False,
    }
    _wire_drawing(name, button, controls, event)
    return Tab(options, controls, event, [card_box for _, card_box in panels])


def picture(label: str, elem_id: str) -> gr.Image:
    """A picture whose pixels arrive as they are: Gradio's default is a lossy WebP."""
    return gr.Image(
        format="png", label=label, alt_text=label, show_label=False, interactive=False,
        buttons=["download", "fullscreen"], elem_id=elem_id,
        elem_classes=["picture", elem_id.split("-")[0]],
    )


def _panel(
    page: Page, name: str, index: int, side: Callable[[str], Sequence[Component]]
) -> tuple[list[Component], gr.HTML]:
    """One half of a tab: what is drawn, its caption, and the model's card."""
    shown: Checkpoint = page.catalogue.checkpoints[page.picked[index].default]
    with gr.Column(min_width=320, elem_classes=f"side {SIDES[index]}"):
        components = list(side(SIDES[index]))
        caption = gr.HTML(label="Caption", elem_id=f"{name}-{SIDES[index]}-caption")
        return [*components, caption], gr.HTML(card.as_html(shown))


def _wire_drawing(
    name: str, button: gr.Button, controls: Sequence[Control], event: dict[str, Any]
) -> None:
    """Draw on the button, on Enter in a number, and after a throw of the dice."""
    numbers = [c for c in controls if isinstance(c, gr.Number)]
    gr.on([button.click, *(number.submit for number in numbers)], **event, api_name=name)
    for number in numbers:
        (dice,) = number.buttons
        assert isinstance(dice, gr.Button)
        thrown = dice.click(actions.new_seed, None, number, api_visibility="private")
        thrown.then(**event, api_visibility="private")


def _wire_link(
    name: str, options: Sequence[Option], controls: Sequence[Control], button: gr.Button
) -> None:
    """The button shows the link to this view and copies it, where the browser lets it."""
    box = gr.Textbox(
        label="Link to this view", info="Opens this tab with the same models and options.",
        buttons=["copy"], visible=False, interactive=False, elem_id=f"{name}-link",
    )
    address = Text("address", "Address", "Where the page is.", "", 2000)

    def show(address: str, *values: Any) -> Any:
        return gr.Textbox(f"{address}?{links.query(name, options, values)}", visible=True)

    shown = button.click(
        handler([address, *options], show), [box, *controls], box, js=HERE,
        preprocess=False, show_progress="hidden", api_visibility="private",
    )
    shown.success(None, box, None, js=COPY)
    # A link to what was chosen before would be a wrong one.
    gr.on([c.change for c in controls], None, None, box, js=HIDE)
