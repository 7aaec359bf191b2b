"""What does not come, dies, is denied or is slow leaves the rest of the stage alive."""

import numpy as np
import pytest
from on_stage import AWAKE, both_differ, broken, drag, pictures, place, rendered, settled

pytestmark = pytest.mark.browser


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


def test_storage_may_be_denied(visit):
    page = visit("x=5&y=5", prepare=lambda page: page.add_init_script(
        "CacheStorage.prototype.open = () => Promise.reject(new DOMException('denied'))"
    ))
    assert len(settled(page)) == 2


def test_it_goes_on_offline_and_a_second_visit_fetches_no_model(visit):
    page = visit("x=5&y=5", new=True)
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
