"""Explore: it drifts, and is moved by mouse, finger and keys."""

import json

import numpy as np
import pytest
from on_stage import both_differ, drag, pictures, place, rendered, settled

from benchmarks import stage as bench
from demo import facts

pytestmark = pytest.mark.browser


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
    other = visit(link.partition("?")[2], new=True)
    assert place(other) == place(page)
    for a, b in zip(shown, settled(other), strict=True):
        assert np.array_equal(a, b)
    assert other.get_by_role("button", name="Play").is_visible()


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
