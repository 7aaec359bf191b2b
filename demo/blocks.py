"""The page: two pickers, the tabs, and what opens a link."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from demo import card, catalogue, links
from demo.catalogue import Catalogue
from demo.controls import answering, control, handler, in_html
from demo.options import Choice, Option, check_all
from demo.panels import SIDES, Page, Tab
from demo.tabs import TABS

STYLE = Path(__file__).parent / "style.css"
HEADER = """<header><h1>Duet</h1><p>A GAN and a VAE, trained on the same pictures.
Give both the same seed and see what each makes of it.</p></header>"""
NO_MODELS = """### No model to show yet
Train one with `python -m training gan`, then set `DUET_MODELS` to its checkpoint folder (or to a
list of folders and Hub ids) and start the app again."""
CACHE_SECONDS = 3600
ON, OFF = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")
WAITING = 64  # calls in the queue; who comes later is asked to try again


def build(offer: Catalogue | None = None) -> gr.Blocks:
    """The whole page over the models on offer, by default those the environment asks for."""
    offer = catalogue.load() if offer is None else offer
    with gr.Blocks(
        title="Duet: a GAN and a VAE", analytics_enabled=False,
        delete_cache=(CACHE_SECONDS, CACHE_SECONDS),
    ) as demo:
        gr.HTML(HEADER)
        for problem in offer.problems:
            gr.HTML(in_html(f"Left out: {problem}"), elem_classes="problem")
        if offer.checkpoints:
            _play(demo, offer)
        else:
            gr.Markdown(NO_MODELS)
    return demo.queue(max_size=WAITING)


def launch_options() -> dict[str, Any]:
    """Arguments of `launch`, from PORT and SHARE where they are set."""
    return {
        "theme": theme(),
        "css_paths": STYLE,
        "footer_links": ["api", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "max_file_size": "2mb",
        "share": _switch("SHARE", os.environ.get("SHARE", "")),
        "server_port": _port(os.environ.get("PORT", "")),
    }


def _switch(name: str, text: str) -> bool:
    """Whether a variable says yes; a public link is made by nothing else."""
    word = text.strip().lower()
    if word not in (*ON, *OFF):
        raise SystemExit(f"{name} must be one of {', '.join(ON)} or {', '.join(OFF[1:])}")
    return word in ON


def _port(text: str) -> int | None:
    """A port to serve on; None lets Gradio take the first free one from 7860."""
    if text and not (text.isdecimal() and 0 < int(text) < 2**16):
        raise SystemExit(f"PORT must be a number from 1 to 65535, not {text!r}")
    return int(text) if text else None


def theme() -> gr.themes.Base:
    """Soft, with plain labels. Of the fonts that gradio 6.31 brings, few have every letter in every
    weight: Source Sans Pro has in these two."""
    letters = gr.themes.LocalFont("Source Sans Pro", weights=(400, 700))
    return gr.themes.Soft(font=[letters, "system-ui", "sans-serif"]).set(
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_padding="0",
        block_title_text_weight="700",
        body_text_color_subdued="*neutral_500",
        block_info_text_color="*body_text_color_subdued",
        block_info_text_color_dark="*body_text_color_subdued",
    )


def _play(demo: gr.Blocks, offer: Catalogue) -> None:
    """Everything that needs a model."""
    picked = _pickable(offer)
    with gr.Row(elem_classes="pickers"):
        page = Page(offer, picked, (control(picked[0]), control(picked[1])))
    built: dict[str, Tab] = {}
    with gr.Tabs() as tabs:
        for name, module in TABS.items():
            with gr.Tab(module.TITLE, id=name):
                built[name] = module.build(page)
    _wire_cards(page, list(built.values()))
    _wire_opening(demo, page, tabs, built)
    _add_api(page, built)


def _pickable(offer: Catalogue) -> tuple[Choice, Choice]:
    info = "Any model can stand on either side."
    left, right = (
        Choice(side, f"{side.title()} model", info, default, offer.names)
        for side, default in zip(SIDES, offer.default_pair(), strict=True)
    )
    return left, right


def _wire_cards(page: Page, tabs: Sequence[Tab]) -> None:
    """A newly picked model shows its card at once, and its pictures in every tab."""
    for side, (option, picker) in enumerate(zip(page.picked, page.pickers, strict=True)):
        cards = [tab.cards[side] for tab in tabs]

        def show(name: str, copies: int = len(cards)) -> list[str]:
            return [card.as_html(page.catalogue.checkpoints[name])] * copies

        picker.change(
            handler([option], show), picker, cards, preprocess=False, show_progress="hidden",
            api_visibility="private",
        )
        for tab in tabs:
            picker.input(**tab.draw, api_visibility="private")


def _wire_opening(
    demo: gr.Blocks, page: Page, tabs: gr.Tabs, built: dict[str, Tab]
) -> None:
    """Set what the link says, then draw, so that the page opens with pictures."""
    own = {name: tab.options[len(SIDES) :] for name, tab in built.items()}
    own_controls = [c for tab in built.values() for c in tab.controls[len(SIDES) :]]

    def restore(request: gr.Request) -> list[Any]:
        named, values, problems = links.read(
            dict(request.query_params), {name: tab.options for name, tab in built.items()}
        )
        if problems:
            gr.Warning(in_html("This link could not be followed in all. " + " ".join(problems)))

        def shown(name: str, option: Option) -> Any:
            """A value to set; none where it is the default: a visitor may be quicker than us."""
            value = values[option.name] if name == named else option.default
            return gr.skip() if value == option.default else value

        return [
            gr.skip() if named == next(iter(built)) else gr.Tabs(selected=named),
            *(shown(named, option) for option in page.picked),
            *(shown(name, option) for name, tab in own.items() for option in tab),
        ]

    opened = demo.load(
        restore, None, [tabs, *page.pickers, *own_controls], show_progress="hidden",
        api_visibility="private",
    )
    for tab in built.values():
        opened.then(**tab.draw, api_visibility="private")


def _add_api(page: Page, built: dict[str, Tab]) -> None:
    """Endpoints for programs that have no control of their own on the page."""

    def models() -> list[str]:
        """Names of the models on offer."""
        return list(page.catalogue.names)

    def card_of(model: str) -> dict[str, Any]:
        """What a model's card says."""
        (name,) = check_all([page.picked[0]], [model])
        return card.as_json(page.catalogue.checkpoints[name])

    def link(tab: str, options: dict[str, Any]) -> str:
        """The query of a link that opens a tab with the given options, defaults elsewhere."""
        chosen = built[Choice("tab", "Tab", "", "", tuple(built)).check(tab)].options
        values = [options.get(option.name, option.default) for option in chosen]
        return links.query(tab, chosen, check_all(chosen, values))

    api(models, api_name="models")
    api(answering(card_of), api_name="card")
    api(answering(link), api_name="link")
