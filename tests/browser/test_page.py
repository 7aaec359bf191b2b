"""The page as a visitor has it, in Chromium."""

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

pytestmark = pytest.mark.browser
SIDES = ("left", "right")


def sources(page, kind: str) -> list[str]:
    """Addresses of both sides' pictures, once both are there and decoded."""
    images = [page.locator(f"#{kind}-{side} img") for side in SIDES]
    for image in images:
        image.wait_for()
        image.evaluate("(image) => image.decode()")
    return [image.get_attribute("src") for image in images]


def changed(page, kind: str, before: list[str], seconds: float = 15) -> list[str]:
    """Addresses of both pictures as soon as neither is what it was before."""
    deadline = time.monotonic() + seconds
    while any(now == then for now, then in zip(sources(page, kind), before, strict=True)):
        assert time.monotonic() < deadline, f"the {kind} pictures did not change"
        page.wait_for_timeout(50)
    return sources(page, kind)


def captions(page, tab: str) -> list[str]:
    return [page.locator(f"#{tab}-{side}-caption").inner_text() for side in SIDES]


def test_sample_opens_with_pictures_and_cards(open_page, offered):
    page = open_page("tab=sample")
    left, right = sources(page, "sample")
    assert left != right
    for kind, caption in zip(("gan", "vae"), captions(page, "sample"), strict=True):
        assert caption == f"{offered[kind]}: images 0–15 of seed 0"
    assert page.locator(".card:visible h3").all_inner_texts() == [offered["gan"], offered["vae"]]


def test_sample_draws_what_the_controls_say(open_page):
    page = open_page("tab=sample")
    before = sources(page, "sample")
    page.get_by_label("Seed", exact=True).filter(visible=True).fill("7")
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option", name="3", exact=True).click()
    page.get_by_role("button", name="Draw the sheets").click()
    changed(page, "sample", before)
    assert all(caption.endswith("images 0–15 of seed 7") for caption in captions(page, "sample"))
    size = page.locator("#sample-left img").evaluate("i => [i.naturalWidth, i.naturalHeight]")
    assert min(size) > 500


def test_the_dice_gives_a_new_seed_and_its_pictures(open_page):
    page = open_page("tab=sample")
    before = sources(page, "sample")
    page.get_by_role("button", name="Roll").first.click()
    changed(page, "sample", before)
    seed = page.get_by_label("Seed", exact=True).filter(visible=True).input_value()
    assert seed != "0"
    assert captions(page, "sample")[0].endswith(f"seed {seed}")


def test_interpolate_draws_strips_and_animations_that_move(open_page):
    page = open_page("tab=sample")
    page.get_by_role("tab", name="Films").click()
    before = sources(page, "strip")
    animations = sources(page, "animation")
    page.get_by_label("End seed", exact=True).fill("9")
    page.get_by_role("button", name="Draw the films").click()
    changed(page, "strip", before)
    changed(page, "animation", animations)
    for side in SIDES:
        moving = page.locator(f"#animation-{side} img")
        seen = set()
        for _ in range(20):
            seen.add(moving.screenshot())
            if len(seen) > 3:
                break
            page.wait_for_timeout(100)
        assert len(seen) > 3, f"the {side} animation stands still"


def test_a_tab_that_is_opened_before_the_link_was_followed_stays(open_page, hold):
    """The answer that sets what the link says is late: it does not open its tab again."""
    release = []
    page = open_page(
        "tab=sample&seed=5", prepare=lambda page: release.append(hold(page, "**/queue/join*"))
    )
    page.get_by_role("tab", name="Sheets", selected=True).wait_for()
    page.get_by_role("tab", name="Films").click()
    release[0]()
    sources(page, "strip")
    assert page.get_by_role("tab", name="Films").get_attribute("aria-selected") == "true"
    page.get_by_role("tab", name="Sheets").click()
    page.locator("#sample-left-caption", has_text="of seed 5").wait_for()


def test_a_newly_picked_model_shows_its_pictures_and_its_card(open_page, offered):
    page = open_page("tab=sample")
    before = sources(page, "sample")[0]
    page.get_by_role("radio", name=offered["dcgan"]).first.check()
    page.locator("#sample-left-caption", has_text=offered["dcgan"]).wait_for()
    page.locator(".card:visible h3", has_text=offered["dcgan"]).wait_for()
    assert sources(page, "sample")[0] != before
    page.get_by_role("combobox", name="Class").click()
    page.get_by_role("option", name="3", exact=True).click()
    page.get_by_role("button", name="Draw the sheets").click()
    page.locator("#sample-left-caption", has_text="ignores the choice").wait_for()


def test_bad_input_is_answered_by_name(open_page):
    page = open_page("tab=sample")
    before = sources(page, "sample")
    for text, answer in (("", "Seed must be a whole number"), ("-1", "not -1")):
        page.get_by_label("Seed", exact=True).filter(visible=True).fill(text)
        page.get_by_role("button", name="Draw the sheets").click()
        page.get_by_text(answer).first.wait_for()
    assert sources(page, "sample") == before


@pytest.mark.parametrize(
    ("tab", "picture", "options"),
    [
        ("sample", "sample", {"class_name": "5", "count": "9", "seed": "123", "truncation": "0.7"}),
        (
            "interpolate", "strip",
            {
                "start_seed": "4", "start_class_name": "1", "end_seed": "5", "end_class_name": "7",
                "steps": "8", "path": "linear", "truncation": "0.85",
            },
        ),
    ],
)
def test_the_link_reopens_the_same_view(open_page, offered, tab, picture, options):
    wanted = {"tab": tab, "left": offered["vae"], "right": offered["dcgan"], **options}
    page = open_page(urlencode(wanted))
    drawn = sources(page, picture)
    page.locator(f"#{tab}-{SIDES[1]}-caption", has_text=offered["dcgan"]).wait_for()
    page.locator(f"#{tab}-link-button").click()
    box = page.locator(f"#{tab}-link textarea")
    box.wait_for()
    link = box.input_value()
    page.wait_for_function("async (link) => await navigator.clipboard.readText() == link", arg=link)
    assert {key: value for key, (value,) in parse_qs(urlsplit(link).query).items()} == wanted
    again = open_page(urlsplit(link).query)
    names = [urlsplit(address).path for address in sources(again, picture)]
    assert names == [urlsplit(address).path for address in drawn]  # named by their content
    assert captions(again, tab) == captions(page, tab)
    cards = again.locator(".card:visible h3").all_inner_texts()
    assert cards == [offered["vae"], offered["dcgan"]]


def test_a_link_does_not_outlive_what_it_links_to(open_page):
    page = open_page("tab=sample")
    sources(page, "sample")
    page.locator("#sample-link-button").click()
    box = page.locator("#sample-link textarea")
    box.wait_for()
    page.get_by_label("Seed", exact=True).filter(visible=True).fill("8")
    box.wait_for(state="hidden")
    page.locator("#sample-link-button").click()
    box.wait_for()
    assert "seed=8" in box.input_value()


def test_a_hostile_link_opens_the_defaults_with_a_notice(open_page, offered):
    evil = "<img src=x onerror=window.hacked=1>"
    page = open_page(urlencode({"tab": evil, "left": evil, "seed": evil, "count": "1e9"}))
    page.get_by_text("This link could not be followed").first.wait_for()
    page.get_by_role("tab", name="Sheets").click()
    sources(page, "sample")
    assert captions(page, "sample")[0] == f"{offered['gan']}: images 0–15 of seed 0"
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("tab", ["sample", "interpolate"])
def test_a_phone_shows_the_page_without_scrolling_sideways(open_page, tab):
    page = open_page(f"tab={tab}", width=390, height=844)
    sources(page, "sample" if tab == "sample" else "strip")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for side in SIDES:
        box = page.locator(f"#{'sample' if tab == 'sample' else 'strip'}-{side} img").bounding_box()
        assert box["x"] >= 0
        assert 300 < box["width"] <= 390


def test_every_control_has_a_help_text(open_page):
    page = open_page("tab=sample")
    sources(page, "sample")
    for tab, title in (("sample", "Sheets"), ("interpolate", "Films")):
        page.get_by_role("tab", name=title).click()
        page.locator(f"#{tab}-draw").wait_for()
        page.wait_for_timeout(200)
        labels = page.locator("[data-testid=block-info]:visible")
        assert labels.count() >= 6
        assert page.locator("[data-testid=block-info].has-info:visible").count() == labels.count()


def drawn(page, url: str) -> list[str]:
    """The list to which every call that draws a tab adds the tab's name, from now on."""
    outputs = {4: "sample", 6: "interpolate"}
    tabs = {
        event["id"]: outputs[len(event["outputs"])]
        for event in page.request.get(f"{url}/config").json()["dependencies"]
        if "draw_both" in str(event["api_name"])
    }
    calls: list[str] = []

    def note(request):
        if "/queue/join" in request.url and request.post_data_json["fn_index"] in tabs:
            calls.append(tabs[request.post_data_json["fn_index"]])

    page.on("request", note)
    return calls


def test_only_the_tab_in_view_draws(open_page, app_url, offered):
    page = open_page("tab=sample")
    sources(page, "sample")  # this visit's own call is over
    calls = drawn(page, app_url)
    page.reload()
    sources(page, "sample")

    def settled() -> list[str]:
        page.wait_for_timeout(800)
        seen, calls[:] = list(calls), []
        return seen

    assert settled() == ["sample"]
    page.get_by_role("tab", name="Films").click()
    sources(page, "strip")
    assert settled() == ["interpolate"]
    page.get_by_role("tab", name="Sheets").click()
    assert settled() == []
    page.get_by_role("radio", name=offered["dcgan"]).first.check()
    page.locator("#sample-left-caption", has_text=offered["dcgan"]).wait_for()
    assert settled() == ["sample"]
    page.get_by_role("tab", name="Films").click()
    page.locator("#interpolate-left-caption", has_text=offered["dcgan"]).wait_for()
    assert settled() == ["interpolate"]


def test_an_old_link_opens_what_it_meant(open_page, offered):
    page = open_page("tab=sample&digit=3&seed=5")
    page.locator("#sample-left-caption", has_text="of seed 5").wait_for()
    assert page.get_by_role("combobox", name="Class").input_value() == "3"
