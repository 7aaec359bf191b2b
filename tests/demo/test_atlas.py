"""What Explore and Reconstruct ask of the server: the atlas of a model, held-out pictures, and a
visitor's picture as a model takes it."""

import base64
import dataclasses
import io

import numpy as np
import pytest
import torch
from PIL import Image

import duet
from demo import atlas, facts, held_out, reconstruction, uploads
from demo.catalogue import Catalogue
from demo.directions import directions
from duet.store import records
from duet.store.checkpoint import shipped_names
from duet.store.sheet import SheetRecord


@pytest.fixture(autouse=True)
def _nothing_kept():
    held_out._sheets.cache_clear()


@pytest.fixture
def some(monkeypatch):
    """57 held-out pictures, sorted and unbalanced."""
    labels = torch.tensor([0] * 30 + [3] * 20 + [9] * 7)
    images = torch.randint(0, 256, (57, 1, 28, 28), dtype=torch.uint8)
    pictures = held_out.HeldOut(images, labels)
    monkeypatch.setattr(atlas, "held_out", lambda checkpoint: pictures)
    return pictures


def test_a_map_is_a_plane_in_latent_space(some, mock_checkpoint, tiny_vae):
    found = atlas.compute(mock_checkpoint(model=tiny_vae, weights_sha256="a" * 64))
    assert [each.label for each in found.maps] == [0, None]
    for each in found.maps:
        labels = some.labels if each.label is None else torch.zeros_like(some.labels)
        z = reconstruction.encode(tiny_vae, some.images, labels)
        assert each.classes == tuple(some.labels.tolist())
        mean, axes, places = map(torch.tensor, (each.mean, each.axes, each.places))
        torch.testing.assert_close(mean, z.mean(0), atol=1e-3, rtol=0)
        torch.testing.assert_close(axes @ axes.T, torch.eye(2), atol=1e-3, rtol=0)
        torch.testing.assert_close(places, (z - mean) @ axes.T, atol=0.02, rtol=0.01)
        widest = torch.linalg.svdvals(z - z.mean(0))[:2]
        torch.testing.assert_close(places.norm(dim=0), widest, atol=0.1, rtol=0.01)
    for axis, wanted in zip(found.directions, directions(tiny_vae), strict=True):
        assert axis.vector == pytest.approx(wanted.vector.tolist(), abs=1e-4)
        assert axis.name == wanted.name


def test_without_classes_there_is_one_map_and_without_an_encoder_none(
    some, mock_checkpoint, tiny_vae, tiny_gan
):
    config = dataclasses.replace(tiny_vae.config, num_classes=0)
    (only,) = atlas.compute(mock_checkpoint(model=type(tiny_vae)(config).eval())).maps
    assert only.label == 0
    assert atlas.compute(mock_checkpoint(model=tiny_gan)).maps == ()


def test_a_latent_of_one_number_has_no_map(some, mock_checkpoint):
    known = mock_checkpoint(shape=(1, 28, 28))
    known.model.config = dataclasses.replace(known.model.config, latent_dim=1)
    known.model.encode = lambda images, labels: images.flatten(1)[:, :1]
    found = atlas.compute(known)
    assert (len(found.directions), found.maps) == (1, ())


def test_without_pictures_there_is_no_map(monkeypatch, mock_checkpoint, tiny_vae):
    monkeypatch.setattr(atlas, "held_out", lambda checkpoint: None)
    assert atlas.compute(mock_checkpoint(model=tiny_vae)).maps == ()


def test_it_is_read_where_it_is_of_this_model(mock_checkpoint, tiny_gan):
    known = duet.load("mnist-gan")
    found = records.read(atlas.Atlas, atlas.path_of("mnist-gan"))
    assert atlas.stored(dataclasses.replace(known, name="mine")) == found
    assert atlas.stored(mock_checkpoint(model=tiny_gan, weights_sha256="b" * 64)) is None
    assert atlas.stored(dataclasses.replace(known, model=tiny_gan)) is None


def test_the_same_weights_by_another_configuration_are_another_model():
    known = duet.load("cifar10-vae")
    config = dataclasses.replace(known.model.config, guidance=known.model.config.guidance + 1)
    guided = dataclasses.replace(known, model=type(known.model)(config).eval())
    for checkpoint, folder in ((known, "cifar10-vae"), (guided, None)):
        assert facts.folder_of(checkpoint, facts.exported()) == folder


def test_what_is_computed_is_computed_once_a_model(
    monkeypatch, mock_checkpoint, tiny_gan, calls_of
):
    """Equal weights are no equal models."""
    some, other = (mock_checkpoint(name=name, model=tiny_gan) for name in ("some", "other"))
    config = dataclasses.replace(tiny_gan.config, depth=2)
    other = dataclasses.replace(other, model=type(tiny_gan)(config).eval())
    computed, compute = [], atlas.compute
    monkeypatch.setattr(
        atlas, "compute", lambda known: computed.append(known.name) or compute(known)
    )
    with calls_of(Catalogue({"some": some, "other": other})) as call:
        answers = [call("atlas", name) for name in ("some", "other", "some")]
    assert computed == ["some", "other"]
    assert answers[0] == answers[2] != answers[1]


def test_a_file_of_other_weights_or_none_is_not_believed(monkeypatch, tmp_path):
    known = duet.load("mnist-gan")
    (tmp_path / "models" / "mnist-gan").mkdir(parents=True)
    stored = atlas.path_of("mnist-gan").read_text()
    monkeypatch.setattr(facts, "STAGE", tmp_path)
    path = atlas.path_of("mnist-gan")
    for text in (stored.replace(known.weights_sha256, "0" * 64), stored[:-9], "[]"):
        path.write_text(text)
        assert atlas._read("mnist-gan", known) is None
    path.write_text(stored)
    assert atlas._read("mnist-gan", known).weights_sha256 == known.weights_sha256


@pytest.mark.parametrize("name", shipped_names())
def test_the_shipped_are_of_the_shipped_weights(name):
    """Fails after a release until `python -m demo.site` or `python -m demo.atlas` has run."""
    found = records.read(atlas.Atlas, atlas.path_of(name))
    assert found is not None
    assert found.weights_sha256 == duet.load(name).weights_sha256


def test_a_shipped_atlas_is_what_the_command_computes():
    stored = records.read(atlas.Atlas, atlas.path_of("mnist-gan"))
    again = directions(duet.load("mnist-gan").model)
    for axis, found in zip(stored.directions, again, strict=True):
        assert axis.name == found.name
        assert np.abs(np.dot(axis.vector, found.vector.numpy())) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", ["mnist-vae", "emoji-gan"])
def test_held_out_pictures_are_those_of_the_sheet(name):
    known = duet.load(name)
    found = held_out.held_out(known)
    sheet = np.asarray(Image.open(facts.STAGE / facts.REAL / f"{known.data}.png"))
    _, height, width = known.model.image_shape
    row, column = divmod(23, 10)
    cell = sheet[height * row :, width * column :][:height, :width].reshape(height, width, -1)
    assert np.array_equal(found.images[23].permute(1, 2, 0).numpy(), cell)
    assert len(found.images) == len(found.labels) == 100
    assert len(set(found.labels.tolist())) == known.model.num_classes


def test_of_a_last_row_that_is_not_full_the_rest_is_no_picture(tmp_path):
    cells = torch.randint(0, 256, (2, 3, 8, 4, 3), dtype=torch.uint8)  # rows, columns, H, W, C
    sheet = cells.permute(0, 2, 1, 3, 4).reshape(16, 12, 3)
    Image.fromarray(sheet.numpy()).save(tmp_path / "sheet.png")
    record = SheetRecord(
        data="toy", title="Toy", licence="other", credit="", images_sha256="1" * 64,
        held_out_sha256="2" * 64, indices=(5, 6, 7, 9), labels=(0, 0, 2, 1), columns=3,
        image_shape=(3, 8, 4), picture_sha256="3" * 64,
    )
    found = held_out._cut(tmp_path / "sheet.png", record)
    assert found.images.equal(cells.flatten(0, 1)[:4].permute(0, 3, 1, 2))
    assert found.labels.tolist() == [0, 0, 2, 1]


def test_held_out_digits_are_of_the_class_that_is_said():
    """The VAE, which was never shown one, reads nearly all as what they are."""
    known = duet.load("mnist-vae")
    found = held_out.held_out(known)
    read = [next(reconstruction.reconstruct(known.model, image)).label for image in found.images]
    assert (torch.tensor(read) == found.labels).float().mean() > 0.9


def test_of_other_data_and_of_another_shape_there_are_none(mock_checkpoint, tiny_gan):
    assert held_out.held_out(mock_checkpoint(model=tiny_gan)) is None
    data = {"images_sha256": duet.load("mnist-gan").made_from.images_sha256}
    assert held_out.held_out(mock_checkpoint(model=tiny_gan, data=data)) is not None
    assert held_out.held_out(mock_checkpoint(data=data)) is None


@pytest.fixture
def call(mock_checkpoint, tiny_vae, calls_of):
    offer = Catalogue({"vae": mock_checkpoint(name="vae", model=tiny_vae, weights_sha256="c" * 64),
                       "rgb": mock_checkpoint(name="rgb", shape=(3, 4, 4))})
    with calls_of(offer) as run:
        yield run


def test_the_page_gets_them_as_json(call, some, monkeypatch):
    found = call("atlas", "vae")
    assert len(found["directions"]) == 6
    assert len(found["directions"][0]["vector"]) == 6
    assert len(found["maps"][1]["places"]) == 57
    assert "Model must be one of" in call("atlas", "other")
    assert call("held_out", "vae") is None
    monkeypatch.setattr("demo.tabs.reconstruct.held_out", lambda checkpoint: some)
    held = call("held_out", "vae")
    assert held["shape"] == [24, 1, 28, 28]
    assert base64.b64decode(held["pixels"]) == some.images[:24].numpy().tobytes()
    assert held["labels"] == some.labels[:24].tolist()


def test_a_visitors_picture_comes_as_the_model_takes_it(call):
    buffer = io.BytesIO()
    picture = np.random.default_rng(0).integers(0, 256, (40, 90, 3)).astype(np.uint8)
    Image.fromarray(picture).save(buffer, "PNG")
    text = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    for model, shape in (("vae", (1, 28, 28)), ("rgb", (3, 4, 4))):
        found = call("fit", model, text)
        assert found["shape"] == [1, *shape]
        wanted = uploads.decode(buffer.getvalue(), shape)
        assert base64.b64decode(found["pixels"]) == wanted.numpy().tobytes()
    assert "not a picture" in call("fit", "vae", base64.b64encode(b"%PDF-1.4").decode())
    assert "Model must be one of" in call("fit", "other", text)
