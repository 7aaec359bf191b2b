"""The stage within the page that Python serves."""

import numpy as np
import pytest
from on_stage import MOUNTED, rendered
from PIL import Image
from playwright.sync_api import expect

from demo import facts

pytestmark = pytest.mark.browser


def test_the_app_opens_on_it(app, shipped):
    """The same files, within the page that Python serves; its dark mode reaches them."""
    page, drawn = app("x=5&y=5&__theme=dark", width=360)
    shown = drawn(5, 5, "mnist-gan", "mnist-vae")
    for name, picture in zip(("mnist-gan", "mnist-vae"), shown, strict=True):
        assert abs(picture[..., 0] - rendered(name, 5, 5)).max() <= 1
    page.wait_for_url("**/*tab=stage*")
    assert "x=5&y=5" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    button = page.locator(".stage-mount .controls [data-act=link]")
    assert button.evaluate("(b) => getComputedStyle(b).colorScheme") == "dark"
    assert page.locator(".stage-mount figcaption select").count() == 0  # the pickers above choose


def test_the_recording_plays_before_gradio_is_there(visitor, app_url, shipped):
    """And no module either: the page's HTML and two pictures are enough."""
    def bare(page):
        page.route("**/assets/*.js", lambda route: None)
        page.route("**/stage/*.js", lambda route: None)

    page = visitor(app_url, prepare=bare, wait_until="commit")
    page.wait_for_function("performance.getEntriesByName('duet-recording').length")
    assert page.get_by_role("heading", name="Duet").is_visible()
    look = """() => [...document.querySelectorAll('.poster canvas')].map(
        (c) => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]
            .filter((_, i) => i % 4 === 0))"""
    seen = page.evaluate(look)
    frames = [np.asarray(Image.open(facts.STAGE / "models" / name / facts.DRIFT)).astype(int)
              for name in ("mnist-gan", "mnist-vae")]
    found = [[k for k in range(facts.PATH["count"])
              if (strip[:, 28 * k : 28 * k + 28].ravel() == picture).all()]
             for strip, picture in zip(frames, seen, strict=True)]
    assert found[0] == found[1] != []
    page.wait_for_timeout(600)
    assert page.evaluate(look) != seen


def test_the_stage_begins_without_gradio_and_moves_when_no_hand_is_on_it(
    visitor, app_url, shipped, hold
):
    release = []
    page = visitor(app_url, wait_until="commit", prepare=lambda page: release.append(
        hold(page, "**/assets/index-*.js")
    ))
    page.wait_for_function("document.querySelector('#first .stage-mount')?.stage")
    box = page.locator(".picture").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 80, steps=5)
    release[0]()
    page.wait_for_function("document.querySelector('.stage-place')", timeout=60_000)
    page.wait_for_timeout(500)
    assert page.locator("#first .stage-mount").count() == 1
    page.mouse.up()
    page.locator("gradio-app .stage-place .stage-mount").wait_for()
    assert page.locator("#first").count() == 0
    after = page.locator(".picture").first.bounding_box()
    assert abs(after["y"] - box["y"]) < 30  # it hardly moves in sight
    assert abs(after["x"] - box["x"]) < 2
    assert page.evaluate(f"{MOUNTED}.state.playing")


def test_the_gans_nearest_is_searched_for_step_by_step(app, shipped):
    page, _ = app("tab=stage&view=draw")
    page.get_by_role("button", name="Draw a seven with a bar").click()
    page.get_by_text("The VAE takes it for 7.").wait_for()
    search = page.get_by_role("button", name="Search", exact=True)
    search.click()
    page.get_by_text("So far: ").wait_for(timeout=60_000)
    assert page.locator("progress").first.is_visible()
    page.get_by_role("button", name="Stop").click()
    search.click()
    page.get_by_text("The nearest: 7, ").wait_for(timeout=120_000)
    assert page.locator("progress:visible").count() == 0
    drawing, found, _ = page.evaluate("""[...document.querySelector('.stage-mount').shadowRoot
        .querySelectorAll('#view-draw figure canvas')].map((c) => [...c.getContext('2d')
        .getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0))""")
    assert np.square(np.subtract(drawing, found)).mean() ** 0.5 < 30
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("It cannot read. Its nearest picture can be searched for.").wait_for()


def test_the_apps_pickers_choose_for_the_stage(app, shipped):
    page, drawn = app("tab=stage&left=mnist-vae&right=mnist-gan&x=5&y=5")
    drawn(5, 5, "mnist-vae", "mnist-gan")
    # The stage stands before Gradio has followed the link. The first radio is the left picker's.
    expect(page.get_by_role("radio", name="mnist-vae").first).to_be_checked(timeout=60_000)
    mapped = f"[...{MOUNTED}.explore.map.thumbs[0].values()].map((one) => one.look.split(',')[0])"
    page.wait_for_function(f"{mapped}.length > 9")
    page.get_by_role("radio", name="mnist-dcgan").first.check()
    left, _ = drawn(5, 5, "mnist-dcgan", "mnist-gan")
    assert set(page.evaluate(mapped)) <= {"mnist-dcgan"}  # no other model's beside its own
    assert abs(left[..., 0] - rendered("mnist-dcgan", 5, 5)).max() <= 1
    page.wait_for_function("location.search.includes('left=mnist-dcgan')")


def test_a_link_to_another_tab_opens_that(open_page):
    page = open_page("tab=sample&seed=5")
    page.locator("#sample-left-caption", has_text="of seed 5").wait_for()
    page.wait_for_timeout(800)
    assert "tab=sample" in page.url  # the stage, unseen, leaves the address alone


@pytest.mark.parametrize(
    "prepare",
    [
        lambda page: page.add_init_script("delete window.WebAssembly"),
        lambda page: page.route("**/decoder.onnx.gz*", lambda route: route.fulfill(status=404)),
    ],
    ids=["no WebAssembly", "404"],
)
def test_the_server_draws_what_the_browser_cannot(app, shipped, prepare):
    page, drawn = app("x=5.25&y=5", prepare=prepare)
    page.get_by_text("drawn by the server").first.wait_for()
    for name, picture in zip(
        ("mnist-gan", "mnist-vae"), drawn(5.25, 5, "mnist-gan", "mnist-vae"), strict=True
    ):
        assert abs(picture[..., 0] - rendered(name, 5.25, 5)).max() <= 1
    page.locator("#tab-sample").click()
    page.wait_for_function(f"{MOUNTED}.views.sample.drawn", timeout=60_000)
    page.locator("#tab-draw").click()
    page.get_by_role("button", name="Draw a three").click()
    page.get_by_text("The VAE takes it for").wait_for()


def test_own_runs_of_two_data_sets_are_drawn_by_the_server(app, two_sets_url):
    page, drawn = app("x=5&y=5", url=two_sets_url)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    left, _ = drawn(5, 5, "grey-gan", "grey-vae")
    assert left.shape == (28, 28, 3)
    chips = page.locator(".stage-mount .one label")
    assert chips.all_inner_texts() == ["any", "any", "same", "Sneaker", "boot"]
    page.get_by_role("radio", name="colour", exact=True).check()
    left, right = drawn(5, 5, "colour-gan", "colour-vae")
    assert left.shape == right.shape == (32, 32, 3)
    assert (right[..., 0] != right[..., 2]).any()
    assert chips.first.is_hidden()
    page.locator("#tab-draw").click()
    page.get_by_text("Neither model here reads a grey drawing").wait_for()
    assert page.locator(".pad").is_hidden()
    assert not [url for url in asked if ".gz" in url]
    page.wait_for_timeout(1000)  # what is under way
    calls = len([url for url in asked if "run/decode" in url])
    page.wait_for_timeout(1000)
    assert len([url for url in asked if "run/decode" in url]) == calls  # at rest, nobody is asked
