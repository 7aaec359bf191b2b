"""What holds for the tabs beside the stage alike: links, the language of lists, accessibility."""

import pytest
from playwright.sync_api import expect

from demo.tabs import TABS

pytestmark = pytest.mark.browser
PAIR = "left=mnist-gan&right=mnist-vae"
FOUND = "firstfound=0.7." + "AAAA" * 42 + "AAA"  # the latent 0 of 64 numbers, as a seven
SHOWN = """(input) => Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")
    .get.call(input)"""
LINKS = {
    "explore": ("seed=77&class=3&map=1&place=-0.125%2C2.088&leftat=%2C%2C-1.5%2C%2C%2C"
                "&rightgrid=0%2C4", ".legend span"),
    "reconstruct": (f"first=5&{FOUND}&second=9&at=0.3",
                    '.cell[data-side="left"] .reading:has-text("Taken for 7")'),
    "learning": ("view=live", "#view-live:not([hidden])"),
}


@pytest.mark.parametrize("tab", LINKS)
def test_a_link_opens_what_it_names_and_is_given_again(open_page, shipped, tab):
    query, seen = LINKS[tab]
    page = open_page(f"lang=en&tab={tab}&{PAIR}&{query}")
    opened = page.url
    place = page.locator(f"#{tab}")
    place.locator(seen).first.wait_for()
    place.get_by_role("button", name="Copy link").click()
    place.get_by_text("The link is copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == opened
    if tab == "explore":
        width = place.get_by_label("Width").first
        assert width.get_attribute("aria-valuetext") == "−1.5σ"
        expect(place.get_by_label("Each read as what it is")).to_be_checked()


def test_a_list_shows_its_choice_in_the_pages_language_and_sends_what_it_means(open_page):
    page = open_page("lang=zh&tab=sample")
    chosen = page.locator(".controls input[role=combobox]").first
    page.wait_for_function(f"(input) => ({SHOWN})(input) === '– 任意 –'",
                           arg=chosen.element_handle())
    assert chosen.evaluate("(input) => input.value") == "– any –"  # as Gradio reads it
    page.locator("#sample-link-button").click()
    link = page.locator("#sample-link").get_by_role("textbox")
    page.wait_for_function("(box) => box.value", arg=link.element_handle())
    assert "lang=zh&tab=sample" in link.input_value()
    assert "class_name=~any" in link.input_value()
    page.locator(".language").last.click()
    page.wait_for_function(f"(input) => ({SHOWN})(input) === '– any –'",
                           arg=chosen.element_handle())


def test_axe_finds_nothing_serious_in_any_tab(open_page, root):
    axe = root / "node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("needs axe-core: make check")
    page = open_page("lang=en&__theme=light", reduced_motion="reduce")
    page.evaluate(axe.read_text())
    for i in range(len(TABS)):
        page.locator(".tab-container:not(.visually-hidden) [role=tab]").nth(i).click()
        page.wait_for_timeout(1000)
        found = page.evaluate("axe.run()")["violations"]
        assert [rule for rule in found if rule["impact"] in ("serious", "critical")] == []
