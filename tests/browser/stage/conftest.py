"""The static stage, plain files without a Python behind them, and the same stage in the app."""

import numpy as np
import pytest
from on_stage import AWAKE, MOUNTED, serving

from demo import site


@pytest.fixture(scope="session")
def address(tmp_path_factory):
    """The site as `python -m demo.site` writes it, below a prefix of some host."""
    host = tmp_path_factory.mktemp("host")
    assert site.main(["--out", str(host / "some" / "prefix")]) == 0
    with serving(host) as url:
        yield f"{url}some/prefix/"


@pytest.fixture(scope="module")
def been_here(browser):
    """What a visitor's browser keeps: the models, and what it has compiled."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def visit(visitor, address, been_here):
    """visit(query, …) -> a page of the static site, both models awake; `new` or with options of his
    own it is a visitor who was never here."""

    def open_at(query="", awake=True, new=False, **options):
        if not (new or options):
            options = {"context": been_here}
        page = visitor(f"{address}?{query}", **options)
        if awake:
            page.wait_for_function(AWAKE)
        return page

    return open_at


@pytest.fixture
def app(open_page, offered):
    """app(query, …) -> the app's page, and a function that waits until the stage has drawn both
    `names` at a place and gives the pictures as uint8 [H, W, 3]."""

    def open_at(query="", **options):
        page = open_page(query, **options)
        page.wait_for_function("document.querySelector('.stage-mount')?.stage", timeout=60_000)

        def drawn(x, y, *names):
            page.wait_for_function(
                f"{MOUNTED}.explore.shown === '{x},{y},,1,{','.join(names)}'", timeout=60_000
            )
            shown = page.evaluate(f"""{MOUNTED}.explore.canvases.map((c) => [c.height, c.width,
                [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]])""")
            return [np.array(p, int).reshape(h, w, 4)[..., :3] for h, w, p in shown]

        return page, drawn

    return open_at
