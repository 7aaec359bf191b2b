"""The frame of a tab that does the same with two models, side by side. A tab may have a frame of
its own: whatever its `build(page)` lays out and returns as a Tab."""

import functools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.utils import get_upload_folder

from demo import actions, cache, gpu, link_button, temporary
from demo.cache import Cache
from demo.controls import Control, checked_handler, endpoint, in_html
from demo.options import Option
from demo.page import SIDES, Page, Tab
from demo.remote import in_turn
from duet.store.checkpoint import Checkpoint

KEPT_BYTES = 2**25  # of drawn files, a tab
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Drawn:
    """What a tab shows of one model: a PNG file for each of its components, and a caption."""

    files: Sequence[bytes]
    caption: str

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(map(len, self.files))


def two_sides(
    page: Page, name: str, button_text: str, own: Sequence[Option],
    components: Callable[[str], Sequence[Component]], draw: Callable[..., Drawn],
) -> Tab:
    """Lay out and wire a tab: controls for its `own` options, a button, and for each side ("left",
    "right") what `components` makes, filled by `draw(checkpoint, *own values)`."""
    with gr.Row(elem_classes="controls"):
        controls = [page.control(option) for option in own]
    options, inputs = [*page.model_options, *own], [*page.pickers, *controls]
    with gr.Row(elem_classes="actions"):
        button = gr.Button(button_text, variant="primary", elem_id=f"{name}-draw")
        to_link = link_button.link_button(name)
    link_button.wire(to_link, name, options, inputs)
    with gr.Row(elem_classes="sides"):
        outputs = [component for side in SIDES for component in _half(name, side, components)]

    drawings = Cache[Drawn](KEPT_BYTES, lambda drawn: drawn.size)
    draw_now = gpu.with_gpu(draw)

    def draw_both(left: str, right: str, *values: Any) -> list[Any]:
        models = [page.catalogue.checkpoints[name] for name in (left, right)]
        keys = [(cache.identity(known), *values) for known in models]
        if not all(key in drawings for key in keys):  # what was drawn already waits for nobody
            return drawn_in_turn(models, keys, values)
        return drawn(models, keys, values)

    def drawn(
        models: Sequence[Checkpoint], keys: Sequence[Hashable], values: Sequence[Any]
    ) -> list[Any]:
        shown: list[Any] = []
        for known, key in zip(models, keys, strict=True):
            made = drawings.get(key, functools.partial(draw_now, known, *values))
            shown += [*map(_as_file, made.files), in_html(made.caption)]
        return shown

    drawn_in_turn = in_turn(drawn, PATIENCE_SECONDS)
    draw_both.__doc__ = draw.__doc__
    event: dict[str, Any] = {
        "fn": checked_handler(options, draw_both),
        "inputs": inputs,
        "outputs": outputs,
        "preprocess": False,
    }
    _wire_drawing(name, button, controls, event)
    _add_endpoint(name, options, draw_both, outputs)
    return Tab(own, controls, event)


def picture(label: str, elem_id: str) -> gr.Image:
    """A picture whose pixels arrive as they are: Gradio's default is a lossy WebP."""
    return gr.Image(
        format="png", label=label, alt_text=label, show_label=False, interactive=False,
        buttons=["download", "fullscreen"], elem_id=elem_id,
        elem_classes=["picture", elem_id.split("-")[0]],
    )


def _half(
    name: str, side: str, components: Callable[[str], Sequence[Component]]
) -> list[Component]:
    """What is drawn on one side of a tab, and its caption."""
    with gr.Column(min_width=280, elem_classes=["side", side]):
        return [*components(side), gr.HTML(
            label="Caption", elem_id=f"{name}-{side}-caption", elem_classes="caption"
        )]


def _as_file(content: bytes) -> str:
    """Where Gradio serves it from."""
    return str(temporary.keep(Path(get_upload_folder()), content))


def _add_endpoint(
    name: str, options: Sequence[Option], draw_both: Callable[..., list[Any]],
    outputs: Sequence[Component],
) -> None:
    """The same for programs: files and captions."""
    kinds = tuple(str if isinstance(output, gr.HTML) else gr.FileData for output in outputs)

    def draw(*values: Any) -> list[Any]:
        return [
            value if kind is str else gr.FileData(path=value).model_dump()
            for kind, value in zip(kinds, draw_both(*values), strict=True)
        ]

    draw.__doc__ = draw_both.__doc__
    draw.__annotations__["return"] = tuple[kinds]  # type: ignore[valid-type]
    endpoint(name, options, draw)


def _wire_drawing(
    name: str, button: gr.Button, controls: Sequence[Control], event: dict[str, Any]
) -> None:
    """Draw on the button, on Enter in a number, and after a throw of the dice."""
    numbers = [c for c in controls if isinstance(c, gr.Number)]
    drawing = [button.click, *(number.submit for number in numbers)]
    gr.on(drawing, **event, api_name=f"{name}_button", api_visibility="private")
    for number in numbers:
        (dice,) = number.buttons
        assert isinstance(dice, gr.Button)
        thrown = dice.click(actions.new_seed, None, number, api_visibility="private")
        thrown.then(**event, api_visibility="private")
