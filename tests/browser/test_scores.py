"""Scores and the quiz on the real page."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PHONE = {"width": 360, "height": 740}
MAKERS = """document.querySelector(".stage-mount").stage.views.quiz.pictures.map(
    ({ maker }) => maker)"""
WIDER = "document.documentElement.scrollWidth > innerWidth"


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_the_leaderboard_is_of_the_models_in_view(open_page, size):
    page = open_page("tab=scores", **size)
    rows = page.locator(".leaderboard tbody th")
    expect(rows.first).to_have_text("real held-out images")
    assert "mnist-dcgan" in rows.all_inner_texts()[-1]
    assert rows.first.bounding_box()["height"] < 120  # no word is broken into letters
    assert not page.evaluate(WIDER)
    for plot in page.locator("svg.plot").all():
        assert plot.locator("title").text_content()
        assert "mnist-gan: " in plot.locator("desc").text_content()
    button = page.get_by_role("button", name="Copy: python -m evaluation verify mnist-gan")
    button.click()
    expect(button).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "python -m evaluation verify mnist-gan"
    ladder = page.locator(".ladder")
    expect(ladder.locator("tbody tr").first).to_contain_text("FID")
    page.get_by_text("Every score at every step").click()
    picture = page.locator("details img")
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.board details img').naturalWidth === 1122")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_ten_pictures_are_judged_by_keyboard_and_told(open_page, size):
    page = open_page("tab=stage&view=quiz&round=7", **size)
    first = page.locator(".answers button").first
    first.wait_for(timeout=60_000)
    expect(page.locator(".answers button")).to_have_count(3)
    assert not page.evaluate(WIDER)
    assert not page.locator(".duet-stage .controls").is_visible()
    first.focus()
    for shown in range(1, 11):
        expect(page.locator(".count b")).to_have_text(f"{shown} / 10")
        page.keyboard.press("1")
    expect(page.locator(".tally h3").first).to_be_focused()
    asked = page.evaluate(MAKERS)
    expect(page.locator(".tally h3 b")).to_have_text(f"{asked.count(0)} / 10")
    expect(page.locator(".tally li")).to_have_count(10)
    expect(page.locator(".tally li", has_text="✓")).to_have_count(asked.count(0))
    expect(page.locator(".telltales")).to_contain_text("Specks")
    expect(page.locator(".credit")).to_contain_text("CC BY-SA 3.0")
    assert not page.evaluate(WIDER)
    page.wait_for_url("**round=7*")
    page.get_by_role("button", name="Ten others").click()
    expect(page.locator(".count b")).to_have_text("1 / 10")
    page.wait_for_function("!location.search.includes('round=7&')")
