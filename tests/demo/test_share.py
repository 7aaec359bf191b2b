"""The card that a shared link shows elsewhere."""

import pytest
from PIL import Image

from demo import share, site


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
    assert len(card.getcolors(card.width * card.height)) > 3
