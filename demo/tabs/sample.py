"""The tab Sheets: many images of one seed, from both models."""

from collections.abc import Sequence

import gradio as gr

from demo import actions, class_names, png
from demo.class_names import ANY
from demo.options import ClassChoice, Fraction, Option, Seed, Whole
from demo.page import Page, Tab
from demo.two_sides import Drawn, picture, two_sides
from duet.store.checkpoint import Checkpoint

TITLE = "Sheets"


def options(known: Sequence[str]) -> list[Option]:
    """Named and ordered as the arguments of `draw`; `known` are the classes to choose from."""
    return [
        ClassChoice(
            "class_name", "Class", "“any” leaves it to the seed.", ANY,
            class_names.values([ANY], known), old_name="digit",
        ),
        Whole("count", "How many", "Images on each side.", 16, 1, 64),
        Seed("seed", "Seed", "Same seed, same images."),
        Fraction("truncation", "Truncation", "1: full variety. Less: more typical.", 1.0),
    ]


def draw(
    checkpoint: Checkpoint, class_name: str, count: int, seed: int, truncation: float
) -> Drawn:
    """Draw new pictures with two generative models, a GAN and a VAE by default: images 0 …
    count-1 of a seed, on one sheet a model. The same seed always draws the same images.

    Returns:
        the left model's sheet (PNG) and its caption, then the right model's.
    """
    drawn = actions.sample(checkpoint, class_name, count, seed, truncation)
    return Drawn([png.still(drawn.picture)], drawn.caption)


def components(side: str) -> list[gr.Image]:
    return [picture(f"Samples of the {side} model", f"sample-{side}")]


def build(page: Page) -> Tab:
    return two_sides(
        page, "sample", "Draw the sheets", options(page.catalogue.class_names()), components, draw
    )
