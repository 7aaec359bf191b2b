"""The static stage as a visitor has it: plain files, Chromium, no Python behind them."""

import contextlib
import functools
import http.server
import json
import re
import shutil
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import expect

import duet
from benchmarks import stage as bench
from demo import facts, site
from demo.catalogue import Catalogue
from duet.core import latents
from duet.models.gan import GAN, GANConfig
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from duet.models.vae import VAE, VAEConfig
from duet.store import checkpoint
from duet.store.config import DataRecord

pytestmark = pytest.mark.browser
AWAKE = "stage.stage?.sides.every((side) => side.awake)"
# What the two pictures of the view in sight show: [[width, height, grey levels], …].
PICTURES = """[...document.querySelectorAll('section:not([hidden]) figure canvas:not(.strip)')].map(
    (c) => [c.width, c.height, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]
        .filter((_, i) => i % 4 === 0)])"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@contextlib.contextmanager
def serving(folder):
    """Plain files on some port; yields the address of the folder."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site as `python -m demo.site` writes it, below a prefix of some host."""
    host = tmp_path_factory.mktemp("host")
    assert site.main(["--out", str(host / "some" / "prefix")]) == 0
    with serving(host) as url:
        yield f"{url}some/prefix/"


@pytest.fixture
def visit(visitor, address):
    """visit(query, …) -> a page of the static site, both models awake."""

    def open_at(query="", awake=True, **options):
        page = visitor(f"{address}?{query}", **options)
        if awake:
            page.wait_for_function(AWAKE)
        return page

    return open_at


def pictures(page) -> list[np.ndarray]:
    """Both pictures as levels [H, W], as they are now."""
    return [np.array(levels).reshape(h, w) for w, h, levels in page.evaluate(PICTURES)]


def settled(page) -> list[np.ndarray]:
    """Both pictures once what the state says has been drawn."""
    page.wait_for_function("""() => {
        const { explore, state } = stage.stage;
        return !explore.busy && !explore.flight
            && explore.shown.startsWith([state.x, state.y, state.chosen, state.truncation].join());
    }""")
    return pictures(page)


def place(page) -> tuple[float, float]:
    return tuple(page.evaluate("[stage.stage.state.x, stage.stage.state.y]"))


def both_differ(before, after) -> bool:
    return all((a != b).any() for a, b in zip(before, after, strict=True))


def drag(page, target: str, dx: int, dy: int, steps: int = 12) -> None:
    box = page.locator(target).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=steps)
    page.wait_for_timeout(150)  # at rest: it does not glide on
    page.mouse.up()


def test_it_opens_alive_and_in_step(visit):
    page = visit()
    first, before = place(page), pictures(page)
    page.wait_for_function(f"stage.stage.state.x !== {first[0]}")
    page.get_by_role("button", name="Pause").click()
    assert both_differ(before, settled(page))
    rest = place(page)
    page.wait_for_timeout(200)
    assert place(page) == rest
    assert page.get_by_role("button", name="Play").is_visible()


def test_the_recording_plays_before_any_model_is_there(visit):
    """The very pictures of the models, at the place that the state says."""
    def without_models(page):
        page.route("**/*.onnx.gz*", lambda route: None)  # never answered

    page = visit(awake=False, prepare=without_models)
    page.wait_for_function("performance.getEntriesByName('duet-recording').length")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(100)
    frame = page.evaluate("stage.stage.explore.frame")
    path = facts.PATH
    x, y = path["x"] + frame * path["dx"], path["y"] + frame * path["dy"]
    assert np.hypot(*np.subtract((x, y), place(page))) < 0.02
    for name, shown in zip(("mnist-gan", "mnist-vae"), pictures(page), strict=True):
        assert abs(shown - rendered(name, x, y)).max() <= 1
    assert page.locator("#view-explore .words").first.inner_text() == "waking …"


def rendered(name: str, x: float, y: float, label: int | None = None) -> np.ndarray:
    """A place as the library draws it: levels [H, W]."""
    model = duet.load(name).model
    z, labels = latents.plane(x, y, model.latent_dim, model.num_classes)
    labels = labels if label is None else torch.full_like(labels, label)
    return model.render(z, labels)[0, 0].numpy().astype(int)


@pytest.mark.parametrize(
    ("query", "label"), [("x=345&y=12", None), ("x=-0.25&y=7.625&digit=4", 4)]
)
def test_a_place_is_drawn_as_the_library_draws_it(visit, query, label):
    page = visit(query)
    shown, (x, y) = settled(page), place(page)
    for name, picture in zip(("mnist-gan", "mnist-vae"), shown, strict=True):
        assert abs(picture - rendered(name, x, y, label)).max() <= 1


@pytest.mark.parametrize("target", [".picture", ".map"])
def test_dragging_moves_both_and_asks_nobody(visit, target):
    page = visit("x=5&y=5")
    before = settled(page)
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    drag(page, target, -150, 40)
    assert both_differ(before, settled(page))
    x, y = place(page)
    assert x > 5.2
    assert y < 5
    assert requests == []
    page.wait_for_function("location.search.includes(`x=${stage.stage.state.x}`)")


def test_a_finger_drags(visit):
    page = visit("x=5&y=5", width=360, has_touch=True, is_mobile=True)
    before = settled(page)
    box = page.locator(".picture").first.bounding_box()
    x, y = box["x"] + 80, box["y"] + 80
    touch = page.context.new_cdp_session(page)
    for kind, step in [("touchStart", 0), *[("touchMove", step) for step in range(1, 9)]]:
        points = [{"x": x - 8 * step, "y": y - 5 * step}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(150)
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert both_differ(before, settled(page))
    assert place(page)[0] > 5.2
    assert place(page)[1] > 5.1
    assert page.evaluate("scrollY") == 0


def test_keys_move_pause_and_snap(visit):
    page = visit("x=5.25&y=5")
    before = settled(page)
    page.locator(".picture").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.wait_for_timeout(300)
    assert place(page) == (5.3, 6.0)
    assert both_differ(before, settled(page))
    page.keyboard.press("s")
    page.wait_for_function("stage.stage.state.x === 5")
    page.keyboard.press(" ")
    page.wait_for_function("stage.stage.state.x !== 5")
    assert page.get_by_role("button", name="Pause").is_visible()


def test_a_thrown_picture_glides_and_snaps_where_that_is_wanted(visit):
    page = visit("x=5&y=5")
    settled(page)
    page.get_by_role("button", name="Snap").click()
    drag(page, ".picture", -150, 60)
    page.wait_for_function(
        "Number.isInteger(stage.stage.state.x) && Number.isInteger(stage.stage.state.y)"
    )
    assert place(page) != (5, 5)


def test_a_link_gives_the_same_pictures_to_somebody_else(visit):
    page = visit()
    drag(page, ".picture", 90, 70)
    page.locator(".one").get_by_label("7", exact=True).check()
    page.locator("[name=psi]").fill("0.7")
    page.get_by_role("button", name="Pause").click()
    shown = settled(page)
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = visit(link.partition("?")[2])
    assert place(other) == place(page)
    for a, b in zip(shown, settled(other), strict=True):
        assert np.array_equal(a, b)
    assert other.get_by_role("button", name="Play").is_visible()


@pytest.mark.parametrize("name", ["mnist-dcgan", "mnist-gan", "mnist-vae"])
def test_64_seeds_agree_with_render(visit, name):
    page = visit(f"left={name}&x=0&y=0")
    model = duet.load(name).model
    rows = [latents.draw(seed, [0], model.latent_dim, model.num_classes) for seed in range(64)]
    wanted = model.render(torch.cat([z for z, _ in rows]), torch.cat([y for _, y in rows]))
    shown = page.evaluate("""async () => {
        const [side] = stage.stage.sides;
        const latents = Array.from({ length: 64 }, (_, seed) => side.plane.seed(seed));
        return [...await side.draw(latents, { chosen: null, truncation: 1 }, "test")];
    }""")
    gap = torch.tensor(shown).view_as(wanted) - wanted.int()
    assert gap.abs().max() <= 1


def test_sheets_and_their_tiles(visit):
    page = visit("view=sample&seed=40&class=3")
    page.wait_for_function("stage.stage.views.sample.drawn === '40,3,1,mnist-gan,mnist-vae'")
    left, right = pictures(page)
    for name, sheet in (("mnist-gan", left), ("mnist-vae", right)):
        assert abs(sheet[29:57, 58:] - rendered(name, 45, 0, 3)).max() <= 1  # row 1, column 2
    box = page.locator(".sheet canvas").first.bounding_box()
    for seed in range(40, 49):  # each lies over its picture
        tile = page.get_by_role("button", name=f"seed {seed}").first.bounding_box()
        row, column = divmod(seed - 40, 3)
        assert abs(tile["x"] - box["x"] - column * box["width"] / 3) < 3
        assert abs(tile["y"] - box["y"] - row * box["height"] / 3) < 3
    page.get_by_role("button", name="seed 45").first.click()
    page.get_by_role("button", name="Start of a path").click()
    page.get_by_role("button", name="Go there").click()
    assert place(page) == (45, 0)
    page.get_by_role("tab", name="Path").click()
    assert page.get_by_label("From seed").input_value() == "45"


def test_a_path_meets_its_ends(visit):
    page = visit("view=interpolate&from=12345&to=8&class=2")
    for at, (x, y) in (("0", (345, 12)), ("1", (8, 0))):
        page.get_by_label("Along the path", exact=True).fill(at)
        page.wait_for_function(f"stage.stage.views.interpolate.shown.endsWith(',{at}')")
        for name, picture in zip(("mnist-gan", "mnist-vae"), pictures(page), strict=True):
            assert abs(picture - rendered(name, x, y, 2)).max() <= 1
    page.locator("#view-interpolate [data-play]").click()
    page.wait_for_function("stage.stage.state.weight < 0.95")
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(700)
    weight = page.evaluate("stage.stage.state.weight")
    assert float(re.search(r"at=([\d.]+)", page.url)[1]) == weight


@pytest.mark.parametrize(("format", "returns"), [("PNG", True), ("WebP", False)])
def test_a_path_is_saved_as_a_film(visit, tmp_path, format, returns):
    page = visit(f"view=interpolate&from=12345&to=8&class=2&returns={int(returns)}")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save {format} film").click()
    download.value.save_as(tmp_path / "path")
    with Image.open(tmp_path / "path") as moving:
        assert moving.format == format.upper()
        assert moving.n_frames == (48 if returns else 25)  # 25 there, 23 back
        for frame, (x, y) in ((0, (345, 12)), (24, (8, 0))):
            moving.seek(frame)
            shown = np.asarray(moving.convert("L")).astype(int)[3::6, 3::6]
            assert abs(shown[:, :28] - rendered("mnist-gan", x, y, 2)).max() <= 1
            assert abs(shown[:, 30:] - rendered("mnist-vae", x, y, 2)).max() <= 1


def test_a_path_passes_the_classes_that_are_chosen_in_their_order(visit):
    page = visit("view=interpolate&from=12345&to=8&class=2&at=0")
    for name in ("7", "1", "4"):
        page.locator(".via").get_by_label(name, exact=True).check()
    page.locator(".via").get_by_label("1", exact=True).uncheck()
    expect(page.locator(".way")).to_have_text("7 → 4")
    for at, (x, y), label in (("0", (345, 12), 7), ("1", (8, 0), 4)):
        page.get_by_label("Along the path", exact=True).fill(at)
        page.wait_for_function(f"stage.stage.views.interpolate.shown.endsWith(',{at}')")
        for name, picture in zip(("mnist-gan", "mnist-vae"), pictures(page), strict=True):
            assert abs(picture - rendered(name, x, y, label)).max() <= 1
    page.wait_for_function("location.search.includes('via=7&via=4')")
    old = visit("view=interpolate&through=1")
    assert old.locator(".way").inner_text() == " → ".join("0123456789")


def test_a_path_that_does_not_return_begins_again(visit):
    page = visit("view=interpolate&from=1&to=2&at=0.97", awake=False)
    page.get_by_label("there and back").uncheck()
    page.locator("#view-interpolate [data-play]").click()
    page.wait_for_function("stage.stage.state.weight < 0.5")


def test_ready_made_drawings_are_answered(visit):
    page = visit("view=draw")
    for name, digit in (("a three", 3), ("a four", 4), ("a seven with a bar", 7)):
        page.get_by_role("button", name=f"Draw {name}").click()
        page.get_by_text(f"The VAE takes it for {digit}.").wait_for()


def test_a_drawn_digit_is_answered(visit, extractor):
    """A seven by mouse: the classifier that measures FID names the answer."""
    page = visit("view=draw")
    box = page.locator(".pad").bounding_box()

    def point(x, y):
        return box["x"] + x / 28 * box["width"], box["y"] + y / 28 * box["height"]

    page.mouse.move(*point(8, 7))
    page.mouse.down()
    for x, y in [(20, 7), (17, 13), (13, 22)]:
        page.mouse.move(*point(x, y), steps=8)
    page.mouse.up()
    answered = "(([, vae]) => vae.read !== null && !vae.busy)(stage.stage.views.draw.answers)"
    page.wait_for_function(answered)
    page.wait_for_timeout(1000)
    drawing, gan, answer = pictures(page)
    assert gan.max() == 0
    assert drawing.max() == 255
    assert extractor(torch.tensor(answer, dtype=torch.uint8)[None, None])[1].argmax() == 7
    assert page.locator(".reading").all_inner_texts() == [
        "It cannot read; to search for its nearest picture takes a server.",
        "The VAE takes it for 7.",
    ]
    assert abs(answer - drawing).mean() < 25
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("It answers every stroke.").wait_for()
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.wait_for_function(answered)


def broken(pattern: str, **answer):
    def prepare(page):
        page.route(pattern, lambda route: route.fulfill(**answer))
    return prepare


@pytest.mark.parametrize(
    "prepare",
    [
        broken("**/mnist-gan/decoder.onnx.gz*", status=404),
        broken("**/mnist-gan/decoder.onnx.gz*", body=b"\x1f\x8b\x08\x00 no gzip"),
    ],
    ids=["404", "damaged"],
)
def test_a_model_that_does_not_come_leaves_the_other(visit, prepare):
    page = visit("x=5&y=5", awake=False, prepare=prepare)
    page.wait_for_function("stage.stage?.sides[0].gone && stage.stage.sides[1].awake")
    assert page.get_by_text("it could not be loaded").first.is_visible()
    drag(page, ".picture", -100, 0)
    settled(page)
    assert abs(pictures(page)[1] - rendered("mnist-vae", *place(page))).max() <= 1
    page.unroute_all()
    page.get_by_role("button", name="Try again").first.click()
    page.wait_for_function(AWAKE)


@pytest.mark.parametrize(
    "prepare",
    [
        broken("**/*.wasm.gz*", body=b"half a file"),
        lambda page: page.add_init_script("delete window.WebAssembly"),
        lambda page: page.add_init_script("delete window.Worker"),
    ],
    ids=["truncated wasm", "no WebAssembly", "no Worker"],
)
def test_without_a_runtime_the_recording_plays_on(visit, prepare):
    page = visit(awake=False, prepare=prepare)
    page.wait_for_function("stage.stage?.sides.every((side) => side.gone)")
    page.wait_for_function("performance.getEntriesByName('duet-recording').length")
    before = pictures(page)
    page.wait_for_timeout(1200)
    assert both_differ(before, pictures(page))
    assert page.locator("#view-explore .words").first.inner_text() != ""
    for view in ("Sample", "Path", "Draw"):
        page.get_by_role("tab", name=view).click()
        page.wait_for_timeout(100)


def test_a_worker_that_dies_is_started_again(visit):
    page = visit("x=5&y=5")
    settled(page)
    page.evaluate("stage.stage.sides[0].engine.worker.onerror(new ErrorEvent('error'))")
    drag(page, ".picture", -100, 0)
    page.wait_for_function(AWAKE)
    shown = settled(page)
    assert abs(shown[0] - rendered("mnist-gan", *place(page))).max() <= 1


def test_no_encoder_no_answer_and_no_harm(visit):
    page = visit("view=draw", prepare=broken("**/encoder.onnx.gz*", status=404))
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.get_by_text("The encoder could not be loaded").wait_for()
    page.unroute_all()
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.get_by_text("The VAE takes it for").wait_for()


def test_storage_may_be_denied(visit):
    page = visit("x=5&y=5", prepare=lambda page: page.add_init_script(
        "CacheStorage.prototype.open = () => Promise.reject(new DOMException('denied'))"
    ))
    assert len(settled(page)) == 2


def test_it_goes_on_offline_and_a_second_visit_fetches_no_model(visit):
    page = visit("x=5&y=5")
    settled(page)
    page.wait_for_timeout(500)  # what is kept is written
    requests = []
    again = visit("x=5&y=5", context=page.context, prepare=lambda page: page.on(
        "request", lambda request: requests.append(request.url)
    ))
    assert any("stage.js" in url for url in requests)
    assert not [url for url in requests if ".gz" in url]
    page.context.set_offline(True)
    before = settled(again)
    drag(again, ".picture", -100, 30)
    assert both_differ(before, settled(again))


def test_a_second_finger_moves_nothing_and_draws_nothing(visit):
    page = visit("x=5&y=5", has_touch=True, awake=False)
    devtools = page.context.new_cdp_session(page)

    def touch(kind, *points):
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
            {"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)
        ]})

    box = page.locator(".picture").first.bounding_box()
    x, y = box["x"] + 100, box["y"] + 100
    touch("touchStart", (x, y))
    touch("touchStart", (x, y), (x + 90, y))
    for step in range(1, 8):
        touch("touchMove", (x, y), (x + 90 - 10 * step, y))
    assert place(page) == (5, 5)
    touch("touchEnd")
    touch("touchStart", (x, y))
    for step in range(1, 8):
        touch("touchMove", (x - 10 * step, y))
    page.wait_for_timeout(150)
    touch("touchEnd")
    page.wait_for_function("stage.stage.state.x > 5.2 && !stage.stage.held")
    page.get_by_role("tab", name="Draw").click()
    box = page.locator(".pad").bounding_box()
    x, y, wide = box["x"], box["y"], box["width"]
    touch("touchStart", (x + wide / 4, y + wide / 2))
    touch("touchStart", (x + wide / 4, y + wide / 2), (x + wide * 3 / 4, y + wide / 2))
    touch("touchMove", (x + wide / 4, y + wide * 3 / 4), (x + wide * 3 / 4, y + wide * 3 / 4))
    touch("touchEnd")
    drawing = pictures(page)[0]
    assert drawing[:, :14].max() == 255
    assert drawing[:, 14:].max() == 0


def test_the_window_may_change_its_size_under_a_hand(visit):
    page = visit("x=5&y=5")
    box = page.locator(".picture").first.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 150, box["y"] + 150, steps=4)
    page.set_viewport_size({"width": 420, "height": 700})
    page.mouse.move(100, 200, steps=4)
    page.wait_for_timeout(150)
    page.mouse.up()
    shown, where = settled(page), place(page)
    assert abs(shown[0] - rendered("mnist-gan", *where)).max() <= 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 420


@pytest.mark.parametrize("query", [
    "x=NaN&y=1e999&psi=-1&view=x", "view=sample&seed=1e99&class=<b>&psi=two",
    "view=interpolate&from=1.5&to=-3&at=7&kind=odd&via=7&via=7&via=<i>&returns=yes",
    "view=draw&class=&left=&right=__proto__", "x=&y=&digit=%00&view=explore&view=draw",
])
def test_a_link_with_odd_values_opens_what_can_be_understood(visit, query):
    page = visit(query, awake=False)
    for view in ("sample", "interpolate", "draw", "explore"):
        page.locator(f"#tab-{view}").click()
        page.wait_for_timeout(80)
    page.wait_for_function("location.search.includes('left=mnist-gan')")
    x, y = place(page)
    assert np.isfinite((x, y)).all()
    assert page.evaluate("stage.stage.state.chosen") is None
    assert 0 <= page.evaluate("stage.stage.state.truncation") <= 1
    assert page.evaluate("stage.stage.state.via.length") <= 1


def test_out_of_sight_nothing_runs(visit):
    page = visit(awake=False)
    page.wait_for_function("stage.stage?.visible")
    page.evaluate("document.body.style.paddingTop = '5000px'")
    page.wait_for_function("!stage.stage.visible")
    rest = place(page)
    page.wait_for_timeout(400)
    assert place(page) == rest
    page.evaluate("document.body.style.paddingTop = 0")
    page.wait_for_function(f"stage.stage.state.x !== {rest[0]}")


def test_it_is_used_by_keys_alone(visit):
    page = visit("x=5&y=5", awake=False)
    page.locator("#tab-explore").focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.id") == "tab-quiz"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-sample"
    assert page.locator("#view-sample").is_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('tile')"):
            break
    page.keyboard.press("Enter")
    page.get_by_text("Seed 0", exact=True).wait_for()


def test_reduced_motion_starts_at_rest(visit):
    page = visit(reduced_motion="reduce", awake=False)
    page.wait_for_function("stage.stage?.visible")
    rest = place(page)
    page.wait_for_timeout(300)
    assert place(page) == rest
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"stage.stage.state.x !== {rest[0]}")


def test_a_phone_has_both_beside_each_other(visit):
    page = visit(width=360, awake=False)
    for view in ("explore", "sample", "interpolate", "draw"):
        page.locator(f"#tab-{view}").click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        left, right = page.locator("section:not([hidden]) figure[data-side]").all()
        assert left.bounding_box()["y"] == right.bounding_box()["y"]
        assert left.bounding_box()["width"] > 150


MOUNTED = "document.querySelector('.stage-mount').stage"


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


@pytest.fixture
def shipped(offered):
    if offered["gan"] != "mnist-gan":
        pytest.skip("needs the shipped models")


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


@pytest.fixture(scope="module")
def colourful(tmp_path_factory):
    """A static site of shipped-like models: grey digits, and colour of 32 pixels with classes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("colourful")
    names = ("grinning face", "red apple", "ox")
    models = {
        "toy-gan": GAN(GANConfig((3, 32, 32), 3, latent_dim=6, width=4, depth=1)),
        "toy-vae": VAE(VAEConfig((3, 32, 32), 3, 6, width=4, depth=1, flow_layers=2)),
        "toy-spatial": SpatialVAE(SpatialVAEConfig(
            (3, 32, 32), 3, latent_dim=128, width=4, depth=1, prior_width=4, prior_depth=1,
            flow_steps=2, guidance=1.5,
        )),
    }
    for weight in models["toy-spatial"].parameters():  # its velocity is none at first
        weight.data += 0.05 * torch.randn_like(weight)
    loaded = {name: duet.load(name) for name in ("mnist-gan", "mnist-vae")}
    for name, model in models.items():
        (folder / name).mkdir()
        checkpoint.save(folder / name, model, name=name, made_from=DataRecord("toy", "Toy", names))
        loaded[name] = duet.load(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        shutil.copytree(facts.STAGE, folder / "site")
        patch.setattr(facts, "STAGE", folder / "site")
        for name in models:
            site._make_model(loaded[name], folder / "site" / "models" / name)
        told = facts.facts(Catalogue(loaded), facts.exported())
    (folder / "site" / site.FACTS).write_text(json.dumps(told))
    with serving(folder / "site") as url:
        yield url, loaded


def test_another_data_set_in_colour_is_fetched_when_it_is_chosen(visitor, colourful):
    url, loaded = colourful
    asked: list[str] = []
    page = visitor(f"{url}?x=5&y=5", prepare=lambda page: page.on(
        "request", lambda request: asked.append(request.url)
    ))
    page.wait_for_function(AWAKE)
    settled(page)
    assert not [url for url in asked if "toy" in url]
    page.locator("select[name=pictures]").select_option("Toy")
    page.wait_for_function(
        "stage.stage.explore.shown === '5,5,,1,toy-gan,toy-vae'"
    )
    assert [url for url in asked if "toy-vae/decoder" in url]
    assert not [url for url in asked if "encoder" in url]
    page.get_by_label("red apple").locator("visible=true").first.check()
    page.wait_for_function("stage.stage.explore.shown === '5,5,red apple,1,toy-gan,toy-vae'")
    shown = page.evaluate("""stage.stage.explore.canvases.map(
        (c) => [...c.getContext('2d').getImageData(0, 0, 32, 32).data])""")
    for name, picture in zip(("toy-gan", "toy-vae"), shown, strict=True):
        model = loaded[name].model
        z, _ = latents.plane(5, 5, model.latent_dim, 3)
        wanted = model.render(z, torch.tensor([1]))[0].permute(1, 2, 0).int().numpy()
        assert abs(np.array(picture).reshape(32, 32, 4)[..., :3] - wanted).max() <= 1
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = visitor(link)
    other.wait_for_function(
        "stage.stage?.explore.shown === '5,5,red apple,1,toy-gan,toy-vae'"
    )
    assert other.locator("select[name=pictures]").input_value() == "Toy"


def test_a_spatial_latent_is_drawn_and_its_colours_are_no_board_to_draw_on(visitor, colourful):
    url, loaded = colourful
    page = visitor(f"{url}?left=toy-gan&right=toy-spatial&x=5&y=5.25")
    page.wait_for_function("stage.stage?.explore.shown === '5,5.25,,1,toy-gan,toy-spatial'")
    shown = page.evaluate("""[...stage.stage.explore.canvases[1].getContext('2d')
        .getImageData(0, 0, 32, 32).data]""")
    model = loaded["toy-spatial"].model
    wanted = model.render(*latents.plane(5, 5.25, model.latent_dim, 3))[0].permute(1, 2, 0).int()
    assert abs(np.array(shown).reshape(32, 32, 4)[..., :3] - wanted.numpy()).max() <= 1
    page.locator("#tab-draw").click()
    page.get_by_text("Neither model here reads a grey drawing").wait_for()
    assert page.locator(".pad").is_hidden()
    assert page.get_by_role("button", name="Undo").is_hidden()


def test_a_slow_model_is_not_waited_for(visit):
    page = visit()
    counts = page.evaluate("""async () => {
        const { sides } = stage.stage, counts = [0, 0];
        sides.forEach((side, i) => {
            const draw = side.draw.bind(side);
            side.draw = async (latents, look, lane) => {
                if (i) await new Promise((later) => setTimeout(later, 400));
                if (lane === "stage") counts[i]++;
                return draw(latents, look, lane);
            };
        });
        await new Promise((later) => setTimeout(later, 3000));
        return counts;
    }""")
    assert 2 <= counts[1] <= 8
    assert counts[0] > 2 * counts[1]


def test_a_model_that_is_not_here_is_named(visit):
    page = visit("left=my-own-run&x=5&y=5")
    page.get_by_text("there is no “my-own-run” here").first.wait_for()
    page.wait_for_function("location.search.includes('left=mnist-gan')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, root, scheme):
    axe = root / "node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("needs axe-core: make check")
    page = visit("x=5&y=5", color_scheme=scheme)
    page.add_script_tag(path=axe)
    for view in ("explore", "sample", "interpolate", "draw"):
        page.locator(f"#tab-{view}").click()
        found = page.evaluate("axe.run()")["violations"]
        assert [(rule["id"], rule["impact"]) for rule in found] == []


def test_figures(browser, address, record_property, capsys):
    """What the stage costs and how fast it is: recorded, not judged, for the machine is shared."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, figures = bench.arrive(context, address)
    figures |= bench.dragged(page, seconds=2)
    figures |= bench.frames("sheets", page.evaluate(bench.SHEETS, 2))
    context.close()
    for name, value in figures.items():
        record_property(name, value)
    with capsys.disabled():
        print("\nstage:", json.dumps(figures))
    assert 3 < figures["MB before a model answers"] <= figures["MB with both models"] < 8
    assert figures["drag: requests"] == 0
    assert figures["drag: frames a second"] > 3
    assert figures["sheets: frames a second"] > 0.5
