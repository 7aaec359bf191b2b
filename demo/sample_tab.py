"""The tab Sample: many images of one seed, from both models."""

from collections.abc import Sequence

import gradio as gr

from demo import actions
from demo.options import Choice, Fraction, Option, Seed, Whole
from demo.panels import Drawn, Page, Tab, picture, two_sides
from duet.store.checkpoint import Checkpoint

TITLE = "Sample"


def options(class_names: Sequence[str]) -> list[Option]:
    """Named and ordered as the arguments of `draw`."""
    return [
        Choice(
            "digit", "Digit", "“any” leaves it to the seed.", actions.ANY,
            (actions.ANY, *class_names),
        ),
        Whole("count", "How many", "Images on each side.", 16, 1, 64),
        Seed("seed", "Seed", "Same seed, same images."),
        Fraction("truncation", "Truncation", "1: full variety. Less: more typical.", 1.0),
    ]


def draw(checkpoint: Checkpoint, digit: str, count: int, seed: int, truncation: float) -> Drawn:
    """Images 0 … count-1 of a seed from two models: for each one picture and its caption."""
    drawn = actions.sample(checkpoint, digit, count, seed, truncation)
    return Drawn([drawn.picture], drawn.caption)


def side(name: str) -> list[gr.Image]:
    return [picture(f"Samples of the {name} model", f"sample-{name}")]


def build(page: Page) -> Tab:
    return two_sides(page, "sample", "Sample", options(page.catalogue.class_names), side, draw)
