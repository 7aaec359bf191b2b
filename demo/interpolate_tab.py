"""The tab Interpolate: from one image to another through latent space, in both models."""

from collections.abc import Sequence

from gradio.components import Component
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from demo import actions
from demo.actions import Endpoint
from demo.options import Choice, Fraction, Option, Seed, Whole
from demo.panels import Drawn, Page, Tab, picture, two_sides
from duet.core.latents import INTERPOLATIONS
from duet.store.checkpoint import Checkpoint

TITLE = "Interpolate"


def options(class_names: Sequence[str]) -> list[Option]:
    """Named and ordered as the arguments of `draw`."""
    digits = (actions.ANY, *class_names)
    return [
        Seed("start_seed", "Start seed", "Its first image."),
        Choice("start_digit", "Start digit", "“any” leaves it to the seed.", actions.ANY, digits),
        Seed("end_seed", "End seed", "Where the way leads.", default=1),
        Choice(
            "end_digit", "End digit", "“same” stays; another takes over half-way.", actions.SAME,
            (actions.SAME, *digits),
        ),
        Whole("steps", "Steps", "Images on the way, with both ends.", 16, 2, 64),
        Choice(
            "path", "Path", "Spherical stays where latents are likely.", next(iter(INTERPOLATIONS)),
            tuple(INTERPOLATIONS),
        ),
        Fraction("truncation", "Truncation", "1: full variety. Less: more typical.", 1.0),
    ]


def draw(
    checkpoint: Checkpoint, start_seed: int, start_digit: str, end_seed: int, end_digit: str,
    steps: int, path: str, truncation: float,
) -> Drawn:
    """The way between two images, in two models: for each a looping animation (animated PNG), a
    film strip and a caption."""
    drawn = actions.interpolate(
        checkpoint, Endpoint(start_seed, start_digit), Endpoint(end_seed, end_digit),
        steps, path, truncation,
    )
    animation = save_bytes_to_cache(drawn.animation, "animation.png", get_upload_folder())
    return Drawn([animation, drawn.strip], drawn.caption)


def side(name: str) -> list[Component]:
    return [
        picture(f"Animation of the {name} model", f"animation-{name}"),
        picture(f"Film strip of the {name} model", f"strip-{name}"),
    ]


def build(page: Page) -> Tab:
    own = options(page.catalogue.class_names)
    return two_sides(page, "interpolate", "Interpolate", own, side, draw)
