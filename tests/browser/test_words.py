"""The page in Chinese: nothing in sight is left in English but names and abbreviations."""

import re

import pytest
from playwright.sync_api import expect

from demo.tabs import TABS
from duet.store import checkpoint

pytestmark = pytest.mark.browser
SEEN = """() => {
    const found = new Set(), left = "script, style, code, pre, textarea, svg, [translate=no]";
    const named = ["title", "placeholder", "alt", "label", "aria-label", "aria-roledescription"];
    const look = (root) => {
        const walker = document.createTreeWalker(root, 5, { acceptNode: (node) => (
            node instanceof Element && (node.matches(left) || !node.checkVisibility())
                ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT) });
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            if (node instanceof Text) found.add(node.data.trim());
            else for (const name of named) found.add(node.getAttribute(name) ?? "");
            if (node.shadowRoot) look(node.shadowRoot);
        }
    };
    look(document.body);
    return [...found];
}"""
ALIKE = re.compile(
    r"""MNIST:\ .*|Duet|English|Gradio|Shift|D?C?GAN|VAE|(Fashion-)?MNIST|CIFAR-10|Twemoji|FID∞?|KID
    |IS|SWD|PPL|PSNR|ELBO|KL|PCA|PNG|WebP|API|MCP|MB|CPU|x86_64|AVX\d+|dB|R1|R2|R3GAN|Radford
    |TensorFlow|[a-z]+-(gan|vae|dcgan)|(fashion-)?mnist|cifar10|own-[0-9a-f]+
    |python\ -m.*""", re.VERBOSE)


def english(texts: list[str]) -> list[str]:
    """The texts that still hold a word."""
    return [text for text in texts if re.search("[A-Za-z]{2}", ALIKE.sub("", text))]


def test_chinese_leaves_no_english_in_any_tab_and_english_comes_back(open_page):
    page = open_page(locale="zh-CN")
    page.locator("gradio-app .stage-mount").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    for i in range(len(TABS)):
        page.locator(".tab-container:not(.visually-hidden) [role=tab]").nth(i).click()
        page.wait_for_timeout(3000)
        assert english(page.evaluate(SEEN)) == []
    page.locator(".language").last.click()
    expect(page.locator("gradio-app header p")).to_contain_text("trained on the same pictures")
    assert "lang=en" in page.url
    assert page.evaluate("document.documentElement.lang") == "en"
    assert english(page.evaluate(SEEN))


@pytest.fixture(scope="module")
def all_url(serve):
    """The app over all that ships."""
    return serve(checkpoint.shipped_names())


def test_a_lesson_is_in_chinese_and_moves_the_pickers(open_page, all_url):
    page = open_page("lang=zh&lesson=duel&step=3", url=all_url)
    page.get_by_text("判别器会注意到纹理").wait_for(timeout=60_000)
    page.wait_for_function("location.search.includes('left=fashion-gan')", timeout=60_000)
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="从判别器对其自身图像的梯度中学习").click()
    page.get_by_text("正确。").wait_for()
    assert english(page.evaluate(SEEN)) == []


def test_a_link_shows_the_stage_alone(visitor, app_url):
    page = visitor(f"{app_url}/?embed=1&hide=class&x=2&y=0")
    page.locator("gradio-app .stage-mount .picture").first.wait_for()
    for hidden in ("gradio-app header", ".pickers", ".tab-wrapper", ".cards", "footer", ".one"):
        assert not page.locator(hidden).first.is_visible(), hidden
    assert "embed=1" in page.url
    assert page.locator(".psi").is_visible()
