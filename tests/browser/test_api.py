"""The running app, called by programs."""

import json
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

import duet
from demo import actions

gradio_client = pytest.importorskip("gradio_client")


@pytest.fixture(scope="module")
def client(app_url):
    return gradio_client.Client(app_url, verbose=False)


def test_every_action_has_a_named_endpoint(client):
    named = client.view_api(return_format="dict")["named_endpoints"]
    assert set(named) == {
        "/sample", "/interpolate", "/models", "/card", "/scores", "/arrays", "/reconstruct",
        "/link",
    }
    parameters = {p["parameter_name"] for p in named["/sample"]["parameters"]}
    assert parameters == {"left", "right", "class_name", "count", "seed", "truncation"}


def test_sample_gives_the_very_pixels_of_the_model(client, sources, offered):
    left, caption, right, _ = client.predict(class_name="4", count=5, seed=11, api_name="/sample")
    assert caption == f"{offered['gan']}: images 0–4 of seed 11"
    for path, kind in ((left, "gan"), (right, "vae")):
        drawn = actions.sample(duet.load(sources[kind]), "4", 5, 11)
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            gap = np.asarray(picture.convert("L")).astype(int) - np.asarray(drawn.picture)
            assert abs(gap).max() <= 1


def test_interpolate_gives_an_animation_and_a_strip(client):
    left, strip, caption, *_ = client.predict(
        start_seed=1, end_seed=2, steps=5, api_name="/interpolate"
    )
    with Image.open(left) as moving, Image.open(strip) as still:
        assert moving.n_frames == 8
        assert still.width > 4 * still.height
    assert caption.endswith("seed 1 → seed 2")


def test_models_card_and_link(client, offered):
    assert set(client.predict(api_name="/models")) >= set(offered.values())
    card = client.predict(offered["vae"], api_name="/card")
    assert card["facts"][0] | {"note": ""} == {"term": "Model", "value": "VAE", "note": ""}
    query = client.predict("sample", {"seed": 3}, api_name="/link")
    assert query.startswith("tab=sample&")
    assert "seed=3" in query


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"seed": None}, "Seed"), ({"seed": -3}, "Seed"), ({"count": 65}, "How many"),
        ({"truncation": 2}, "Truncation"), ({"class_name": "x"}, "Class"),
        ({"left": "x"}, "Left model"),
    ],
)
def test_bad_input_is_answered_by_name(client, given, named):
    with pytest.raises(gradio_client.exceptions.AppError, match=f"{named} must be"):
        client.predict(**given, api_name="/sample")


def test_bad_input_to_card_and_link_is_answered_by_name(client):
    with pytest.raises(gradio_client.exceptions.AppError, match="Model must be"):
        client.predict("x", api_name="/card")
    with pytest.raises(gradio_client.exceptions.AppError, match="Tab must be"):
        client.predict("x", {}, api_name="/link")


def test_sixteen_and_sixteen_images_come_well_within_a_second(app_url, offered):
    """The best of five, over raw HTTP; about 0.1 s on two idle cores."""
    values = [offered["gan"], offered["vae"], "~any", 16, 0, 1.0]
    seconds = []
    for seed in range(5):
        values[4] = seed
        request = urllib.request.Request(
            f"{app_url}/gradio_api/run/sample", json.dumps({"data": values}).encode(),
            {"Content-Type": "application/json"},
        )
        start = time.perf_counter()
        with urllib.request.urlopen(request) as answer:
            assert len(json.load(answer)["data"]) == 4
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


def test_files_of_the_machine_are_not_served(app_url, root):
    for path in ("/etc/passwd", root / "app.py"):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{app_url}/gradio_api/file={path}")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{app_url}/monitoring/summary")
