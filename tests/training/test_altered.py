"""Fewer images, wrong labels, repeats: as many as asked, by the seed, and nothing else changed."""

import dataclasses
import json

import pytest
import torch

import duet
from duet.core.tensors import load_tensors, save_tensors
from duet.data import ImageSet
from training.altered import ALTERED, altered
from training.config import TrainingError
from training.folder import STATE
from training.recipes import RECIPES
from training.state import ABOUT


@pytest.fixture
def numbered():
    """200 images that tell who they are and of which class, sorted by class, unevenly many."""
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([20, 50, 130]))
    images = torch.zeros(200, 1, 8, 8, dtype=torch.uint8)
    images[:, 0, 0, 0], images[:, 0, 0, 1] = torch.arange(200), labels
    return ImageSet("numbered", "train", images, labels, tuple("abc"))


def who(images):
    return images.images[:, 0, 0, 0].tolist()


def of(images, **settings):
    return altered(images, RECIPES["gan"].config(**settings))


def test_by_default_a_set_is_itself(numbered):
    assert of(numbered) is numbered


def test_fewer_are_some_of_the_more_with_their_labels(numbered):
    few, more, other = (of(numbered, train_images=count, seed=seed)
                        for count, seed in ((30, 0), (90, 0), (30, 1)))
    assert (len(few), len(set(who(few)))) == (30, 30)
    assert who(more)[:30] == who(few) != who(other)
    assert set(few.labels.tolist()) == {0, 1, 2}  # not the first of a sorted set
    assert few.images[:, 0, 0, 1].tolist() == few.labels.tolist()
    with pytest.raises(TrainingError, match="--train-images 201: numbered has 200"):
        of(numbered, train_images=201)


def test_a_share_of_the_labels_is_wrong(numbered):
    spoiled = of(numbered, wrong_labels=0.1)
    right = spoiled.images[:, 0, 0, 1].long()
    wrong = spoiled.labels != right
    assert wrong.sum() == 20
    assert set(spoiled.labels[wrong].tolist()) == {0, 1, 2}
    assert sorted(who(spoiled)) == list(range(200))
    assert (numbered.labels == numbered.images[:, 0, 0, 1]).all()  # which stays as it was
    one_class = dataclasses.replace(numbered, labels=numbered.labels * 0, class_names=())
    with pytest.raises(TrainingError, match="two classes or more"):
        of(one_class, wrong_labels=0.1)


def test_a_share_of_the_images_are_repeats(numbered):
    repeated = of(numbered, train_images=100, duplicates=0.4)
    names = who(repeated)
    assert (len(names), len(set(names[:60]))) == (100, 60)
    assert set(names[60:]) <= set(names[:60])
    assert len(set(names[60:])) > 20
    assert names[:60] == who(of(numbered, train_images=60))
    assert repeated.images[:, 0, 0, 1].tolist() == repeated.labels.tolist()


@pytest.mark.parametrize("name", ["wrong_labels", "duplicates"])
@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_is_a_share(name, share):
    with pytest.raises(TrainingError, match=rf"--{name.replace('_', '-')} must be a share"):
        RECIPES["gan"].config(**{name: share})


def test_a_run_of_them_is_recorded_and_resumed_as_such(run):
    settings = {"train_images": 40, "wrong_labels": 0.5, "duplicates": 0.25}
    folder = run("gan", "a", steps=2, **settings)
    record = duet.load(folder / "checkpoint").training
    assert record.epochs == pytest.approx(2 * 8 / 40)
    assert settings.items() <= record.settings.items()
    with pytest.raises(TrainingError, match=r"was trained with --wrong-labels 0\.5"):
        run("gan", "a", steps=3, resume=True, **settings | {"wrong_labels": 0.0})
    with pytest.raises(TrainingError, match=r"--train-images 40 --wrong-labels 0\.5 --dup"):
        run("gan", "a", steps=3, resume=True)
    with pytest.raises(TrainingError, match="--batch-size 8 is more than the 7 images"):
        run("gan", "b", steps=3, train_images=7)


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"train_images": 40}, "no --train-images"), ({"duplicates": 0.5}, "--duplicates 0.0"),
     ({"wrong_labels": 0.5}, "--wrong-labels 0.0")],
)
@pytest.mark.parametrize("old", [False, True])
def test_a_run_of_all_images_does_not_go_on_with_others(finished, run, settings, said, old):
    """Nor does an old one, whose state knows of no such thing."""
    if old:
        tensors, texts = load_tensors(finished / STATE)
        about = json.loads(texts[ABOUT])
        about["recipe"] = {k: v for k, v in about["recipe"].items() if k not in ALTERED}
        save_tensors(finished / STATE, tensors, {ABOUT: json.dumps(about)})
    with pytest.raises(TrainingError, match=f"was trained with {said}; pass"):
        run("gan", "run", steps=3, resume=True, **settings)
    run("gan", "run", steps=2, resume=True)
