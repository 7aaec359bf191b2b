"""The page: two pickers, the tabs, the models' cards, and what opens a link."""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.events import api

from demo import card, catalogue, links, programs, remote, seek
from demo.app_blocks import AppBlocks
from demo.catalogue import Catalogue
from demo.controls import Control, as_gradio_error, checked_handler, control, in_html
from demo.first import HEADER
from demo.options import Choice, ClassChoice, Option, OptionError, check_all
from demo.page import SIDES, Page, Tab
from demo.tabs import TABS
from demo.views import Views

NO_MODELS = """### No model to show yet
Train one with `python -m training gan`, then set `DUET_MODELS` to its checkpoint folder (or to a
list of folders and Hub ids) and start the app again."""
# The tab that the address names, or the first.
OPEN = """() => {
    const names = %s, named = new URLSearchParams(location.search).get("tab");
    const tab = names.includes(named) ? named : names[0];
    return [{ __type__: "update", selected: tab }, tab];
}"""
QUEUE_SIZE = 128  # calls that wait; who comes later is asked to try again
COUNTED = "100"  # latest calls that Gradio makes a statistic of, after each call anew


def build(offer: Catalogue | None = None) -> gr.Blocks:
    """The whole page over the models on offer, by default those the environment asks for."""
    offer = catalogue.load() if offer is None else offer
    with AppBlocks(title="Duet: a GAN and a VAE", analytics_enabled=False) as demo:
        gr.HTML(HEADER)
        for problem in offer.problems:
            gr.HTML(in_html(f"Left out: {problem}"), elem_classes="problem")
        if offer.checkpoints:
            _wire(demo, _lay_out(offer))
        else:
            gr.Markdown(NO_MODELS)
    os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", COUNTED)  # read by the queue
    return demo.queue(max_size=QUEUE_SIZE)


@dataclass(frozen=True)
class _Layout:
    """What the page is made of. `dataset` moves both pickers, in sight where there is a choice."""

    page: Page
    dataset: Choice
    dataset_control: Control
    tabs: gr.Tabs
    built: dict[str, Tab]
    cards: tuple[gr.HTML, gr.HTML]
    views: Views

    def options(self, tab: str) -> list[Option]:
        """What a link to a tab says: the models, and the tab's own options."""
        return [*self.page.model_options, *self.built[tab].options]

    def controls(self, fit: Callable[[Option], bool]) -> list[tuple[str, Any, Control]]:
        """The tab, the option and the control of every option that fits, in whatever tab."""
        return [
            (name, option, control) for name, tab in self.built.items()
            for option, control in zip(tab.options, tab.controls, strict=True) if fit(option)
        ]

    @property
    def class_controls(self) -> list[tuple[str, ClassChoice, Control]]:
        return self.controls(lambda option: isinstance(option, ClassChoice))


def _lay_out(offer: Catalogue) -> _Layout:
    dataset, (left, right) = _dataset_option(offer), _model_options(offer)
    with gr.Row(elem_classes="pickers"):
        dataset_control = control(dataset, visible=len(dataset.choices) > 1)
        page = Page(offer, (left, right), (control(left), control(right)))
    built, items = {}, {}
    with gr.Tabs() as tabs:
        for name, module in TABS.items():
            with gr.Tab(module.TITLE, id=name) as items[name]:
                built[name] = module.build(page)
    with gr.Row(elem_classes="cards"):
        first, second = (
            gr.HTML(card.as_html(offer.checkpoints[name]), elem_classes=["model", side])
            for side, name in zip(SIDES, offer.default_pair(), strict=True)
        )
    views = Views(page.pickers, items)
    return _Layout(page, dataset, dataset_control, tabs, built, (first, second), views)


def _dataset_option(offer: Catalogue) -> Choice:
    titles = tuple(offer.datasets())
    return Choice("dataset", "Pictures", "Moves both models.", titles[0], titles)


def _model_options(offer: Catalogue) -> tuple[Choice, Choice]:
    info = "Any model can stand on either side."
    left, right = (
        Choice(side, f"{side.title()} model", info, default, offer.names)
        for side, default in zip(SIDES, offer.default_pair(), strict=True)
    )
    return left, right


def _wire(demo: gr.Blocks, layout: _Layout) -> None:
    layout.views.draw_with(layout.built)
    _wire_pickers(layout)
    _wire_opening(demo, layout)
    _add_api(layout)


def _followers(layout: _Layout) -> list[Any]:
    """What changes with the models in view."""
    return [layout.dataset_control, *layout.cards, *(c for *_, c in layout.class_controls)]


def _followed(layout: _Layout, models: Sequence[str], class_values: Sequence[str]) -> list[Any]:
    """What `_followers` become; classes stay as they are where the new models know them."""
    offer = layout.page.catalogue
    shown = [title for title, names in offer.datasets().items() if not {*models} - {*names}]
    options = [option for _, option, _ in layout.class_controls]
    return [
        shown[0] if shown else None,
        *(card.as_html(offer.checkpoints[name]) for name in models),
        *(
            layout.page.fitted(option, models, value)
            for option, value in zip(options, class_values, strict=True)
        ),
    ]


def _wire_pickers(layout: _Layout) -> None:
    """A newly picked model shows its card and its classes, then its pictures in the tab in view; a
    newly picked data set picks two models."""
    page = layout.page
    classes = [option for _, option, _ in layout.class_controls]
    class_controls = [c for *_, c in layout.class_controls]

    def pick(left: str, right: str, *class_values: str) -> list[Any]:
        return _followed(layout, (left, right), class_values)

    def move(dataset: str, *class_values: str) -> list[Any]:
        pair = page.catalogue.default_pair(dataset)
        return [*pair, *_followed(layout, pair, class_values)]

    quiet: dict[str, Any] = {
        "preprocess": False, "show_progress": "hidden", "api_visibility": "private",
    }
    picked = gr.on(
        [picker.input for picker in page.pickers],
        checked_handler([*page.model_options, *classes], pick),
        [*page.pickers, *class_controls], _followers(layout), **quiet,
    )
    moved = layout.dataset_control.input(
        checked_handler([layout.dataset, *classes], move),
        [layout.dataset_control, *class_controls], [*page.pickers, *_followers(layout)], **quiet,
    )
    asked = [
        tab.asks.submit(None, tab.asks, [*page.pickers], js="(names) => JSON.parse(names)").then(
            checked_handler([*page.model_options, *classes], pick),
            [*page.pickers, *class_controls], _followers(layout), **quiet,
        )
        for tab in layout.built.values() if tab.asks is not None
    ]
    for event in (picked, moved, *asked):
        layout.views.update_after(event)


def _wire_opening(demo: gr.Blocks, layout: _Layout) -> None:
    """Set what the link says. That it was followed then lets the tab in view draw, so the page
    opens with pictures. Its tab the browser opens by itself: a visitor may soon open another."""
    page, built, views = layout.page, layout.built, layout.views
    plain = layout.controls(lambda option: not isinstance(option, ClassChoice))

    def restore(request: gr.Request) -> list[Any]:
        named, values, problems = links.read(
            dict(request.query_params), {name: layout.options(name) for name in built}
        )
        if problems:
            gr.Warning(in_html("This link could not be followed in all. " + " ".join(problems)))

        def value(tab: str, option: Option) -> Any:
            return values.get(option.name, option.default) if tab == named else option.default

        def change(tab: str, option: Option) -> Any:
            """A value to set; none where it is the default: a visitor may be quicker than us."""
            wanted = value(tab, option)
            return gr.skip() if wanted == option.default else wanted

        models = [value(named, option) for option in page.model_options]
        classes = [value(tab, option) for tab, option, _ in layout.class_controls]
        defaults = [option.default for _, option, _ in layout.class_controls]
        as_laid_out = (*models,) == page.catalogue.default_pair() and classes == defaults
        return [
            "yes",
            *(change(named, option) for option in page.model_options),
            *(change(tab, option) for tab, option, _ in plain),
            *([gr.skip()] * len(_followers(layout)) if as_laid_out
              else _followed(layout, models, classes)),
        ]

    demo.load(None, None, [layout.tabs, views.shown], js=OPEN % json.dumps([*built]))
    demo.load(
        restore, None,
        [views.followed, *page.pickers, *(c for *_, c in plain), *_followers(layout)],
        show_progress="hidden", api_visibility="private",
    )


def _add_api(layout: _Layout) -> None:
    """Endpoints that have no control of their own on the page."""
    offer = layout.page.catalogue
    which_tab = Choice("tab", "Tab", "", "", tuple(layout.built))

    def link(tab: str, options: dict[str, Any]) -> str:
        """Write the query of a link that opens the page at a tab with the given options, defaults
        elsewhere; it goes behind the page's address and a question mark.

        Args:
            tab: The tab that opens: sample and interpolate show what the tools of that name draw.
            options: An object of names and values, as that tool takes them.
        """
        known = layout.options(which_tab.check(tab))
        return links.query(tab, known, check_all(known, _values(known, options)))

    api(as_gradio_error(link), api_name="link", queue=False)
    programs.add_endpoints(offer)
    remote.add_endpoints(offer)
    seek.add_endpoint(offer)


def _values(known: Sequence[Option], given: Any) -> list[Any]:
    """The given values by the options' names, defaults for the rest."""
    if not isinstance(given, dict):
        raise OptionError("Options must be an object of names and values.")
    names = [option.name for option in known]
    if unknown := [str(name) for name in given if name not in names]:
        raise OptionError(f"There is no option {unknown[0]!a:.40}, only {', '.join(names)}.")
    return [given.get(option.name, option.default) for option in known]
