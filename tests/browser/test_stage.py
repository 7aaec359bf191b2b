"""The static stage as a visitor has it: plain files, Chromium, no Python behind them."""

import functools
import http.server
import itertools
import json
import re
import statistics
import threading

import numpy as np
import pytest
import torch
from PIL import Image

import duet
from demo import site
from duet.core import latents

pytestmark = pytest.mark.browser
AWAKE = "stage.stage?.sides.every((side) => side.awake)"
# What the two pictures of the view in sight show: [[width, height, grey levels], …].
PICTURES = """[...document.querySelectorAll('section:not([hidden]) figure canvas:not(.strip)')].map(
    (c) => [c.width, c.height, [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]
        .filter((_, i) => i % 4 === 0)])"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments) -> None:
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site as `python -m demo.site` writes it, below a prefix of some host."""
    host = tmp_path_factory.mktemp("host")
    assert site.main(["--out", str(host / "some" / "prefix")]) == 0
    handler = functools.partial(Quiet, directory=str(host))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/some/prefix/"
        server.shutdown()


@pytest.fixture
def visit(browser, address):
    """visit(query, …) -> a page of a visitor who was never here, both models awake. No script may
    fail, and nothing may be fetched from elsewhere."""
    contexts, errors, elsewhere = [], [], []

    def note(request):
        if not request.url.startswith((address, "data:", "blob:")):
            elsewhere.append(request.url)

    def open_at(query="", awake=True, prepare=None, context=None, width=1280, **options):
        if context is None:
            context = browser.new_context(viewport={"width": width, "height": 900}, **options)
            contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("request", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(f"{address}?{query}")
        if awake:
            page.wait_for_function(AWAKE)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert errors == []
    assert elsewhere == []


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
    path = site.PATH
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
    page.get_by_label("7", exact=True).check()
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
    page.get_by_role("tab", name="Interpolate").click()
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


def test_a_path_is_saved_as_an_animation(visit, tmp_path):
    page = visit("view=interpolate&from=12345&to=8&class=2")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save animation").click()
    download.value.save_as(tmp_path / "path.png")
    with Image.open(tmp_path / "path.png") as moving:
        assert moving.n_frames == 48  # 25 there, 23 back
        for frame, (x, y) in ((0, (345, 12)), (24, (8, 0))):
            moving.seek(frame)
            shown = np.asarray(moving.convert("L")).astype(int)[3::6, 3::6]
            assert abs(shown[:, :28] - rendered("mnist-gan", x, y, 2)).max() <= 1
            assert abs(shown[:, 30:] - rendered("mnist-vae", x, y, 2)).max() <= 1


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
    page.wait_for_function("stage.stage.views.draw.read !== null && !stage.stage.views.draw.busy")
    page.wait_for_timeout(1000)
    drawing, answer = pictures(page)
    assert drawing.max() == 255
    assert extractor(torch.tensor(answer, dtype=torch.uint8)[None, None])[1].argmax() == 7
    assert page.locator(".reading").inner_text() == "The VAE takes it for 7."
    assert abs(answer - drawing).mean() < 25
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("stage.stage.views.draw.read === null")
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.wait_for_function("stage.stage.views.draw.read !== null")


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
    for view in ("Sample", "Interpolate", "Draw"):
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


def test_reduced_motion_starts_at_rest(visit):
    page = visit(reduced_motion="reduce")
    rest = place(page)
    page.wait_for_timeout(300)
    assert place(page) == rest
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"stage.stage.state.x !== {rest[0]}")


@pytest.mark.parametrize("view", ["explore", "sample", "interpolate", "draw"])
def test_a_phone_has_both_beside_each_other(visit, view):
    page = visit(f"view={view}", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    left, right = page.locator("section:not([hidden]) figure").all()
    assert left.bounding_box()["y"] == right.bounding_box()["y"]
    assert left.bounding_box()["width"] > 150


def test_the_app_has_it_as_a_tab(browser, app_url, offered):
    """The same files, within the page that Python serves; its dark mode reaches them."""
    if offered["gan"] != "mnist-gan":
        pytest.skip("needs the shipped models")
    page = browser.new_page(viewport={"width": 360, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{app_url}/?tab=stage&x=5&y=5&__theme=dark")
    mounted = "document.querySelector('.stage-mount')?.stage"
    drawn = f"{mounted}?.explore.shown === '5,5,,1,mnist-gan,mnist-vae'"
    page.wait_for_function(drawn, timeout=60_000)
    shown = page.evaluate(f"""{mounted}.explore.canvases.map((c) => [...c.getContext('2d')
        .getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0))""")
    for name, picture in zip(("mnist-gan", "mnist-vae"), shown, strict=True):
        assert abs(np.array(picture).reshape(28, 28) - rendered(name, 5, 5)).max() <= 1
    page.wait_for_function("location.search.includes('x=5&y=5')")
    assert "tab=stage" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    button = page.locator(".stage-mount button", has_text="Copy link")
    assert button.evaluate("(b) => getComputedStyle(b).colorScheme") == "dark"
    page.close()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit, root, scheme):
    axe = root / "node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("needs axe-core: npm install --no-save axe-core@4.11")
    page = visit("x=5&y=5", color_scheme=scheme)
    page.add_script_tag(path=axe)
    for view in ("explore", "sample", "interpolate", "draw"):
        page.locator(f"#tab-{view}").click()
        found = page.evaluate("axe.run()")["violations"]
        assert [(rule["id"], rule["impact"]) for rule in found] == []


def test_figures(visit, record_property, capsys):
    """What the stage costs and how fast it is: recorded, not judged, for the machine is shared."""
    sizes: dict[str, int] = {}

    def watch(page):
        devtools = page.context.new_cdp_session(page)
        devtools.send("Network.enable")
        urls = {}
        devtools.on("Network.responseReceived", lambda e: urls.update(
            {e["requestId"]: e["response"]["url"]}))
        devtools.on("Network.loadingFinished", lambda e: sizes.update(
            {urls.get(e["requestId"], "?"): int(e["encodedDataLength"])}))

    page = visit(prepare=watch)
    page.wait_for_function("performance.getEntriesByName('duet-model').length")
    marks = page.evaluate("""Object.fromEntries(['duet-recording', 'duet-model'].map(
        (name) => [name, performance.getEntriesByName(name)[0]?.startTime
            - performance.getEntriesByType('navigation')[0].responseEnd]))""")
    page.wait_for_timeout(2000)
    page.evaluate("stage.stage.explore.frames.length = 0")
    box = page.locator(".picture").first.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.evaluate("""() => new Promise((done) => {  // a hand that never rests, for three seconds
        const picture = document.querySelector('.picture'), began = performance.now();
        const box = picture.getBoundingClientRect();
        const step = (now) => {
            const angle = (now - began) / 300;
            picture.dispatchEvent(new PointerEvent('pointermove', { bubbles: true,
                clientX: box.x + 100 + 60 * Math.cos(angle),
                clientY: box.y + 100 + 60 * Math.sin(angle) }));
            if (now - began < 3000) requestAnimationFrame(step); else done();
        };
        requestAnimationFrame(step);
    })""")
    frames = page.evaluate("stage.stage.explore.frames")
    page.mouse.up()
    gaps = sorted(b - a for a, b in itertools.pairwise(frames))
    figures = {
        "first picture, ms after the HTML": round(marks["duet-recording"]),
        "first model's answer, ms after the HTML": round(marks["duet-model"]),
        "bytes until both answer": sum(sizes.values()),
        "median frame, ms": round(statistics.median(gaps), 1),
        "99th percentile, ms": round(gaps[int(0.99 * len(gaps))], 1),
    }
    for name, value in figures.items():
        record_property(name, value)
    with capsys.disabled():
        print("\nstage:", json.dumps(figures))
    assert figures["bytes until both answer"] < 8e6
    assert len(gaps) > 10
