"""Sheets, paths, films and drawings, all made in the browser."""

import re

import numpy as np
import pytest
import torch
from on_stage import broken, pictures, place, rendered
from PIL import Image
from playwright.sync_api import expect

import duet
from duet.core import latents

pytestmark = pytest.mark.browser


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


def test_no_encoder_no_answer_and_no_harm(visit):
    page = visit("view=draw", prepare=broken("**/encoder.onnx.gz*", status=404))
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.get_by_text("The encoder could not be loaded").wait_for()
    page.unroute_all()
    page.get_by_role("button", name="Let the GAN draw one").click()
    page.get_by_text("The VAE takes it for").wait_for()
