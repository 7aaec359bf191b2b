"""Own pictures: extractor and reference belong to the images, not to the name of a folder."""

import numpy as np
import pytest
import torch
from PIL import Image

import duet
from duet import data
from duet.core.tensors import load_tensors, save_tensors
from duet.models.gan import GAN, GANConfig
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.extractors import entry_of, extractor_for, own
from evaluation.fidelity import open_extractor
from evaluation.reference import open_reference
from evaluation.sets import SetId
from evaluation.stored import held_out

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def pictures(folder, seed, classes=("",), count=120):
    """`count` pictures of 8x8 grey noise a class, all in a folder called "cats"."""
    rng = np.random.default_rng(seed)
    for number, name in enumerate(classes):
        (folder / "cats" / name).mkdir(parents=True)
        for i in range(count):
            pixels = rng.integers(0, 100, (8, 8)).astype(np.uint8) + 70 * number
            pixels[:2] = 250  # the top is bright: a turn can be told
            Image.fromarray(pixels).save(folder / "cats" / name / f"{i}.png")
    return folder / "cats"


def trained(path, epochs=2):
    flags = ["--data", str(path), "--image-size", "8"]
    out = str(path.parent / "run")
    assert main(["train-extractor", *flags, "--epochs", str(epochs), "--out", out]) == 0
    assert main(["reference", *flags]) == 0
    return data.load(str(path), image_size=8)


def test_the_next_command_is_said_with_the_same_flags(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    path = pictures(tmp_path / "my own", 2)
    flags = ["--image-size", "8", "--colour", "grey", "--skip-broken"]
    out = str(tmp_path / "run")
    command = ["train-extractor", "--data", str(path), *flags, "--epochs", "1", "--out", out]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.endswith(f"python -m evaluation reference --data '{path}' {' '.join(flags)}\n")


def checkpoint_of(images, folder, classes=0):
    folder.mkdir()
    torch.manual_seed(0)
    model = GAN(GANConfig((1, 8, 8), classes, latent_dim=6, width=4, depth=1)).eval()
    made_from = DataRecord(images.name, images.name, images.class_names,
                           images_sha256=images.sha256)
    save(folder, model, name=folder.name, made_from=made_from)
    return folder


def test_two_folders_of_one_name_share_nothing(tmp_path, capsys):
    """Start to end without classes: extractor, reference, scores, verified."""
    one, two = (trained(pictures(tmp_path / str(seed), seed)) for seed in (1, 2))
    assert one.name == two.name == "cats"
    spaces = [open_extractor(extractor_for(SetId.of(images)), CPU) for images in (one, two)]
    assert spaces[0].name != spaces[1].name
    references = [open_reference(SetId.of(i), s) for i, s in zip((one, two), spaces, strict=True)]
    assert [r.about.images_sha256 for r in references] == [one.sha256, two.sha256]
    with pytest.raises(EvaluationError, match="there is no reference of cats"):
        open_reference(SetId.of(two), spaces[0])
    assert "12 held-out images are too few to be scored" in capsys.readouterr().err
    folder = checkpoint_of(one, tmp_path / "cats-gan")
    assert main(["measure", str(folder), "--samples", "100"]) == 0
    (measured,) = duet.load(folder).metrics.measurements
    assert measured.protocol.extractor == spaces[0].name
    assert measured.protocol.reference.images_sha256 == one.sha256
    # Turns are no classes: neither the Inception Score nor agreement with a label.
    wanted = {"frechet_distance", "kernel_distance", "precision", "patch_distance", "path_length"}
    assert wanted < measured.scores.keys()
    assert {"inception_score", "label_agreement"}.isdisjoint(measured.scores)
    assert main(["verify", str(folder)]) == 0


def test_a_reference_of_other_images_is_refused(tmp_path):
    images = trained(pictures(tmp_path / "a", 1, count=1000))
    stored = held_out(SetId.of(images))  # a hundred pictures suffice for it
    assert stored.measurements[0].protocol.samples == 100
    assert held_out(SetId("cats", "0" * 64)).measurements == ()
    extractor = open_extractor(extractor_for(SetId.of(images)), CPU)
    other = SetId("cats", images.sha256[:16] + "0" * 48)
    with pytest.raises(EvaluationError, match="is of other images than cats"):
        open_reference(other, extractor)


def test_without_classes_the_turn_is_learned_with_them_the_class(tmp_path):
    plain = trained(pictures(tmp_path / "a", 1), epochs=50)
    entry = entry_of(extractor_for(SetId.of(plain)))
    _, about = load_tensors(entry.weights)
    assert not entry.knows_classes
    assert float(about["test_accuracy"]) > 0.9  # a quarter is chance
    sorted_ = trained(pictures(tmp_path / "b", 2, ("dark", "light")), epochs=50)
    entry = entry_of(extractor_for(SetId.of(sorted_)))
    assert entry.knows_classes
    features, logits = open_extractor(extractor_for(SetId.of(sorted_)), CPU)(sorted_.images)
    assert features.shape == (len(sorted_), 64)
    assert (logits.argmax(1) == sorted_.labels).double().mean() > 0.9


def test_turns_are_turns():
    images = torch.randint(0, 256, (400, 3, 8, 8), dtype=torch.uint8)
    rotated, turns = own.turned(images)
    assert turns.bincount().min() > 60
    for image, result, count in zip(images, rotated, turns.tolist(), strict=True):
        expected = np.rot90(image.numpy(), count, axes=(1, 2))
        assert (result.numpy() == expected).all()


def test_what_is_missing_or_damaged_is_named(tmp_path, capsys):
    images = data.load(str(pictures(tmp_path / "a", 1)), image_size=8)
    folder = checkpoint_of(images, tmp_path / "cats-gan")
    assert main(["measure", str(folder), "--samples", "100"]) == 2
    assert "train-extractor --data PATH" in capsys.readouterr().err
    name = own.name_of(images.sha256)
    save_tensors(own.weights_path(name), {"a": torch.zeros(1)}, {"classes": "1"})
    assert main(["measure", str(folder), "--samples", "100"]) == 2
    assert "delete it, and make it anew" in capsys.readouterr().err
    assert own.find("own-../../etc/passwd") is None


@pytest.mark.parametrize(
    ("image_shape", "classes"),
    [("[1.5, 8, 8]", "3"), ("[" * 10_000, "3"), ("[-1, 8, 8]", "3"), ("[true, 8, 8]", "3"),
     ("[1, 8, 99999]", "3"), ("[1, 8, 8]", "-5"), ("[1, 8, 8]", "30000000"),
     ("[1, 8, 8]", "9" * 6000), ("5", "3"), (5, 3)],
)
def test_an_extractor_that_says_what_cannot_be_is_refused(image_shape, classes):
    """Before a network of that size is made."""
    name = own.name_of("a" * 64)
    own.weights_path(name).parent.mkdir(parents=True)
    about = {"image_shape": image_shape, "classes": classes}
    save_tensors(own.weights_path(name), {"a": torch.zeros(1)}, about)
    with pytest.raises(EvaluationError, match=r"cannot be used .*; delete it"):
        own.find(name)
