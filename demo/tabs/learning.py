"""The tab Learning: how the models in view came about, and a pair that learns in front of one;
drawn by demo/learning/app.js."""

from collections.abc import Sequence
from pathlib import Path

from demo import learning
from demo.options import Option
from demo.page import Page, Tab
from demo.stage_tab import stage_tab

TITLE = "Learning"
FOLDER = Path(__file__).parent.parent / "learning"


def options(known: Sequence[str]) -> list[Option]:
    """None beside the models."""
    return []


def build(page: Page) -> Tab:
    learning.add_endpoints(page.catalogue)
    facts = {"live": learning.trains_live()}
    return stage_tab(page, "learning", "app.js", folder=FOLDER, facts=facts)
