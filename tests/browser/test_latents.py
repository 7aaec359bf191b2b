"""The tabs Latent space and Reconstruct, as a visitor has them."""

import pytest
from playwright.sync_api import expect

import duet

pytestmark = pytest.mark.browser


def pixels(page, selector: str) -> list[int]:
    return page.locator(selector).first.evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]"
    )


def wait_for_other(page, selector: str, before: list[int]) -> list[int]:
    for _ in range(300):
        if (now := pixels(page, selector)) != before:
            return now
        page.wait_for_timeout(50)
    raise AssertionError(f"{selector} stays as it is")


def test_a_slider_and_the_map_move_the_pictures(open_page, shipped):
    page = open_page("tab=explore", width=390)
    explore = page.locator("#explore")
    left = '#explore figure[data-side="left"] .picture'
    explore.get_by_label("Slant").first.wait_for()
    expect(explore.locator(".sliders label")).to_have_count(12)
    before = wait_for_other(page, left, [])
    explore.get_by_label("Slant").first.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    moved = wait_for_other(page, left, before)
    explore.locator(".chart").click(position={"x": 40, "y": 60})
    wait_for_other(page, left, moved)
    explore.get_by_label("Each read as what it is").check()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_held_out_pictures_are_answered_and_an_uploaded_one_too(open_page, shipped, tmp_path):
    page = open_page("tab=reconstruct", width=390)
    tab = page.locator("#reconstruct")
    answer = tab.locator('.cell[data-side="right"] .reading').first
    answer.filter(has_text="PSNR").wait_for()
    tab.locator('.cell[data-side="left"]').first.get_by_role("button", name="Search").click()
    tab.locator('.cell[data-side="left"] .reading').first.filter(has_text="Error").wait_for()
    picture = tmp_path / "mine.png"
    duet.load("mnist-vae").model.domain.picture(
        duet.load("mnist-vae").sample(1, seed=3)[0], 4
    ).save(picture)
    tab.locator("[type=file]").set_input_files(picture)
    tab.locator(".original .reading").first.filter(has_text="mine.png").wait_for()
    answer.filter(has_text="PSNR").wait_for()
    text = tmp_path / "words.png"
    text.write_text("no picture")
    tab.locator("[type=file]").set_input_files(text)
    tab.get_by_role("alert").filter(has_text="cannot be used").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
