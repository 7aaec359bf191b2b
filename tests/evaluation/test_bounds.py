"""Thresholds, edges and words of the evaluation, each from both sides."""

import dataclasses
import hashlib
import inspect
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import duet
from duet.core.errors import DuetError
from duet.core.latents import MAX_SEED
from duet.core.tensors import load_tensors, save_tensors
from duet.data import DATASETS, ImageSet
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from duet.store.metrics import (
    Measurement,
    MetricsRecord,
    Protocol,
    ReferenceRecord,
    ScoreRecord,
)
from duet.store.studies import CellRecord, CopiesRecord, CopyScores, ImagesRecord
from evaluation import (
    against,
    arrays,
    cautions,
    copies,
    fidelity,
    measuring,
    nearness,
    path_length,
    reconstruction,
    sources,
    stored,
    studies,
    tables,
    usefulness,
    verification,
)
from evaluation import reference as reference_module
from evaluation.__main__ import COMMANDS, main
from evaluation.commands import copies as copies_command
from evaluation.commands import ladder as ladder_command
from evaluation.commands import reference as reference_command
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS
from evaluation.fidelity import Extractor
from evaluation.harness import Request, protocol_of
from evaluation.metrics import FeatureSet
from evaluation.nearness import Placed, Training
from evaluation.reference import BATCH, Reference
from evaluation.sets import SetId
from evaluation.sources import Opening, Source, open_source

CPU = torch.device("cpu")
SHA = "0" * 64


class Sums(torch.nn.Module):
    def forward(self, images):
        features = images.flatten(1).float().mean(1, keepdim=True).repeat(1, 2)
        return features, features + 1


@pytest.fixture
def sums():
    return Extractor("sums", Sums(), SHA, None, CPU)


def pictures(count, name="x", split="all", classes=(), side=28):
    images = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, side, side)
    labels = torch.arange(count) % max(1, len(classes))
    return ImageSet(name, split, images.contiguous(), labels, classes)


# Progress.


@pytest.fixture
def bars(monkeypatch):
    """(what a progress bar was made with, how it moved), of all from now on."""
    made = []

    class Bar:
        def __init__(self, *given, disable=False):
            assert not disable  # one process alone is the main one
            self.moved = []
            made.append((given, self.moved))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.moved.append("closed")

        def update(self, count=1):
            self.moved.append(count)

    for module in (against, copies, path_length, reconstruction, usefulness):
        monkeypatch.setattr(module, "progress_bar", Bar)
    return made


def test_what_a_checkpoint_draws_is_a_set(folder, bars):
    checkpoint = duet.load(folder)
    request = Request(BATCH + 10, seed=3, truncation=0.5)
    found = against.drawn(checkpoint, request, CPU)
    assert (found.name, found.split, found.class_names) == ("tiny", "samples", tuple("0123456789"))
    images = checkpoint.model.sample(BATCH + 10, seed=3, truncation=0.5)
    # Other batches may round single pixels by a level.
    assert (found.images.int() - images.int()).abs().max() <= 1
    assert found.labels.bincount(minlength=10).min() > 5
    assert bars == [((BATCH + 10, "tiny draws", "img"), [BATCH, 10, "closed"])]


def test_embeddings_are_told_as_they_come(bars):
    images = pictures(BATCH + 7).images
    found = copies.embed(images, lambda batch: batch.flatten(1).float(), "t")
    assert torch.equal(found, images.flatten(1).float())
    assert bars == [((BATCH + 7, "t", "img"), [BATCH, 7, "closed"])]


def test_pairs_are_told_as_they_come(folder, bars, sums, monkeypatch):
    monkeypatch.setattr(path_length, "BATCH", 4)
    model = duet.load(folder).model
    assert len(path_length.squared_speeds(model, sums, 9, 0, 1.0, "t")) == 9
    assert bars == [((9, "t paths", "pair"), [4, 4, 1, "closed"])]


def test_reconstructions_are_told_as_they_come(folder, bars, sums, monkeypatch):
    checkpoint = duet.load(folder)
    monkeypatch.setattr(reconstruction, "BATCH", 4)
    monkeypatch.setattr(
        checkpoint.model, "encode", lambda x, labels: x.flatten(1)[:, :6], raising=False
    )
    images = pictures(9)
    assert reconstruction.errors(checkpoint, images.images, images.labels, sums).shape == (9, 2)
    assert bars == [((9, "tiny reconstructs", "img"), [4, 4, 1, "closed"])]


# The protocol, and what it leaves out.


def reference_of(features):
    about = ReferenceRecord("toy", "train", 9, SHA, len(features), "r", 0, SHA)
    return Reference(FeatureSet(features, None, fidelity.statistics(features)), about)


def test_the_published_protocol_to_the_number(sums):
    """What decides the numbers of the README's tables."""
    reference = reference_of(torch.randn(10_500, 2))
    found = dataclasses.asdict(protocol_of(Request(), sums, reference))
    assert found == {
        "samples": 50_000, "seed": 0, "truncation": 1.0, "extractor": "sums",
        "extractor_sha256": SHA, "reference": dataclasses.asdict(reference.about),
        "inception_score_splits": 10, "kernel_subsets": 100, "kernel_subset_size": 1000,
        "neighborhood": 3, "manifold_images": 10_000, "rng_seed": 2020, "repeats": 10,
        "limit_parts": 8, "class_images": 100, "patch_images": 50_000, "patches": 16,
        "path_pairs": 5000, "reconstructions": 5000, "mode_images": None,
        "part_manifold_images": 5000,
    }
    few = protocol_of(Request(1239, 7, 0.5, repeats=4), sums, reference)
    assert few.part_manifold_images == 309
    for old in (Request(1239, equal_parts=False), Request(1239, repeats=1)):
        assert protocol_of(old, sums, reference).part_manifold_images is None
    assert (few.patch_images, few.path_pairs, few.reconstructions) == (1239, 123, 1239)
    assert (few.seed, few.truncation, few.repeats) == (7, 0.5, 4)
    assert protocol_of(Request(60_000), sums, reference).patch_images == 50_000
    assert protocol_of(Request(749), sums, reference).repeats == 2


def said(generated, real, protocol, start):
    return [words for words in cautions.of(generated, real, protocol) if words.startswith(start)]


@pytest.mark.parametrize(("count", "told"), [(5, True), (6, False)])
def test_as_many_images_as_dimensions_have_a_singular_covariance(measurement, count, told):
    side = FeatureSet(torch.zeros(count, 5), None, {})
    protocol = measurement(limit_parts=8, repeats=2).protocol
    assert bool(said(side, side, protocol, f"FID of {count} images in 5 dim")) is told


@pytest.mark.parametrize(("missing", "shown"), [
    (20, ", 18, 19"), (21, ", 18, 19 .."), (1, ": 0"), (0, None),
])
def test_twenty_small_classes_are_named(measurement, missing, shown):
    classes = (None,) * missing + ({"mu": 0},) * 2
    labels = torch.tensor([missing] * 6 + [missing + 1] * 5)
    generated = FeatureSet(torch.zeros(11, 1), None, {}, labels=labels)
    real = FeatureSet(torch.zeros(11, 1), None, {}, class_statistics=classes)
    found = said(generated, real, measurement(class_images=5).protocol, "FID by class")
    assert [words.endswith(shown) for words in found] == ([] if shown is None else [True])
    fewer = said(generated, real, measurement(class_images=6).protocol, "FID by class")
    assert len(fewer) == 1


def test_a_subset_of_all_images_is_told(measurement):
    protocol = measurement(kernel_subset_size=7).protocol
    few, many = (FeatureSet(torch.zeros(count, 1), None, {}) for count in (7, 9))
    assert said(few, many, protocol, "KID")
    assert said(many, few, protocol, "KID")
    assert not said(many, many, protocol, "KID")


# References.


@pytest.mark.parametrize(("classes", "most", "kept"), [
    (3, 12, True), (3, 11, False), (2, 8, True), (1, 8, False),
])
def test_classes_are_kept_where_that_is_no_large_file(monkeypatch, classes, most, kept):
    """A class of two images has a covariance, one of one has none."""
    monkeypatch.setattr(reference_module, "MOST_CLASS_VALUES", most)
    images = pictures(5, classes=tuple("abc")[:classes])
    images.labels[:] = torch.tensor([0, 1, 1, 0, 0])[: len(images)] % classes
    images.labels[-1] = classes - 1
    features = torch.randn(5, 2)
    found = reference_module._class_tensors(features, images)
    assert bool(found) is kept
    if classes == 3:
        assert found == {} or found["class_counts"].tolist() == [2, 2, 1]
    if kept:
        own = features[images.labels == 0].double().numpy()
        np.testing.assert_allclose(found["class_mu"][0], own.mean(0))
        np.testing.assert_allclose(found["class_sigma"][0], np.cov(own, rowvar=False))
    if kept and classes == 3:
        assert found["class_mu"][2].tolist() == [0, 0]
        assert found["class_sigma"][2].tolist() == [[0, 0], [0, 0]]


def test_a_class_without_images_is_counted():
    images = pictures(5, classes=("a", "b", "c"))
    images.labels[:] = torch.tensor([0, 1, 1, 0, 0])
    found = reference_module._class_tensors(torch.randn(5, 2), images)
    assert found["class_counts"].tolist() == [3, 2, 0]
    assert found["class_sigma"][2].tolist() == [[0, 0], [0, 0]]


def test_one_number_that_is_not_finite_spoils_a_reference(tmp_path, sums):
    path = tmp_path / "a.safetensors"
    reference_module.write(path, pictures(120), sums)
    tensors, about = load_tensors(path)
    reference_module.read(path, sums, "mend")
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dim():
            broken = tensor.clone()
            broken.view(-1)[-1] = torch.nan
            save_tensors(path, tensors | {key: broken}, about)
            with pytest.raises(EvaluationError, match="holds numbers that are not finite; mend"):
                reference_module.read(path, sums, "mend")


@pytest.mark.parametrize(("count", "known"), [(100, True), (99, False)])
def test_a_class_of_a_hundred_images_is_compared(count, known):
    tensors = {
        "class_counts": torch.tensor([count]), "class_mu": torch.zeros(1, 2),
        "class_sigma": torch.zeros(1, 2, 2),
    }
    (found,) = reference_module._class_statistics(tensors)
    assert (found is not None) is known


@pytest.mark.parametrize("count", [99, 100])
def test_a_hundred_pictures_are_the_least(tmp_path, monkeypatch, sums, count):
    """That are measured, and that are compared with."""
    monkeypatch.setenv("DUET_CACHE", str(tmp_path))
    source = Source("few", pictures(count))
    with pytest.raises(EvaluationError) as refused:
        measuring.prepare([source], None, {}, Request())
    holds = f"few holds {count} pictures; at least 100 are needed"
    assert (str(refused.value) == holds) is (count < 100)
    compared = against.Against("few", (1, 28, 28), (), source)
    if count == 100:
        assert compared.reference(sums, Request()).about.images == 100
    else:
        with pytest.raises(EvaluationError, match=holds):
            compared.reference(sums, Request())


# Where things are kept.


def test_of_several_processes_the_main_one_writes(folder, measurement, monkeypatch):
    monkeypatch.setattr(stored, "is_main", lambda: False)
    monkeypatch.setattr(stored, "replacing", lambda _: pytest.fail("tried"))
    stored.check_writable(duet.load(folder))
    stored.store(folder / "metrics.json", measurement(), force=False)
    stored.store_study(folder / "metrics.json", None)
    assert not (folder / "metrics.json").exists()


# Tables.


def test_pictures_are_rows_by_the_name_of_their_split(measurement):
    entries = [(pictures(9, "cats", split), measurement()) for split in ("all", "test")]
    rows = tables.model_rows(entries)
    assert [row.name for row in rows] == ["cats", "cats test"]
    assert {(row.order, row.parameters, row.training_seconds) for row in rows} == {(1, None, None)}


def test_a_checkpoints_row_tells_of_its_training(folder, measurement, training_record):
    checkpoint = dataclasses.replace(duet.load(folder), training=training_record(seconds=90.0))
    (row,) = tables.model_rows([(checkpoint, measurement())])
    assert (row.order, row.name, row.training_seconds) == (1, "tiny", 90.0)
    assert row.parameters == checkpoint.parameters
    assert tables.cells(row, {})[:2] == ["tiny", "50,000"]


# Sources and arrays.


@pytest.mark.parametrize(("text", "parts"), [
    ("cats:test", ("cats", "test")), ("cats:all", ("cats", "all")), ("a:b:train", ("a:b", "train")),
    ("cats:x", ("cats:x", None)), (":test", (":test", None)), ("cats", ("cats", None)),
])
def test_a_split_stands_behind_the_last_colon(text, parts):
    assert sources._parted(text) == parts


@pytest.mark.parametrize(("count", "fits"), [(2**32, True), (2**32 + 1, False)])
def test_an_array_may_be_of_four_gigabytes(tmp_path, monkeypatch, count, fits):
    monkeypatch.chdir(tmp_path)
    with open("large.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": (count, 1, 1)}
        )
    with pytest.raises(EvaluationError) as refused:
        open_source("large.npy", Opening())
    assert ("is larger than 4294967296 bytes" in str(refused.value)) is not fits


def test_labels_reach_to_the_last_class_that_a_model_may_have():
    last = arrays.MOST_CLASSES - 1
    labels, names = arrays._classes(np.array([last, 0]), 2, "x")
    assert (labels.tolist(), len(names), names[-1]) == ([last, 0], last + 1, str(last))
    with pytest.raises(EvaluationError, match=rf"labels from 0 to {last + 1}.* 0\.\.{last}"):
        arrays._classes(np.array([last + 1, 0]), 2, "x")


# Copies.


@pytest.mark.parametrize(("z", "cells"), [(-3.01, 1), (-2.99, 0), (3.5, 0), (-6.1, 1)])
def test_beyond_three_errors_a_cell_is_called_nearer(z, cells):
    scores = CopyScores(0.0, (CellRecord(30, 30, z),), 0.5, 0.01, 0.5, 0.5, 0.0, 1.0, 1.0)
    assert nearness.nearer_cells(scores) == cells


def placed(count, seed):
    """Random places in two cells, the second of 20 images."""
    rng = torch.Generator().manual_seed(seed)
    cells = (torch.arange(count) >= count - 20).long()
    distances = torch.rand(count, generator=rng) + seed
    return Placed(
        cells, distances, torch.rand(count, generator=rng), torch.rand(count, generator=rng) < 0.3
    )


def test_all_that_is_told_of_copies_by_hand():
    """Twenty images of either side make a cell; nineteen make none."""
    real, made = placed(51, 0), placed(77, 1)
    made = dataclasses.replace(made, ratios=made.ratios / 10)
    found = nearness.compare(real, made)
    assert [(cell.held_out, cell.generated) for cell in found.cells] == [(31, 57), (20, 20)]
    tests = [
        nearness.rank_test(real.distances[real.cells == c], made.distances[made.cells == c])
        for c in (0, 1)
    ]
    assert [cell.z for cell in found.cells] == [z for _, z in tests]
    assert found.copying == pytest.approx((31 * tests[0][1] + 20 * tests[1][1]) / 51)
    assert found.nearer == pytest.approx(1 - (31 * tests[0][0] + 20 * tests[1][0]) / 51)
    least = np.quantile(real.ratios.numpy(), 0.01)
    assert found.singled_out == np.mean(made.ratios.numpy() < least)
    assert 0 < found.singled_out < np.mean(made.ratios.numpy() < real.ratios.quantile(0.02).item())
    assert found.authenticity == made.authentic.double().mean()
    assert found.held_out_authenticity == real.authentic.double().mean()
    assert found.authenticity_z == nearness.share_test(real.authentic, made.authentic) != 0
    assert found.distance == made.distances.median()
    assert found.held_out_distance == real.distances.median()
    fewer = real.part(torch.arange(50))
    assert len(nearness.compare(fewer, made).cells) == 1
    assert len(nearness.compare(real, made.part(torch.arange(76))).cells) == 1


def test_the_floor_is_of_two_random_halves():
    real = placed(123, 0)
    order = torch.randperm(123, generator=torch.Generator().manual_seed(0))
    halves = real.part(order[:61]), real.part(order[61:])
    assert nearness.floor(real) == nearness.compare(*halves)


def test_the_cells_of_published_studies_stay():
    """Twenty steps from centres that are drawn by their squared distance, of seed 0."""
    points = torch.rand(800, 1, generator=torch.Generator().manual_seed(3))
    known = [0.73868, 0.06959, 0.91798, 0.38777, 0.21283, 0.5632]
    assert nearness.cell_centres(points, 6)[:, 0].tolist() == pytest.approx(known, abs=5e-4)


@pytest.mark.parametrize(("held_out", "cells"), [(199, 1), (200, 2), (1999, 19), (2100, 20)])
def test_a_cell_is_of_a_hundred_held_out_images(held_out, cells):
    assert nearness.cell_count(held_out) == cells


def test_images_that_are_all_alike_have_cells_and_kin():
    assert nearness.kinship(torch.zeros(2, 10)).tolist() == [0, 0]
    assert nearness.cell_centres(torch.ones(30, 2), 3).tolist() == [[1, 1]] * 3


def test_a_cell_of_one_image_is_where_that_lies():
    points = torch.cat([torch.zeros(10, 1), torch.tensor([[5.0]])])
    assert sorted(nearness.cell_centres(points, 2).flatten().tolist()) == [0, 5]


def test_where_held_out_images_are_twins_too_nobody_is_singled_out():
    real, made = placed(51, 0), placed(77, 1)
    alike = [dataclasses.replace(each, ratios=torch.zeros(len(each))) for each in (real, made)]
    assert nearness.compare(*alike).singled_out == 0


def test_ranks_of_many_are_counted_to_the_last_pair():
    real, made = torch.rand(2, 6001, generator=torch.Generator().manual_seed(0))
    twice = sum(
        np.searchsorted(np.sort(real.numpy()), made.numpy(), side).sum()
        for side in ("left", "right")  # ties count half
    )
    assert nearness.rank_test(real, made)[0] == twice / 2 / 6001**2


def test_who_lies_as_far_away_as_the_other_is_not_authentic():
    """At 2, of 0, 1, 4, 9 ..: as far from 1 as 0 is."""
    line = torch.arange(12.0)[:, None] ** 2
    assert Training(line, 1).place(torch.tensor([[2.0], [2.1]])).authentic.tolist() == [False, True]


def test_eleven_training_images_are_enough():
    found = Training(torch.randn(11, 3), 50)
    assert found.centres.shape == (11, 3)
    with pytest.raises(EvaluationError, match="10 training images are too few"):
        Training(torch.randn(10, 3), 1)


def test_a_checkpoint_draws_what_the_request_says(folder):
    checkpoint = duet.load(folder)
    found = copies.draw(checkpoint, Request(100, seed=3, truncation=0.5), CPU)
    assert torch.equal(found, checkpoint.model.sample(100, seed=3, truncation=0.5))


def test_the_spaces_by_hand(sums):
    images = torch.randint(0, 256, (3, 2, 20, 17), dtype=torch.uint8)
    spaces = copies.embeddings(sums)
    assert list(spaces) == ["features", "pixels", "spectrum"]
    assert torch.equal(spaces["features"](images), sums(images)[0])
    small = images[:, :, :16, :12].contiguous()
    torch.testing.assert_close(spaces["pixels"](small)[:, :144], torch.nn.functional
                               .adaptive_avg_pool2d(small.float(), 12).flatten(1)[:, :144] / 255)
    found = np.abs(np.fft.rfft2(images.numpy() / 255, norm="ortho"))
    rows = [*range(9), *range(12, 20)]  # 0 .. 8 and -8 .. -1
    np.testing.assert_allclose(
        spaces["spectrum"](images), found[:, :, rows, :9].reshape(3, -1), atol=1e-4
    )


def test_a_study_tells_what_it_is_of(folder, sums):
    train, test = pictures(120, "toy", "train"), pictures(90, "toy", "test")
    noise = torch.randint(0, 256, (120, 1, 28, 28), dtype=torch.uint8)
    train, test = (
        dataclasses.replace(each, images=noise[: len(each)]) for each in (train, test)
    )
    checkpoint = duet.load(folder)
    found = copies.Ground(train, test, sums).study(
        checkpoint, noise[20:100], Request(100, seed=3, truncation=0.5)
    )
    assert (found.samples, found.seed, found.truncation, found.cells_seed) == (100, 3, 0.5, 0)
    assert (found.extractor, found.extractor_sha256) == ("sums", SHA)
    assert found.training == ImagesRecord("toy", "train", 120, train.sha256)
    assert found.held_out == ImagesRecord("toy", "test", 90, test.sha256)
    assert (found.subject_sha256, found.device) == (checkpoint.weights_sha256, "cpu")
    assert found.versions.keys() == {"python", "torch", "torch-fidelity", "numpy"}
    assert found.spaces.keys() == found.floor.keys() == {"features", "pixels", "spectrum"}
    assert found.floor["pixels"].cells[0].held_out == 45


def test_the_table_of_copies_to_the_letter():
    scores = CopyScores(
        -1.2345, tuple(CellRecord(30, 40, z) for z in (-3.5, -2.9, 3.1)), 0.5123, 0.0149, 0.25,
        0.75, -2.34, 1.0, 2.0,
    )
    half = dataclasses.replace(scores, copying=0.5, cells=scores.cells[1:])
    images = ImagesRecord("toy", "train", 9, SHA)
    record = CopiesRecord(
        {"pixels": scores}, {"pixels": half}, 100, 0, 1.0, "sums", SHA, images, images, 0, SHA,
        "cpu", {},
    )
    lines = copies_command._table({"a/b": record}).splitlines()
    assert [re.split(" {2,}", line) for line in lines[:3]] == [
        ["", "space", "C_T", "nearer cells", "nearer", "singled out", "authentic", "z"],
        ["held-out half, toy", "pixels", "0.50", "0 of 2", "51.2%", "1.5%", "25.0% (75.0%)",
         "-2.3"],
        ["a/b", "pixels", "-1.23", "1 of 3", "51.2%", "1.5%", "25.0% (75.0%)", "-2.3"],
    ]
    assert len(set(map(len, lines[:3]))) == 1
    assert lines[2].startswith("a/b                 pixels  ")
    assert lines[3:] == copies_command.LEGEND.splitlines()
    assert "z is below -3. nearer: by chance 50 %" in lines[4]


# What a classifier learns.


@pytest.mark.parametrize(("change", "fits"), [
    ({"per_class": (1, 1_000_000)}, True), ({"per_class": (1_000_001,)}, False),
    ({"generated": 1}, True), ({"generated": 1_000_001}, False), ({"generated": 10**6}, True),
    ({"repeats": 2}, True), ({"repeats": 100}, True), ({"repeats": 101}, False),
    ({"steps": 1}, True), ({"steps": 1_000_000}, True), ({"steps": 1_000_001}, False),
    ({"seed": 0}, True), ({"seed": MAX_SEED - 100}, True), ({"seed": MAX_SEED - 99}, False),
    ({"truncation": 0}, True),
])
def test_plans_at_their_bounds(change, fits):
    if fits:
        assert usefulness.Plan(**change)
    else:
        with pytest.raises(DuetError, match=f"--{next(iter(change)).replace('_', '-')} must be"):
            usefulness.Plan(**change)


def test_the_plan_is_the_published_one():
    plan = usefulness.Plan()
    assert (plan.per_class, plan.generated, plan.repeats, plan.steps) == (
        (10, 100, 1000), 1000, 5, 200,
    )
    assert (plan.seeds, plan.truncation) == (range(5), 1.0)


def test_a_classifier_is_a_narrow_resnet():
    recipe = usefulness.recipe_for(pictures(9, "own", classes=("a", "b", "c")))
    shapes = {key: value.shape for key, value in recipe.build().state_dict().items()}
    known = usefulness.ResidualClassifier(1, (16, 32, 64), 64, 3, stem=8).state_dict()
    assert shapes == {key: value.shape for key, value in known.items()}
    assert (recipe.learning_rate, recipe.batch_size, recipe.label_smoothing) == (3e-3, 128, 0.0)
    assert recipe.task is None


# The commands.

OWN = {"skip_broken": False}
REQUEST = {"seed": 0, "truncation": 1.0}
DEFAULTS = {
    "measure": REQUEST | OWN | {
        "samples": 50_000, "json": False, "markdown": False, "force": False, "repeats": 10,
        "modes": False,
    },
    "compare": REQUEST | OWN | {"samples": 5000, "repeats": 10, "json": False},
    "verify": {},
    "copies": REQUEST | OWN | {"samples": 10_000, "json": False},
    "utility": REQUEST | OWN | {
        "per_class": (10, 100, 1000), "generated": 1000, "repeats": 5, "steps": 200, "json": False,
    },
    "table": {"check": False},
    "reference": OWN,
    "train-extractor": OWN | {"seed": 0, "resume": False},
    "ladder": OWN | {"images": 5000, "seed": 0, "json": False},
    "retraining": {"force": False},
    "sheet": OWN | {"images": 100, "seed": 0},
    "neighbours": OWN,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_defaults_of_the_commands(name):
    """What a number is of where nobody said so."""
    found = {
        key: parameter.default
        for key, parameter in inspect.signature(COMMANDS[name]).parameters.items()
        if isinstance(parameter.default, int | float | tuple)
    }
    assert found == DEFAULTS[name]


def test_copies_of_other_shapes_are_refused_before_the_work(folder, monkeypatch, capsys):
    other = dataclasses.replace(
        EXTRACTORS["mnist"], registered_name="duet-other", image_shape=(3, 32, 32)
    )
    monkeypatch.setitem(EXTRACTORS, "mnist", other)
    monkeypatch.setattr(copies_command, "real_images", lambda *_: pytest.fail("the long work"))
    assert main(["copies", str(folder)]) == 2
    assert "takes images of (3, 32, 32), tiny draws (1, 28, 28)" in capsys.readouterr().err


def test_a_picture_of_copies_is_a_png_and_no_folder(tmp_path):
    copies_command._check_picture(tmp_path / "NEAR.PNG", 1)
    (tmp_path / "x.png").mkdir()
    for path, count in ((tmp_path / "x.png", 1), (tmp_path / "x.jpg", 1), (tmp_path / "y.png", 2)):
        with pytest.raises(EvaluationError, match="--neighbours"):
            copies_command._check_picture(path, count)


def test_a_ladder_wants_a_figures_name_and_a_hundred_images(
    toy_data, reference, monkeypatch, capsys, tmp_path
):
    climbed = []

    def climb(images, extractor, reference, count, seed):
        climbed.append((images.split, count, seed))
        raise EvaluationError("enough")

    monkeypatch.setattr(ladder_command, "climb", climb)
    assert main(["ladder", "--data", "toy", "--plot", str(tmp_path / "x.jpg")]) == 2
    assert main(["ladder", "--data", "toy", "--images", "99"]) == 2
    assert climbed == []
    assert main(["ladder", "--data", "toy", "--images", "100", "--seed", "3"]) == 2
    assert climbed == [("test", 100, 3)]


@pytest.mark.parametrize("count", [99, 100])
def test_a_floor_is_of_a_hundred_images(toy_data, reference, monkeypatch, capsys, count):
    """And takes the place of what was measured otherwise."""
    train, test = (duet.data.load("toy", split) for split in ("train", "test"))
    test = dataclasses.replace(test, images=test.images[:count], labels=test.labels[:count])
    monkeypatch.setattr(reference_command, "both_splits", lambda *_: (train, test))
    path = stored.held_out_path(SetId.of(train))
    old = measuring_of(test.sha256)
    stored.store(path, old, force=True)
    assert main(["reference", "--data", "toy"]) == 0
    (floor,) = stored.held_out(SetId.of(train)).measurements
    shown, said = capsys.readouterr()
    assert shown.endswith("toy-mnist.safetensors\n")
    assert (floor == old) is (count < 100)
    assert ("99 held-out images are too few to be scored" in said) is (count < 100)


def measuring_of(subject_sha256):
    """A measurement by a protocol of long ago."""
    about = ReferenceRecord("toy", "train", 9, SHA, 9, "r", 0, SHA)
    protocol = Protocol(
        777, 0, 1.0, "mnist", SHA, about, inception_score_splits=1, kernel_subsets=1,
        kernel_subset_size=1, neighborhood=9, manifold_images=9, rng_seed=1,
    )
    return Measurement({"recall": ScoreRecord(0.5)}, protocol, subject_sha256, "cpu", {})


def test_a_spread_that_cannot_be_written_is_refused_first(folder, monkeypatch, capsys):
    def refuse(checkpoint):
        raise EvaluationError("read-only")

    monkeypatch.setattr(stored, "check_writable", refuse)
    assert main(["retraining", str(folder)]) == 2
    assert "read-only" in capsys.readouterr().err


# Measuring.


def test_parts_of_pictures_are_measured_as_asked(monkeypatch, sums):
    asked = []
    monkeypatch.setattr(measuring, "record", lambda *given: asked.append(given[3:]))
    reference = reference_of(torch.randn(9, 2))
    images = pictures(120)
    measuring.measure_pictures(images, sums, reference, Request(500, 3, 0.5, repeats=5))
    assert asked == [(Request(120, 3, 1.0, repeats=5), images.sha256)]


@pytest.mark.parametrize(("own", "counted"), [
    (("cat", "dog"), True), (("0", "1"), True), (("0",), True), (("dog", "cat"), False),
    ((), False), (("cat",), False), (("0", "2"), False),
])
def test_classes_mean_the_same_by_name_or_by_number(toy_data, monkeypatch, own, counted):
    facts = dataclasses.replace(DATASETS["toy"].facts, class_names=("cat", "dog"))
    monkeypatch.setitem(DATASETS, "toy", dataclasses.replace(DATASETS["toy"], facts=facts))
    named = Extractor("mnist", Sums(), SHA, None, CPU)
    images = pictures(9, classes=own)
    found = measuring._meant(images, named, reference_of(torch.randn(9, 2)))
    assert found is (images.labels if counted else None)


def test_classes_of_somebodys_own_set_mean_nothing_elsewhere():
    """Though its extractor names them."""
    about = ReferenceRecord("cats", "train", 9, SHA, 9, "r", 0, SHA)
    reference = Reference(reference_of(torch.randn(9, 2)).features, about)
    own = Extractor(f"own-{SHA[:16]}", Sums(), SHA, None, CPU)
    assert own.names_classes_of(SetId("cats", SHA))
    assert measuring._meant(pictures(9, classes=("0", "1")), own, reference) is None


def test_the_extractor_suits_what_is_compared_with_and_else_what_is_measured(folder, extractor):
    """Of strangers' pictures that of the checkpoint; and it has to see both."""
    class Opened(dict):
        asked = "auto"

    source = Source("tiny", duet.load(folder))

    def compared(name):
        return SimpleNamespace(
            sets=(SetId(name, None),), check_like=lambda source: None, floor="floor",
            reference=lambda *given: given,
        )

    opened = Opened(mnist=extractor, cifar10=dataclasses.replace(
        extractor, name="cifar10", image_shape=(3, 32, 32)))
    (work,) = measuring.prepare([source], compared("cats"), opened, Request(150))
    assert work == (source, extractor, (extractor, Request(150)), "floor")
    with pytest.raises(EvaluationError, match="extractor cifar10 takes images of"):
        measuring.prepare([source], compared("cifar10"), opened, Request(150))


def test_json_is_for_eyes_too(measurement):
    done = [(SimpleNamespace(source=SimpleNamespace(text="a")), measurement())]
    assert measuring.as_json(done).startswith('{\n  "a": {\n    "scores": {\n')
    assert studies.as_json({"a": ImagesRecord("toy", "train", 9, SHA)}).startswith(
        '{\n  "a": {\n    "data": "toy",\n'
    )


@pytest.mark.parametrize(("repeats", "asked", "cut"), [(4, 4, 37), (4, 4, None), (None, 0, None)])
def test_what_is_verified_has_as_many_parts_as_were_stored(
    folder, reference, measurement, monkeypatch, repeats, asked, cut
):
    before, given = measurement(
        samples=150, seed=3, truncation=0.5, repeats=repeats, part_manifold_images=cut
    ), []

    def spy(*arguments):
        given.append(arguments)
        raise EvaluationError("enough")

    opened = {"mnist": SimpleNamespace(name="mnist", weights_sha256="")}
    monkeypatch.setattr(verification, "open_reference", lambda *_: reference)
    monkeypatch.setattr(verification, "protocol_of", spy)
    monkeypatch.setattr(verification, "measure_held_out", spy)
    monkeypatch.setattr(verification, "held_out", lambda _: MetricsRecord((before,)))
    with pytest.raises(EvaluationError, match="enough"):
        verification.verify_checkpoint(duet.load(folder), before, opened)
    ((_, words),) = verification.verify_held_out(SetId("toy", None), opened, None, None)
    assert words == ["it cannot be measured again: enough"]
    is_new = before.protocol.part_manifold_images is not None
    request = Request(150, 3, 0.5, asked, equal_parts=is_new)
    assert given[0] == (request, opened["mnist"], reference)
    assert given[1][1:] == (opened["mnist"], reference, asked, is_new)


# What is cached.


def test_a_reference_of_samples_belongs_to_all_that_was_drawn(folder, sums, monkeypatch):
    checkpoint, keys = duet.load(folder), []
    monkeypatch.setattr(against, "_cached", lambda key, *_: keys.append(key))
    compared = against.Against("tiny", (1, 28, 28), (), Source("tiny", checkpoint))
    compared.reference(sums, Request(150, seed=1, truncation=0.5))
    assert keys == [["samples", checkpoint.weights_sha256, 150, 1, 0.5]]


def test_references_keep_their_place_in_the_cache(tmp_path, monkeypatch, sums):
    """Another one, by mistake, would have everybody's extracted again."""
    monkeypatch.setenv("DUET_CACHE", str(tmp_path))
    monkeypatch.setattr(against, "write", lambda path, *_: path.touch())
    monkeypatch.setattr(against, "read", lambda path, *_: path)
    whole = f'["{reference_module.RULE}", 0, 10000, "{SHA}", "x", 7]'
    name = hashlib.sha256(whole.encode()).hexdigest()[:32]
    found = against._cached(["x", 7], lambda: None, sums)
    assert found == tmp_path / "references" / name / "reference.safetensors"


def test_samples_of_a_model_without_classes_have_none(tmp_path, tiny_gan, toy_data):
    model = type(tiny_gan)(dataclasses.replace(tiny_gan.config, num_classes=0)).eval()
    made_from = DataRecord("toy", "Toy", toy_data.class_names)
    save(tmp_path, model, name="plain", made_from=made_from)
    found = against.drawn(duet.load(tmp_path), Request(100), CPU)
    assert (found.class_names, set(found.labels.tolist())) == ((), {0})


@pytest.mark.parametrize(("classes", "kept"), [(256, True), (257, False)])
def test_covariances_of_256_classes_are_kept_of_64_dimensions(classes, kept):
    images = pictures(classes, classes=tuple(map(str, range(classes))), side=2)
    assert bool(reference_module._class_tensors(torch.zeros(classes, 64), images)) is kept


# Arrays as they may be stored.


@pytest.mark.parametrize(("version", "known"), [((1, 0), True), ((2, 0), True), ((3, 0), False)])
def test_versions_of_numpys_format(tmp_path, version, known):
    path = tmp_path / "A.NPY"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.zeros((2, 1, 3, 4), np.uint8), version)
    if known:
        assert arrays.load(path).image_shape == (1, 3, 4)
    else:
        with pytest.raises(EvaluationError, match=r"format \(3, 0\) is not known"):
            arrays.load(path)


def test_an_archives_ending_may_be_shouted(tmp_path):
    with (tmp_path / "A.NPZ").open("wb") as file:
        np.savez(file, np.zeros((3, 4, 5), np.uint8), np.zeros(3, np.int8))
    found = open_source(str(tmp_path / "A.NPZ"), Opening()).origin
    assert (found.image_shape, found.class_names) == ((1, 4, 5), ("0",))


def test_five_dimensions_are_no_pictures():
    with pytest.raises(EvaluationError, match=r"wanted is \[N, H, W\]"):
        arrays._channels_first(np.zeros((2, 3, 4, 5, 6), np.uint8), "x")


def test_nothing_is_unpickled_or_read_whole(tmp_path, monkeypatch):
    asked, load, read = [], np.load, arrays.npy.read_array
    monkeypatch.setattr(
        arrays.np, "load", lambda path, **named: asked.append(named) or load(path, **named)
    )
    pixels = np.zeros((3, 4, 5), np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    arrays.load(tmp_path / "a.npy")
    assert asked == [{"mmap_mode": "c", "allow_pickle": False}]
    monkeypatch.setattr(
        arrays.npy, "read_array", lambda file, **named: asked.append(named) or read(file, **named)
    )
    np.savez(tmp_path / "a.npz", pixels)
    arrays.load(tmp_path / "a.npz")
    assert asked[1:] == [{"allow_pickle": False}]
