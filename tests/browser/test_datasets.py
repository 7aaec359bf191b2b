"""The page over two data sets: grey pictures in classes, two of them called as our words are, and
larger pictures in colour without classes."""

import io
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from PIL import Image

pytestmark = pytest.mark.browser
CLASSES = ("any", "same", "Sneaker", "boot")


@pytest.fixture
def url(two_sets_url) -> str:
    return two_sets_url


def wait_for(page, tab: str, left: str, right: str) -> None:
    for side, name in (("left", left), ("right", right)):
        page.locator(f"#{tab}-{side}-caption", has_text=name).wait_for()


def picture(page, elem_id: str) -> Image.Image:
    source = page.locator(f"#{elem_id} img").get_attribute("src")
    with urllib.request.urlopen(source) as answer:
        return Image.open(io.BytesIO(answer.read()))


def widths(page, kind: str) -> list[float]:
    page.wait_for_timeout(300)
    return [page.locator(f"#{kind}-{s} img").bounding_box()["width"] for s in ("left", "right")]


def class_box(page, name: str = "Class"):
    return page.get_by_role("combobox", name=name, exact=True)


def test_the_data_set_moves_both_models_and_the_classes(open_page, url):
    page = open_page("tab=sample", url=url)
    wait_for(page, "sample", "grey-gan", "grey-vae")
    assert picture(page, "sample-left").mode == "L"
    class_box(page).click()
    shown = page.get_by_role("option").all_inner_texts()
    assert [text.removeprefix("✓").strip() for text in shown] == ["– any –", *CLASSES]
    page.keyboard.press("Escape")
    page.get_by_role("radio", name="colour", exact=True).check()
    wait_for(page, "sample", "colour-gan", "colour-vae")
    assert page.locator(".card h3").all_inner_texts() == ["colour-gan", "colour-vae"]
    assert picture(page, "sample-right").mode == "RGB"
    class_box(page).wait_for(state="hidden")
    page.get_by_role("tab", name="Films").click()
    wait_for(page, "interpolate", "colour-gan", "colour-vae")
    for kind in ("strip", "animation"):
        assert picture(page, f"{kind}-left").mode == "RGB"
    assert class_box(page, "Start class").count() == 0


def test_a_class_called_any_is_not_any_class(open_page, url):
    page = open_page("tab=sample", url=url)
    wait_for(page, "sample", "grey-gan", "grey-vae")
    class_box(page).click()
    page.get_by_role("option", name="any", exact=True).click()
    page.locator("#sample-link-button").click()
    box = page.locator("#sample-link textarea")
    box.wait_for()
    link = urlsplit(box.input_value()).query
    assert parse_qs(link)["class_name"] == ["any"]
    again = open_page(link, url=url)
    wait_for(again, "sample", "grey-gan", "grey-vae")
    assert class_box(again).input_value() == "any"
    old = open_page("tab=sample&digit=any", url=url)
    wait_for(old, "sample", "grey-gan", "grey-vae")
    assert class_box(old).input_value() == "– any –"


@pytest.mark.parametrize(("tab", "kind"), [("sample", "sample"), ("interpolate", "strip")])
def test_models_of_two_sizes_are_shown_equally_large(open_page, url, tab, kind):
    link = {"tab": tab, "left": "colour-gan", "right": "grey-vae"}
    page = open_page(urlencode(link), url=url)
    wait_for(page, tab, "colour-gan", "grey-vae")
    left, right = widths(page, kind)
    assert abs(left - right) < 1
    if tab == "interpolate":
        assert widths(page, "animation") == [336, 336]
    for side in ("left", "right"):
        natural = page.locator(f"#{kind}-{side} img").evaluate("image => image.naturalWidth")
        assert natural >= left, "a picture is blown up"
    assert page.get_by_role("radio", name="grey", exact=True).is_checked() is False
    assert page.get_by_role("radio", name="colour", exact=True).is_checked() is False


def test_a_class_stays_while_a_model_knows_it(open_page, url):
    link = {"tab": "sample", "left": "grey-gan", "right": "colour-vae", "class_name": "boot"}
    page = open_page(urlencode(link), url=url)
    page.locator("#sample-right-caption", has_text="ignores the choice").wait_for()
    assert class_box(page).input_value() == "boot"
    page.get_by_role("radio", name="grey-vae").nth(1).check()
    wait_for(page, "sample", "grey-gan", "grey-vae")
    assert class_box(page).input_value() == "boot"
    page.get_by_role("radio", name="colour", exact=True).check()
    wait_for(page, "sample", "colour-gan", "colour-vae")
    page.get_by_role("radio", name="grey", exact=True).check()
    wait_for(page, "sample", "grey-gan", "grey-vae")
    assert class_box(page).input_value() == "– any –"
