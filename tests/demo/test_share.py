"""The card that a shared link shows elsewhere."""

import re

import pytest
from PIL import Image

from demo import share, site
from demo.catalogue import Catalogue
from demo.first import FOLDER


def scope(host, scheme="http", **headers):
    named = {"host": host, **headers}
    pairs = [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()]
    return {"scheme": scheme, "headers": pairs}


@pytest.mark.parametrize(("asked", "origin"), [
    (scope("duet.example:7860"), "http://duet.example:7860/"),
    (scope("duet.hf.space", x_forwarded_proto="https,http"), "https://duet.hf.space/"),
    (scope("[::1]:80", "https"), "https://[::1]:80/"),
    (scope("a.example", x_forwarded_proto="javascript"), "http://a.example/"),
    ({**scope("a.example"), "root_path": "/duet"}, "http://a.example/duet/"),
    (scope('x"><script>'), ""),
    ({"headers": []}, ""),
])
def test_the_pictures_address_is_that_of_the_request(asked, origin):
    assert share.origin(asked) == origin


def test_the_apps_page_has_our_card_in_the_place_of_gradios(
    mock_checkpoint, serve_in_process, tmp_path
):
    with serve_in_process(Catalogue({"gan": mock_checkpoint(name="gan")}), tmp_path) as caller:
        page = caller.get("/", headers={"x-forwarded-proto": "https"}).text
        head = page.split("</head>")[0]
        (picture,) = re.findall(r'property="og:image" content="([^"]*)"', head)
        assert picture == f"https://testserver/{FOLDER}{share.PICTURE}"
        assert len(re.findall('"og:title"', page)) == 1
        assert "gradio.app" not in "".join(share.TAG.findall(page))
        got = caller.get(picture.removeprefix("https://testserver"))
        assert got.headers["content-type"] == "image/png"


def test_the_picture_that_ships_has_the_size_that_the_tags_say():
    with Image.open(share.PAGE.parent / share.PICTURE) as picture:
        width, height = picture.size
    assert (width, height) == share.SIZE
    assert f'width" content="{width}"' in share.tags("")
    assert f'height" content="{height}"' in share.tags("")


def test_a_site_that_knows_its_address_tells_it(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "make", lambda: None)
    site.site(tmp_path / "a", url="https://host/folder/")
    site.site(tmp_path / "b")
    known, unknown = ((tmp_path / name / "index.html").read_text() for name in "ab")
    assert known.count('content="https://host/folder/share.png"') == 2
    assert unknown == share.PAGE.read_text()


def test_the_card_shows_both_models(mock_checkpoint):
    card = share.picture(mock_checkpoint(name="one"), mock_checkpoint(name="two"))
    assert card.size == share.SIZE
    assert len(set(card.getdata())) > 3
