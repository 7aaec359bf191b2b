"""The audit finds what was planted, and nothing where nothing was."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from duet.data import ImageSet, neighbours, report
from duet.data.audit import audit, class_means
from duet.data.base import Facts
from duet.data.pictures import Originals

CLASSES = ("round", "<b>tall</b>", "wide")


def natural(count: int, seed: int, channels: int = 1, side: int = 16) -> torch.Tensor:
    """Random pictures that share slow gradients, as photographs do: uint8 [N, C, side, side]."""
    generator = torch.Generator().manual_seed(seed)
    layers = [
        F.interpolate(torch.randn(count, channels, size, size, generator=generator),
                      (side, side), mode="bicubic") * weight
        for size, weight in ((2, 60), (4, 25), (8, 12), (16, 6))
    ]
    return (sum(layers) + 128).clamp(0, 255).to(torch.uint8)


def toy_sets(count=1100, classes=("a", "b"), channels=1):
    return [
        ImageSet("toy", split, images, torch.arange(len(images)) % max(len(classes), 1),
                 classes, facts=Facts("toy", "Toy", classes, "Clouds"))
        for split, images in (("train", natural(count, 0, channels)), ("test", natural(200, 1)))
    ]


def retouched(image: torch.Tensor) -> torch.Tensor:
    """The same picture, brighter, flatter, and saved badly."""
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(9)) * 1.5
    return (image.float() * 0.8 + 40 + noise).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("count", [1100, 300])  # with and without whitening
def test_nothing_is_found_where_nothing_is(count):
    found = audit(*toy_sets(count))
    assert found.exact.count == found.near.count == found.blank.count == 0
    assert found.exact.pairs == found.near.pairs == ()
    assert found.doubts.accuracy == pytest.approx(0.5, abs=0.1)  # labels that mean nothing
    assert "little to go by" in dict(report.rows(found))["doubtful labels"]
    assert found.sampled is None


@pytest.mark.parametrize("count", [1100, 300])
def test_twins_are_found_and_leaks_first(count):
    train, test = toy_sets(count)
    train.images[30] = train.images[10]  # within training
    test.images[7] = train.images[20]  # a leak, of labels 0 and 1
    train.images[31] = retouched(train.images[12])
    test.images[8] = retouched(train.images[21])  # again of two labels
    test.images[9] = retouched(test.images[100])
    found = audit(train, test)
    exact, near = found.exact, found.near
    places = [[(p.split, p.index) for p in (pair.first, pair.second)]
              for pair in (*exact.pairs, *near.pairs)]
    assert places[:2] == [[("train", 20), ("test", 7)], [("train", 10), ("train", 30)]]
    assert places[2] == [("train", 21), ("test", 8)]
    assert sorted(places[3:]) == [[("test", 9), ("test", 100)], [("train", 12), ("train", 31)]]
    assert (exact.count, exact.within_train, exact.within_test, exact.leaks) == (2, 1, 0, 1)
    assert (near.count, near.within_train, near.within_test, near.leaks) == (3, 1, 1, 1)
    assert (exact.conflicts, near.conflicts) == (1, 3)
    assert all(pair.cosine == 1 for pair in exact.pairs)


def test_a_test_picture_with_two_twins_leaks_once():
    train, test = toy_sets()
    test.images[8] = retouched(train.images[21])
    train.images[40] = train.images[21] // 2 + 60
    found = audit(train, test).near
    assert (found.count, found.within_train, found.leaks) == (3, 1, 1)


def test_three_copies_are_two_pairs_and_one_leak():
    train, test = toy_sets()
    train.images[3] = train.images[1]
    test.images[5] = train.images[1]
    found = audit(train, test).exact
    assert (found.count, found.within_train, found.leaks) == (2, 1, 1)


@pytest.mark.parametrize("count", [1100, 300])
def test_blank_and_outlying_pictures(count):
    train, test = toy_sets(count)
    train.images[5], test.images[6] = 200, 0
    train.images[5, 0, 3, 3] = 203  # a speck is still blank
    train.images[7] = torch.tensor([0, 255]).repeat(8)  # stripes
    found = audit(train, test)
    assert [(p.split, p.index) for p in found.blank.pictures] == [("train", 5), ("test", 6)]
    assert [(p.split, p.index) for p in found.outliers.pictures[:1]] == [("train", 7)]
    assert found.outliers.count <= count / 100


def classes_of_shapes(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three shapes, a little noise; twice as many of the first."""
    labels = torch.tensor([0, 1, 0, 2]).repeat(count // 4)
    shapes = natural(3, 77)
    noise = torch.randn((count, 1, 16, 16), generator=torch.Generator().manual_seed(seed)) * 12
    return (shapes[labels].float() + noise).clamp(0, 255).to(torch.uint8), labels


def labelled_sets():
    sets = []
    for split, count, seed in (("train", 1200, 0), ("test", 80, 1)):
        images, labels = classes_of_shapes(count, seed)
        sets.append(ImageSet("shapes", split, images, labels, CLASSES,
                             files=tuple(f"<i>{i}.png" for i in range(count))))
    return sets


def test_wrong_labels_are_doubted():
    train, test = labelled_sets()
    train.labels[8], test.labels[1] = 2, 0  # truly 0 and 1
    found = audit(train, test).doubts
    assert {(d.picture.split, d.picture.file, d.picture.label, d.suggested)
            for d in found.doubts} == {("train", "<i>8.png", "wide", "round"),
                                       ("test", "<i>1.png", "round", "<b>tall</b>")}
    assert found.count == 2
    assert found.accuracy == pytest.approx(1278 / 1280, abs=1e-4)
    assert "100% of all pictures)" in dict(report.rows(audit(train, test)))["doubtful labels"]


def test_of_many_findings_the_first_are_listed(monkeypatch):
    monkeypatch.setattr("duet.data.audit.MOST_LISTED", 1)
    train, test = labelled_sets()
    train.labels[8], test.labels[1] = 2, 0
    train.images[5], train.images[7] = 200, 200
    train.images[9] = train.images[5]
    found = audit(train, test)
    for count, listed in ((found.doubts.count, found.doubts.doubts),
                          (found.blank.count, found.blank.pictures),
                          (found.exact.count, found.exact.pairs)):
        assert count > len(listed) == 1


def test_without_classes_nothing_is_doubted():
    found = audit(*toy_sets(classes=()))
    assert found.doubts is None
    assert found.counts == {"train": {"": 1100}, "test": {"": 200}}
    assert "doubtful labels" not in dict(report.rows(found))
    assert dict(report.rows(found))["classes"] == "none"


def test_large_sets_are_sampled_and_say_so(monkeypatch):
    monkeypatch.setattr("duet.data.audit.MOST_COMPARED", 500)
    train, test = toy_sets()
    train.images[30] = train.images[10]
    found = audit(train, test)
    assert found.sampled == 500
    assert found.exact.count == 1  # equality is looked for among all
    assert "a random 500" in report.terminal_table(found)


def test_class_means_are_numpys():
    images = toy_sets(2100, CLASSES, channels=3)[0]
    pixels, labels = images.images.numpy(), images.labels.numpy()
    expected = np.stack([pixels[labels == label].mean(axis=0).round() for label in range(3)])
    assert np.array_equal(class_means(images).numpy(), expected)


def test_counts_and_balance():
    found = audit(*labelled_sets())
    assert found.counts["train"] == {"round": 600, "<b>tall</b>": 300, "wide": 300}
    said = dict(report.rows(found))
    assert said["classes"] == "3; in training from 300 (<b>tall</b>) to 600 (round)"
    assert said["pictures"] == "16×16, grey: 1,200 train, 80 test"
    assert dict(report.rows(audit(*toy_sets(300))))["classes"] == "2, in training 150 of each"


def test_an_audit_is_json():
    was = Originals((9, 8), (20, 30), (400, 300), 4, {"RGB": 20, "P": 3})
    found = audit(*labelled_sets(), was)
    assert json.loads(json.dumps(dataclasses.asdict(found), allow_nan=False))["near"]["count"] >= 0
    said = dict(report.rows(found))
    assert said["originals"] == "from 9×8 to 400×300, median 20×30; 4 are enlarged"
    assert said["modes"] == "20 RGB, 3 P"


class Page(HTMLParser):
    """Which elements and addresses a page has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.sources = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_needs_nothing_else_and_escapes_every_name():
    train, test = labelled_sets()
    train.labels[8], test.images[5], train.images[2] = 2, train.images[0], 0
    page = report.html_page(audit(train, test), train, test)
    parsed = Page(page)
    assert not {"b", "i", "script", "link"} & set(parsed.tags)
    assert re.findall("<h2>(.*?)</h2>", page) == [
        "Classes and their mean pictures", "Twins, leaks between the splits first",
        "Doubtful labels", "Blank", "Outliers",
    ]
    assert "&lt;b&gt;tall&lt;/b&gt;" in page
    assert "&lt;i&gt;8.png" in page
    assert len(parsed.sources) >= 3 + 2 + 1 + 1  # means, a leak, a doubt, a blank one
    assert all(source.startswith("data:image/png;base64,") for source in parsed.sources)
    assert not re.search(r"https?://", page)


# Neighbours.


def test_nearest_are_numpys(monkeypatch):
    monkeypatch.setattr(neighbours, "BLOCK", 7)
    embeddings = F.normalize(torch.randn(40, 5))
    cosines = (embeddings @ embeddings.T).double().numpy()
    np.fill_diagonal(cosines, -2)
    order = np.argsort(-cosines, axis=1)[:, :3]
    found = neighbours.nearest(embeddings, 3)
    assert np.array_equal(found.indices.numpy(), order)
    assert np.allclose(found.cosines.numpy(), np.take_along_axis(cosines, order, 1), atol=1e-6)
    assert neighbours.nearest(embeddings[:3], 10).indices.shape == (3, 2)


def test_pairs_are_named_once_and_sorted():
    found = neighbours.Neighbours(
        torch.tensor([[0.9, 0.5], [0.9, 0.8], [0.8, 0.5]]), torch.tensor([[1, 2], [0, 2], [1, 0]])
    )
    assert [(i, j) for i, j, _ in neighbours.pairs_above(found, 0.6)] == [(0, 1), (1, 2)]


def test_principal_components_are_numpys():
    features = torch.randn(3000, 6) @ torch.diag(torch.tensor([1.0, 5, 2, 9, 0, 3]))
    features -= features.mean(dim=0)
    variances, axes = neighbours.principal_components(features)
    expected = np.linalg.svd(features.numpy(), compute_uv=False)[:5] ** 2 / 3000
    assert variances.tolist() == pytest.approx(expected.tolist(), rel=1e-3)
    assert axes.shape == (6, 5)
    assert torch.allclose((features @ axes).var(dim=0, correction=0), variances, rtol=1e-3)
    assert abs(axes[3, 0]) > 0.99


@pytest.mark.parametrize("count", [1100, 300])
def test_embeddings_do_not_see_brightness_and_contrast(count):
    """And what has no contrast at all is no number's business."""
    images = natural(count, 0).clamp(60, 180)
    images[1] = images[0] // 2 + 20
    images[2] = 128
    space = neighbours.embed(images.split(99))
    for embedding in (space.details, space.shapes):
        assert torch.nn.functional.cosine_similarity(embedding[0], embedding[1], dim=0) > 0.99
        assert embedding.isfinite().all()
    assert space.unexplained.isfinite().all()


def test_votes_are_counted():
    found = neighbours.Neighbours(
        torch.ones(4, 3), torch.tensor([[1, 2, 3], [3, 3, 0], [0, 1, 3], [0, 2, 2]])
    )
    ballots = neighbours.votes(found, torch.tensor([2, 0, 2, 1]), 3)
    assert ballots.tolist() == [[1, 1, 1], [0, 2, 1], [1, 1, 1], [0, 0, 3]]


def test_nearest_among_others_are_numpys(monkeypatch):
    """A picture that is in both is its own nearest."""
    monkeypatch.setattr(neighbours, "BLOCK", 4)
    generator = torch.Generator().manual_seed(3)
    others = torch.nn.functional.normalize(torch.randn(7, 5, generator=generator))
    embeddings = torch.cat([others[[6, 2]], torch.randn(9, 5, generator=generator)])
    found = neighbours.nearest(embeddings, 3, others)
    products = embeddings.numpy() @ others.numpy().T
    assert found.indices.numpy().tolist() == np.argsort(-products, axis=1)[:, :3].tolist()
    assert found.indices[:2, 0].tolist() == [6, 2]
    assert neighbours.nearest(embeddings, 10, others).indices.shape == (11, 7)
