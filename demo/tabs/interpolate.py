"""The tab Films: from one image to another through latent space, in both models."""

from collections.abc import Sequence

from gradio.components import Component

from demo import actions, class_names, png
from demo.actions import Endpoint
from demo.class_names import ANY, SAME
from demo.options import Choice, ClassChoice, Fraction, Option, Seed, Whole
from demo.page import Page, Tab
from demo.two_sides import Drawn, picture, two_sides
from duet.core.latents import INTERPOLATIONS
from duet.store.checkpoint import Checkpoint

TITLE = "Films"


def options(known: Sequence[str]) -> list[Option]:
    """Named and ordered as the arguments of `draw`; `known` are the classes to choose from."""
    return [
        Seed("start_seed", "Start seed", "Its first image."),
        ClassChoice(
            "start_class_name", "Start class", "“any” leaves it to the seed.", ANY,
            class_names.values([ANY], known), old_name="start_digit",
        ),
        Seed("end_seed", "End seed", "Where the way leads.", default=1),
        ClassChoice(
            "end_class_name", "End class", "“same” stays; another takes over half-way.", SAME,
            class_names.values([SAME, ANY], known), old_name="end_digit",
        ),
        Whole("steps", "Steps", "Images on the way, with both ends.", 16, 2, 64),
        Choice(
            "path", "Path", "Spherical stays where latents are likely.", next(iter(INTERPOLATIONS)),
            tuple(INTERPOLATIONS),
        ),
        Fraction("truncation", "Truncation", "1: full variety. Less: more typical.", 1.0),
    ]


def draw(
    checkpoint: Checkpoint, start_seed: int, start_class_name: str, end_seed: int,
    end_class_name: str, steps: int, path: str, truncation: float,
) -> Drawn:
    """Draw the way between two images through the latent spaces of two generative models, a GAN
    and a VAE by default.

    Returns:
        the left model's looping animation (animated PNG), film strip (PNG) and caption, then the
        right model's.
    """
    drawn = actions.interpolate(
        checkpoint, Endpoint(start_seed, start_class_name), Endpoint(end_seed, end_class_name),
        steps, path, truncation,
    )
    return Drawn([drawn.animation, png.still(drawn.strip)], drawn.caption)


def components(side: str) -> list[Component]:
    return [
        picture(f"Animation of the {side} model", f"animation-{side}"),
        picture(f"Film strip of the {side} model", f"strip-{side}"),
    ]


def build(page: Page) -> Tab:
    own = options(page.catalogue.class_names())
    return two_sides(page, "interpolate", "Draw the films", own, components, draw)
