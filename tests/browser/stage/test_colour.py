"""Models of other data sets: in colour, of other latents, fetched when they are chosen."""

import json
import shutil

import numpy as np
import pytest
import torch
from on_stage import AWAKE, serving, settled

import duet
from demo import facts, site
from demo.catalogue import Catalogue
from duet.core import latents
from duet.models.gan import GAN, GANConfig
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from duet.store import checkpoint
from duet.store.config import DataRecord

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def colourful(tmp_path_factory):
    """A static site of shipped-like models: grey digits, and colour of 32 pixels with classes."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("colourful")
    names = ("grinning face", "red apple", "ox")
    models = {
        "toy-gan": GAN(GANConfig((3, 32, 32), 3, latent_dim=6, width=4, depth=1)),
        "toy-spatial": SpatialVAE(SpatialVAEConfig(
            (3, 32, 32), 3, latent_dim=128, width=4, depth=1, prior_width=4, prior_depth=1,
            flow_steps=2, guidance=1.0,
        )),
    }
    for weight in models["toy-spatial"].parameters():  # its velocity is none at first
        weight.data += 0.05 * torch.randn_like(weight)
    loaded = {name: duet.load(name) for name in ("mnist-gan", "mnist-vae")}
    for name, model in models.items():
        (folder / name).mkdir()
        checkpoint.save(folder / name, model, name=name, made_from=DataRecord("toy", "Toy", names))
        loaded[name] = duet.load(folder / name)
    with pytest.MonkeyPatch.context() as patch:
        shutil.copytree(facts.STAGE, folder / "site")
        patch.setattr(facts, "STAGE", folder / "site")
        for name in models:
            site._make_model(loaded[name], folder / "site" / "models" / name)
        told = facts.facts(Catalogue(loaded), facts.exported())
    (folder / "site" / site.FACTS).write_text(json.dumps(told))
    with serving(folder / "site") as url:
        yield url, loaded


def test_another_data_set_in_colour_is_fetched_when_it_is_chosen(visitor, colourful):
    url, loaded = colourful
    asked: list[str] = []
    page = visitor(f"{url}?x=5&y=5", prepare=lambda page: page.on(
        "request", lambda request: asked.append(request.url)
    ))
    page.wait_for_function(AWAKE)
    settled(page)
    assert not [url for url in asked if "toy" in url]
    page.locator("select[name=pictures]").select_option("Toy")
    page.wait_for_function(
        "stage.stage.explore.shown === '5,5,,1,toy-gan,toy-spatial'"
    )
    assert [url for url in asked if "toy-spatial/decoder" in url]
    assert not [url for url in asked if "encoder" in url]
    page.get_by_label("red apple").locator("visible=true").first.check()
    page.wait_for_function("stage.stage.explore.shown === '5,5,red apple,1,toy-gan,toy-spatial'")
    shown = page.evaluate("""stage.stage.explore.canvases.map(
        (c) => [...c.getContext('2d').getImageData(0, 0, 32, 32).data])""")
    for name, picture in zip(("toy-gan", "toy-spatial"), shown, strict=True):
        model = loaded[name].model
        z, _ = latents.plane(5, 5, model.latent_dim, 3)
        wanted = model.render(z, torch.tensor([1]))[0].permute(1, 2, 0).int().numpy()
        assert abs(np.array(picture).reshape(32, 32, 4)[..., :3] - wanted).max() <= 1
    page.get_by_role("button", name="Copy link").click()
    link = page.evaluate("navigator.clipboard.readText()")
    other = visitor(link)
    other.wait_for_function(
        "stage.stage?.explore.shown === '5,5,red apple,1,toy-gan,toy-spatial'"
    )
    assert other.locator("select[name=pictures]").input_value() == "Toy"


def test_colours_are_no_board_to_draw_on(visitor, colourful):
    url, _ = colourful
    page = visitor(f"{url}?left=toy-gan&right=toy-spatial&view=draw")
    page.get_by_text("Neither model here reads a grey drawing").wait_for()
    assert page.locator(".pad").is_hidden()
    assert page.get_by_role("button", name="Undo").is_hidden()
