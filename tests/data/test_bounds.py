"""Thresholds and edges of what reads, decodes and audits pictures, each from both sides."""

import dataclasses
import io
import json
import os
import sys
import time
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from duet import data
from duet.core.errors import DuetError
from duet.data import (
    DATASETS,
    DataError,
    Facts,
    ImageSet,
    classes,
    gather,
    matlab,
    neighbours,
    report,
)
from duet.data import audit as auditing
from duet.data import cache as decoding_cache
from duet.data.__main__ import _print_json, main
from duet.data.audit import audit, class_means
from duet.data.classes import clean
from duet.data.decode import Decoding, Look, PictureError, decode, strict_pillow
from duet.data.sources import Source, _entry_problem, _refuse, content_sha256, open_source

CLASSES = ("a", "b")


def of(images, labels=None, split="train", names=CLASSES, **more):
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    return ImageSet("toy", split, images, labels, names, **more)


def noise_set(count, split="train", seed=0, **more):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 1, 16, 16), generator=generator, dtype=torch.uint8)
    return of(images, torch.arange(count) % 2, split, **more)


# The audit.


def test_the_batches_are_of_the_numbers_that_were_asked_for(monkeypatch):
    monkeypatch.setattr(auditing, "BATCH", 2)
    train, test = noise_set(9), noise_set(5, "test", 1)
    both = auditing._Both(train, test)
    batches = list(both.batches([0, 3, 5, 8, 9, 11, 13]))
    assert max(map(len, batches)) == 2
    expected = [*train.images[[0, 3, 5, 8]], *test.images[[0, 2, 4]]]
    assert torch.equal(torch.cat(batches), torch.stack(expected))
    assert len(both) == 14


def test_pictures_are_told_by_split_file_and_label():
    train = noise_set(3, files=("x", "y", "z"))
    both = auditing._Both(train, noise_set(2, "test"))
    assert both.picture(1) == auditing.Picture("train", 1, "y", "b")
    assert both.picture(3) == auditing.Picture("test", 0, None, "a")
    plain = auditing._Both(of(train.images, names=()), of(train.images, split="test", names=()))
    assert plain.picture(5) == auditing.Picture("test", 2, None, None)


def test_nine_of_ten_neighbours_make_a_doubt(monkeypatch):
    """Eight do not; ten come first."""
    labels = torch.tensor([0, 0, 0, 1, 0] + [1] * 10 + [0] * 10)
    train = of(torch.zeros(25, 1, 8, 8, dtype=torch.uint8), labels)
    both = auditing._Both(train, noise_set(1, "test"))
    ones, noughts = list(range(5, 15)), list(range(15, 25))
    own = {0: ones[:9] + noughts[:1], 1: ones[:8] + noughts[:2], 2: ones, 3: noughts[:9] + ones[:1]}
    rows = [own.get(i, ones if labels[i] else noughts) for i in range(25)]
    kin = neighbours.Neighbours(torch.ones(25, 10), torch.tensor(rows))
    found = auditing._doubts(both, list(range(25)), kin)
    assert [(d.picture.index, d.suggested, d.votes) for d in found.doubts] == [
        (2, "b", 10), (0, "b", 9), (3, "a", 9),
    ]
    assert (found.count, found.accuracy) == (3, 0.84)
    third = auditing._doubts(both, [0, 5, 15], neighbours.Neighbours(
        torch.ones(3, 1), torch.tensor([[1], [1], [2]])))
    assert third.accuracy == 0.6667


def test_ten_neighbours_are_asked(monkeypatch):
    counts, nearest = [], neighbours.nearest
    monkeypatch.setattr(
        neighbours, "nearest", lambda space, count: counts.append(count) or nearest(space, count)
    )
    audit(noise_set(40), noise_set(9, "test", 1))
    assert counts == [10, 10]


def test_one_class_alone_leaves_no_doubts():
    train, test = (of(noise_set(30, seed=i).images, split=split, names=("a",))
                   for i, split in enumerate(("train", "test")))
    found = audit(train, test)
    assert found.doubts is None
    assert (found.facts, found.image_shape) == (Facts("toy", "toy", ("a",), ""), (1, 16, 16))
    assert found.sha256 == {"train": train.sha256, "test": test.sha256}
    for twins in (found.exact, found.near):
        assert twins.pairs == ()


def test_blank_is_a_deviation_of_less_than_two_levels():
    """Of all pixels, not of a sample of them."""
    images = torch.full((4, 1, 16, 16), 100, dtype=torch.uint8)
    for image, bright in zip(images, (128, 133, 0, 256), strict=True):
        image.view(-1)[:bright] = 104  # deviations: 2, 1.9985, 0, 0
    both = auditing._Both(of(images), noise_set(2, "test"))
    assert [picture.index for picture in auditing._blank(both).pictures] == [1, 2, 3]


@pytest.mark.parametrize("spread", [0.1, 0.0])
def test_outliers_are_beyond_a_modified_z_score(spread):
    """Of 3.5, of a spread of at least a thousandth; the oddest first."""
    least = 3.5 * max(spread, 1e-3) / 0.6745
    lengths = torch.tensor([1.0, 1 - spread, 1 + spread] * 7)
    lengths[:3] = 1 + least * torch.tensor([1.02, 0.98, 1.5])
    both = auditing._Both(noise_set(21), noise_set(2, "test"))
    found = auditing._outliers(both, list(range(21)), lengths)
    assert [picture.index for picture in found.pictures] == [2, 0]


def test_the_pictures_that_are_compared_are_the_same_in_every_run(monkeypatch):
    monkeypatch.setattr(auditing, "MOST_COMPARED", 5)
    assert auditing._compared(5) == [0, 1, 2, 3, 4]
    chosen = np.random.default_rng(0).choice(12, 5, replace=False)
    assert auditing._compared(12) == sorted(chosen)


def test_two_hundred_findings_are_listed():
    both = auditing._Both(noise_set(500), noise_set(2, "test"))
    found = auditing._odd(both, list(range(499)))
    assert (found.count, len(found.pictures)) == (499, 200)
    pairs = [(0, i, 0.123456) for i in range(1, 400)]
    copies = auditing._copies(both, pairs)
    assert (copies.count, len(copies.pairs), copies.pairs[0].cosine) == (399, 200, 0.1235)


def test_a_hundred_thousand_pictures_are_compared():
    assert auditing._compared(100_000) == list(range(100_000))
    assert len(auditing._compared(100_001)) == 100_000


def test_components_are_as_many_as_tell_pictures_apart():
    """Of 2,600 coloured pictures 256 for details, 64 for shapes: fewer than there are."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (2600, 3, 10, 10), generator=generator, dtype=torch.uint8)
    space = neighbours.embed(images.split(1000))
    assert space.details.shape == (2600, 256)
    assert space.shapes.shape == (2600, 64)


def test_the_mean_of_a_class_may_be_of_one_picture_or_of_none():
    images = torch.tensor([10, 20, 31, 200], dtype=torch.uint8)[:, None, None, None]
    found = class_means(of(images, torch.tensor([0, 0, 0, 2]), names=("a", "b", "c", "d")))
    assert found.flatten().tolist() == [20, 0, 200, 0]
    assert class_means(of(images, names=())).flatten().tolist() == [65]
    counts = auditing._counts(of(images, torch.tensor([0, 0, 0, 2]), names=("a", "b", "c", "d")))
    assert counts == {"a": 3, "b": 0, "c": 1, "d": 0}


@pytest.mark.parametrize(("count", "rule"), [(999, "local contrast"), (1000, "whitened pixels")])
def test_enough_pictures_are_whitened(count, rule):
    space = neighbours.embed([noise_set(count).images])
    assert rule in space.rule
    assert f"at least {space.alike}" in space.rule
    if count == 1000:
        assert space.details.shape == (1000, 100)  # a component of each ten pictures
    torch.testing.assert_close(space.details.norm(dim=1), torch.ones(count))


def test_blank_pictures_alone_are_no_numbers_business():
    space = neighbours.embed([torch.zeros(20, 1, 8, 8, dtype=torch.uint8)])
    for found in (space.details, space.shapes, space.unexplained):
        assert found.isfinite().all()


def test_pairs_of_the_very_cosine_are_above_it():
    found = neighbours.Neighbours(
        torch.tensor([[0.5], [0.5], [0.5], [0.25]]), torch.tensor([[3], [2], [1], [0]])
    )
    assert neighbours.pairs_above(found, 0.5) == [(0, 3, 0.5), (1, 2, 0.5)]
    assert neighbours.pairs_above(found, 0.25) == [(1, 2, 0.5), (0, 3, 0.25)]


# Its report.


def test_what_is_not_known_is_not_said():
    found = audit(noise_set(20), noise_set(5, "test", 1))
    said = dict(report.rows(found))
    assert (said["licence"], said["source"]) == ("other", "not known")
    assert not {"mind", "originals", "modes", "compared"} & said.keys()
    facts = Facts("toy", "Toy", CLASSES, "Noise", credit="Me.", ethics="None.", origin="here")
    said = dict(report.rows(dataclasses.replace(found, facts=facts, image_shape=(3, 8, 9))))
    assert (said["licence"], said["source"], said["mind"]) == ("other; Me.", "here", "None.")
    assert said["pictures"] == "9×8, in colour: 20 train, 5 test"


def test_leaks_are_shown_first_and_small_pictures_enlarged(monkeypatch):
    train, test = noise_set(30), noise_set(9, "test", 1)
    train.images[1] = train.images[0]
    test.images[4] = (train.images[20].float() * 0.7 + 30).to(torch.uint8)
    page = report.html_page(audit(train, test), train, test)
    twins = page.split("<h2>Twins")[1].split("<h2>")[0]
    assert twins.index("test 4") < twins.index("train 1 ")
    assert 'width="96" height="96"' in page
    wide = torch.zeros(1, 8, 200, dtype=torch.uint8)
    assert 'width="200" height="8"' in report._image(train, wide)
    monkeypatch.setattr(report, "SHOWN_CLASSES", 1)
    shown = report._classes(audit(train, test), train)
    assert shown.count("<tr><td>") == 1
    assert '<td class="number">15</td><td class="number">5</td>' in shown


def test_sixty_pictures_of_a_kind_are_shown():
    train, test = noise_set(70), noise_set(9, "test", 1)
    train.images[:64] = 100  # blank, and copies of the first
    page = report.html_page(audit(train, test), train, test)
    sections = dict(part.split("</h2>") for part in page.split("<h2>")[1:])
    assert sections["Blank"].count("<figure>") == 60
    assert sections["Twins, leaks between the splits first"].count("<figure>") == 60


def test_two_hundred_classes_are_shown():
    names = tuple(f"c{i}" for i in range(203))
    train = of(torch.zeros(203, 1, 8, 8, dtype=torch.uint8), torch.arange(203), names=names)
    found = SimpleNamespace(counts={split: dict.fromkeys(names, 1) for split in ("train", "test")})
    assert report._classes(found, train).count("<tr><td>") == 200


# The command.


def test_what_is_found_is_whole(tmp_path, fake_mnist, capsys):
    """A group of which a file is lacking is not there."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for kind in ("train-images-idx3", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{kind}-ubyte").touch()
    assert main(["list", "--json", "--data-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    said = json.loads(shown)
    assert said.keys() == {"data_dir", "cache", "sets"}
    assert (said["data_dir"], said["cache"]) == (str(tmp_path), str(data.cache_root()))
    mnist = said["sets"][0]
    assert mnist["found"] == {"train": None, "test": "MNIST/raw/t10k-images-idx3-ubyte"}
    assert (mnist["name"], mnist["title"], mnist["licence"]) == ("mnist", "MNIST", "cc-by-sa-3.0")
    assert mnist.keys() == {"name", "title", "licence", "looked_for", "found"}
    assert main(["list", "--data-dir", str(tmp_path)]) == 0
    assert not capsys.readouterr().out.startswith("{")


def test_json_is_for_eyes_too(capsys):
    _print_json({"猫": 1})
    assert capsys.readouterr().out == '{\n  "猫": 1\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        _print_json(float("nan"))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_parses_in_every_encoding(monkeypatch, encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    _print_json(["é", "猫", "😀"])
    stream.flush()
    assert json.loads(stream.buffer.getvalue().decode("utf-8")) == ["é", "猫", "😀"]


def test_a_flag_has_no_opposite(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["list", "--no-json"])
    assert "--no-json" in capsys.readouterr().err


def test_a_page_is_tried_before_the_long_work(tmp_path, monkeypatch, capsys):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", "page")

    monkeypatch.setattr(Path, "touch", refuse)
    monkeypatch.setattr("duet.data.load", lambda *_, **__: pytest.fail("the long work began"))
    assert main(["audit", "mnist", "--html", str(tmp_path / "page.html")]) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_an_audit_may_be_of_what_is_at_home(folder, png, monkeypatch, capsys):
    root = folder({f"{i}.png": png(i) for i in range(10)})
    monkeypatch.setenv("HOME", str(root.parent))
    assert main(["audit", f"~/{root.name}", "--json", "--image-size", "12"]) == 0
    originals = json.loads(capsys.readouterr().out)["originals"]
    assert originals == {
        "smallest": [12, 12], "median": [12, 12], "largest": [12, 12], "enlarged": 0,
        "modes": {"RGB": 10},
    }


# Sets.


@pytest.mark.parametrize(
    ("labels", "domain", "said"),
    [
        (torch.tensor([-1, 0]), "pixels", r"lie in 0\.\.1"), (torch.tensor([0, 1]), "x", "unknown"),
        (torch.tensor([0, 1], dtype=torch.int32), "pixels", "must be int64"),
    ],
)
def test_sets_that_cannot_be(labels, domain, said):
    images = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    with pytest.raises(DataError, match=said):
        of(images, labels, domain=domain)
    assert len(of(images, torch.tensor([0, 1]))) == 2


def test_the_data_folder_may_be_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/me")
    monkeypatch.setenv("DUET_CACHE", "~/cache")
    monkeypatch.delenv("DUET_DATA", raising=False)
    assert (data.cache_root(), data.data_root()) == (Path("/me/cache"), Path("/me/cache/data"))
    monkeypatch.setenv("DUET_DATA", "~/data")
    assert (data.data_root(), data.data_root("~/x")) == (Path("/me/data"), Path("/me/x"))


def test_a_home_that_nobody_has_is_a_mere_name(monkeypatch):
    monkeypatch.setenv("DUET_CACHE", "~no-such-user/cache")
    monkeypatch.setenv("DUET_DATA", "~no-such-user/data")
    found = (data.cache_root(), data.data_root())
    assert found == (Path("~no-such-user/cache"), Path("~no-such-user/data"))


@pytest.mark.parametrize(("name", "train", "test"), [
    ("cifar10", [*(f"data_batch_{i}" for i in range(1, 6)), "batches.meta"],
     ["test_batch", "batches.meta"]),
    ("svhn", ["train_32x32.mat"], ["test_32x32.mat"]),
    ("kmnist", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
     ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]),
])
def test_torchvisions_layout_is_looked_for_and_then_a_zip(name, train, test):
    for split, names in (("train", train), ("test", test)):
        files, archive = DATASETS[name].places[split]
        assert [path.rpartition("/")[2] for path in files] == names
        assert archive == (f"{name}-{split}.zip",)


def test_stacked_mnist_has_a_seed_a_split(fake_mnist):
    from duet.data.stacked_mnist import draw

    digits = data.load("mnist", "test", fake_mnist).labels
    found = data.load("stacked-mnist", "test", fake_mnist)
    triples = digits[draw(1, 10_000, 50)]
    assert found.labels[:50].tolist() == (triples * torch.tensor([100, 10, 1])).sum(1).tolist()


# The cache.


def loaded(root, **options):
    return [data.load(str(root), split, **{"image_size": 12} | options)
            for split in ("train", "test")]


@pytest.mark.parametrize(("count", "tenth"), [(2, 1), (14, 1), (15, 2), (26, 3)])
def test_a_tenth_is_held_out_and_at_least_one(folder, png, count, tenth):
    train, test = loaded(folder({f"{i}.png": png(i) for i in range(count)}))
    assert (len(train), len(test)) == (count - tenth, tenth)


def test_pictures_stay_in_their_order(folder, png):
    for found in loaded(folder({f"{i:03}.png": png(i) for i in range(90)})):
        assert list(found.files) == sorted(found.files)


@pytest.mark.parametrize("change", ["rule", "pillow", "colour"])
def test_the_cache_knows_what_decides_the_pixels(folder, png, cache, monkeypatch, change):
    root = folder({f"{i}.png": png(i, mode="L") for i in range(5)})
    loaded(root)
    if change == "rule":
        monkeypatch.setattr(decoding_cache, "RULE", 99)
    if change == "pillow":
        monkeypatch.setattr("PIL.__version__", "0.0")
    loaded(root, **{"colour": "rgb"} if change == "colour" else {})
    assert len(list(cache.rglob("*.safetensors"))) == 2


def test_the_same_pictures_keep_their_place_from_version_to_version(
    folder, png, cache, monkeypatch
):
    """Another one, by mistake, would have everybody's pictures decoded again."""
    monkeypatch.setattr("PIL.__version__", "0.0")
    monkeypatch.setattr(decoding_cache, "content_sha256", lambda _: "0" * 64)
    loaded(folder({f"{i}.png": png(i) for i in range(5)}))
    (found,) = cache.rglob("*.safetensors")
    place = "pictures/8cec9731f8bd0bd081970ac1dd4e8628/set.safetensors"
    assert found.relative_to(cache).as_posix() == place


def test_a_published_zip_is_another_set_than_the_same_of_ones_own(
    tmp_path, png, write_zip, cache
):
    path = write_zip(tmp_path / "cifar10-test.zip", {
        f"{name}/1.png": png(i, 32, 32)
        for i, name in enumerate(DATASETS["cifar10"].facts.class_names)})
    assert len(data.load("cifar10", "test", tmp_path)) == 10
    assert len(loaded(path, image_size=32, colour="rgb")[0]) == 9
    assert len(list(cache.rglob("*.safetensors"))) == 2


def test_headers_are_looked_at_only_where_they_decide(folder, png, monkeypatch):
    root = folder({f"{i}.png": png(i, 40, 40) for i in range(5)})
    assert loaded(root, image_size=None, colour="rgb")[0].image_shape == (3, 32, 32)
    monkeypatch.setattr(decoding_cache, "survey", lambda *_: pytest.fail("looked"))
    assert loaded(root, colour="grey")[0].image_shape == (1, 12, 12)


def test_five_problems_are_all_named(folder, png):
    files = {f"{i}.png": png(i) for i in range(5)} | {f"{i}.txt": b"text" for i in range(5)}
    with pytest.raises(DataError, match=r"5 of 10 entries cannot be used: .*4\.txt \([^)]*\)\. "):
        loaded(folder(files))


@pytest.mark.parametrize(("cores", "threads"), [(3, 3), (32, 8), (None, 1)])
def test_threads_are_as_many_as_cores_up_to_eight(monkeypatch, cores, threads):
    made, moved, pool = [], [], gather.ThreadPoolExecutor

    class Bar:
        def __init__(self, *given):
            made.append(given)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        update = moved.append

    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(gather, "progress_bar", Bar)
    monkeypatch.setattr(gather, "ThreadPoolExecutor", lambda n: made.append(n) or pool(n))
    done = []
    gather._in_parallel(done.append, 150, "working")
    assert sorted(done) == list(range(150))
    assert made == [threads, (150, "working", "img")]
    assert sum(moved) == 150


def test_what_has_not_begun_when_work_fails_does_not_begin(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    monkeypatch.setattr(gather, "CHUNK", 1)
    done = []

    def work(index):
        if index == 0:
            raise KeyError
        time.sleep(0.002)
        done.append(index)

    with pytest.raises(KeyError):
        gather._in_parallel(work, 100, "working")
    assert len(done) < 99


def test_room_for_the_very_bytes_suffices(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=6))
    assert gather.new_array(tmp_path / "a", (2, 3)).shape == (2, 3)
    with pytest.raises(DataError, match="decoding wants"):
        gather.new_array(tmp_path / "b", (7,))


# Sources.


@pytest.mark.parametrize("zipped", [False, True])
def test_a_file_may_be_as_large_as_the_bound(folder, write_zip, tmp_path, monkeypatch, zipped):
    monkeypatch.setattr("duet.data.sources.MOST_FILE_BYTES", 10)
    files = {"fits": bytes(10), "more": bytes(11)}
    path = write_zip(tmp_path / "x.zip", files) if zipped else folder(files)
    with open_source(path) as source:
        assert source.read("fits") == bytes(10)
        if zipped:
            assert source.problems == {"more": "larger than 10 bytes"}
        else:
            with pytest.raises(PictureError, match="larger than 10 bytes"):
                source.read("more")


@pytest.mark.parametrize(("size", "fits"), [(2**28, True), (2**28 + 1, False)])
def test_files_of_a_quarter_of_a_gigabyte_are_the_largest(size, fits):
    entry = zipfile.ZipInfo("1.png")
    entry.file_size = size
    assert (_entry_problem(entry, ("1.png",)) is None) is fits


def test_matlab_files_may_unpack_to_two_gigabytes(monkeypatch):
    asked = []

    class Unpacker:
        eof = False

        def decompress(self, data, most):
            asked.append(most)
            return b""

    monkeypatch.setattr(matlab.zlib, "decompressobj", Unpacker)
    with pytest.raises(ValueError, match="too large"):
        matlab._matrix(matlab.COMPRESSED, memoryview(b""))
    assert asked == [2**31]


@pytest.mark.parametrize("zipped", [False, True])
def test_litter_is_passed_over(folder, write_zip, tmp_path, zipped):
    litter = ("a/Thumbs.db", "desktop.ini", "__MACOSX/a/1.png", ".git/x", "a/.hidden", "b/..c")
    files = dict.fromkeys(("a/1.png", *litter), b"x")
    path = write_zip(tmp_path / "x.zip", files) if zipped else folder(files)
    with open_source(path) as source:
        assert (source.names, source.problems) == (("a/1.png",), {})


def test_the_hash_is_of_all_that_decides(folder, tmp_path):
    """Of names, contents, empty folders and what cannot be used."""
    root = folder({"a/1.png": b"x", "b/2.png": b"y"})
    seen = [content_sha256(root)]
    assert content_sha256(root) == seen[0]
    (root / "empty").mkdir()
    seen.append(content_sha256(root))
    (root / "out.png").symlink_to(tmp_path)
    seen.append(content_sha256(root))
    (root / "a/1.png").write_bytes(b"z")
    seen.append(content_sha256(root))
    (root / "a/1.png").rename(root / "a/3.png")
    seen.append(content_sha256(root))
    assert len(set(seen)) == 5


def test_folders_that_cannot_be_listed_are_named(folder, monkeypatch):
    root = folder({"1.png": b"x"})
    monkeypatch.setattr(
        os, "walk", lambda path, onerror: onerror(PermissionError(13, "Permission denied", "sub"))
    )
    with pytest.raises(DataError, match="sub cannot be read: Permission denied"):
        content_sha256(root)
    with pytest.raises(DataError, match="x cannot be read"):
        _refuse(OSError(5, "Input/output error", "x"))


# Classes.


@pytest.mark.parametrize("split", [
    "Training", "test", "testing", "val", "VALID", "validation", "dev",
])
def test_splits_are_no_classes(split):
    with pytest.raises(DataError, match="holds splits"):
        classes._own_classes(Path("x"), ["train", split])
    assert classes._own_classes(Path("x"), [split]) == {split: split}
    assert len(classes._own_classes(Path("x"), ["train", split, "cat"])) == 3
    with pytest.raises(DataError, match="holds splits"):
        classes._own_classes(Path("x"), classes.SPLITS)


def test_a_name_that_was_cut_ends_in_no_space():
    assert clean("x" * 79 + " y") == "x" * 79


def test_many_classes_are_sorted_in_no_time():
    """Not in the square of their number: 10,000 took five seconds and more."""
    names = tuple(f"class {number}/1.png" for number in range(classes.MOST_CLASSES))
    source = Source(Path("pets"), names, tuple(name[:-6] for name in names), {}, lambda name: b"")
    began = time.process_time()
    found = classes.arrange(source, None)
    assert time.process_time() - began < 2
    assert found.labels == tuple(range(classes.MOST_CLASSES))
    assert [name[:-6] for name in found.names] == sorted(found.class_names)


def test_a_model_knows_as_many_classes_as_a_folder_may_have(monkeypatch):
    made = classes._own_classes(Path("x"), [str(i) for i in range(10_000)])
    assert len(made) == 10_000
    with pytest.raises(DataError, match="at most 10000 classes"):
        classes._own_classes(Path("x"), [str(i) for i in range(10_001)])


# Decoding.


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_each_format_is_read(noise, as_bytes, format):
    try:
        content = as_bytes(noise(1, 16, 16), format)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {format}")
    assert decode(content, 8, 3).shape == (3, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "I", "I;16", "I;16B"])
def test_grey_is_stored_in_many_ways(mode):
    assert Decoding().settle([Look(32, 32, mode)]) == (32, 1)
    assert Decoding().settle([Look(32, 32, mode), Look(32, 32, "RGBA")]) == (32, 3)


@pytest.mark.parametrize("size", [8, 12, 1024])
def test_sizes_at_the_bounds_are_taken(size):
    assert Decoding(size).settle([Look(99, 9, "L")]) == (size, 1)
    assert Decoding(size).check("x", (1, size, size)) is None


@pytest.mark.parametrize("size", [7, 1025, 1028])
def test_sizes_beyond_the_bounds_are_named(size):
    with pytest.raises(DuetError, match=r"image_size must be a whole number in 8\.\.1024"):
        Decoding(size)


@pytest.mark.parametrize(("side", "drafted"), [(256, True), (248, False)])
def test_a_photograph_is_drafted_where_four_pixels_are_left_for_one(noise, as_bytes, side, drafted):
    """JPEG itself halves 256 pixels, of which 32 are wanted, and leaves 248 alone."""
    content = as_bytes(noise(3, side, side), "JPEG")
    with Image.open(io.BytesIO(content)) as picture:
        if drafted:
            picture.draft(None, (side // 2, side // 2))
            assert picture.size == (side // 2, side // 2)
        expected = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC))
    assert np.array_equal(decode(content, 32, 3), expected.transpose(2, 0, 1))


def test_the_smallest_side_is_taken_and_negative_numbers_are_not(as_bytes):
    assert decode(as_bytes(Image.new("L", (8, 9), 7)), 8, 1).tolist() == [[[7] * 8] * 8]
    for value, fits in ((0, True), (65535, True), (65536, False), (-1, False)):
        content = as_bytes(Image.fromarray(np.full((8, 8), value, np.int32)), "TIFF")
        if fits:
            assert decode(content, 8, 1).max() == 255 * (value > 0)
        else:
            with pytest.raises(PictureError, match="unknown range"):
                decode(content, 8, 1)


def test_pillow_is_strict_about_bombs_and_silent_about_the_rest():
    with strict_pillow():
        warnings.warn("a tag is odd", UserWarning, stacklevel=1)
        with pytest.raises(Image.DecompressionBombWarning):
            warnings.warn("large", Image.DecompressionBombWarning, stacklevel=1)
