"""What a shared link shows elsewhere (Open Graph): words from the stage's own page, and a picture
by our models. Its address has to be absolute, and only a request says where we are.
"""

import re
from collections.abc import Mapping
from html import escape
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont

from demo.facts import STAGE
from duet.core import latents, pixels
from duet.store.checkpoint import Checkpoint

PICTURE = "share.png"
PAGE = STAGE / "index.html"
TAG = re.compile(r'<meta (?:property="og:|name="twitter:)[^>]*>')
HOST = re.compile(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:]+\](:\d+)?", re.ASCII)
SIZE = (1200, 630)
COLUMNS, ROWS, TILE = 4, 2, 124  # of a panel
GROUND, INK, FAINT = "#101014", "#ececf1", "#a0a0ac"
COLOURS = {"adversarial": "#fb923c", "variational": "#2dd4bf", "baseline": "#9ca3af"}


def tags(folder: str) -> str:
    """The page's tags, with the picture in a folder of the web."""
    return "".join(TAG.findall(placed(PAGE.read_text(encoding="utf-8"), folder)))


def placed(page: str, folder: str) -> str:
    """A page's HTML, its card's picture in a folder of the web."""
    return page.replace(f'content="{PICTURE}"', f'content="{escape(folder)}{PICTURE}"')


def without_tags(page: str) -> str:
    """A page's HTML without a card of its own."""
    return TAG.sub("", page)


def origin(scope: Mapping[str, Any]) -> str:
    """Where a visitor reaches us, "https://host/"; "" where the request does not say so plainly."""
    headers = {key.lower(): value.decode("latin-1") for key, value in scope.get("headers", ())}
    host = headers.get(b"host", "")
    forwarded = headers.get(b"x-forwarded-proto", "").split(",")[0].strip()
    scheme = forwarded if forwarded in ("http", "https") else scope.get("scheme", "http")
    root = str(scope.get("root_path", "")).strip("/")
    return f"{scheme}://{host}/{root}{'/' if root else ''}" if HOST.fullmatch(host) else ""


def picture(left: Checkpoint, right: Checkpoint) -> Image.Image:
    """The card: the first seeds, as both models draw them."""
    card = Image.new("RGB", SIZE, GROUND)
    draw = ImageDraw.Draw(card)
    width = COLUMNS * TILE
    gap = (SIZE[0] - 2 * width) // 3
    draw.text((gap, 50), "Duet", INK, ImageFont.load_default(96))
    words = "Same pictures learned, same seeds drawn"
    draw.text((gap, 175), words, FAINT, ImageFont.load_default(40))
    for i, checkpoint in enumerate((left, right)):
        at = gap + i * (width + gap), SIZE[1] - ROWS * TILE - 50
        colour = COLOURS[checkpoint.model.role]
        draw.rectangle((at[0] - 6, at[1] - 6, at[0] + width + 5, at[1] + ROWS * TILE + 5), colour)
        draw.text((at[0], at[1] - 62), checkpoint.model.title, colour, ImageFont.load_default(40))
        card.paste(_panel(checkpoint), at)
    return card


def _panel(checkpoint: Checkpoint) -> Image.Image:
    model = checkpoint.model
    rows = [
        latents.draw(seed, [0], model.latent_dim, model.num_classes)
        for seed in range(COLUMNS * ROWS)
    ]
    images = model.render(torch.cat([z for z, _ in rows]), torch.cat([y for _, y in rows]))
    lines = images.unflatten(0, (ROWS, COLUMNS)).permute(2, 0, 3, 1, 4).flatten(3).flatten(1, 2)
    size = COLUMNS * TILE, ROWS * TILE
    return pixels.to_pil(lines).convert("RGB").resize(size, Image.Resampling.NEAREST)
