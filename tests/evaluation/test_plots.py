"""The figure: written whole, with intervals, of what compares."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

import duet
from duet.store.metrics import ScoreRecord
from evaluation import arrays, plots
from evaluation.errors import EvaluationError
from evaluation.harness import Request
from evaluation.measuring import Work
from evaluation.sources import Source


@pytest.fixture
def done(folder, reference, measurement, tmp_path):
    """A checkpoint and an array of two sizes and colours, one with intervals."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "a.npy", rng.integers(0, 256, (40, 12, 8, 3)).astype(np.uint8))
    origins = [duet.load(folder), arrays.load(tmp_path / "a.npy")]
    scores = {
        "frechet_distance": ScoreRecord(0.5, interval=(0.6, 0.8)),  # its value is biased
        "precision": ScoreRecord(0.8, interval=(0.7, 0.9)), "recall": ScoreRecord(0.7),
    }
    measured = [measurement(), measurement(scores=scores)]
    works = [Work(Source(name, origin), None, reference, None)
             for name, origin in zip(("tiny", "a.npy"), origins, strict=True)]
    return list(zip(works, measured, strict=True))


@pytest.mark.parametrize("name", ["out.png", "out.svg"])
def test_a_figure_is_drawn(done, tmp_path, name):
    plots.draw(done, Request(100), tmp_path / name)
    if name.endswith("png"):
        with Image.open(tmp_path / name) as figure:
            assert min(figure.size) > 400
    else:
        assert "</svg>" in (tmp_path / name).read_text()
    assert not list(tmp_path.glob(".out*"))


def test_five_make_two_rows_of_sheets_and_none_needs_all_scores(done, measurement, tmp_path):
    (work, _), other = done
    many = [other, *[(work, measurement(scores={}))] * 4]
    for each, name in ((done, "two.png"), (many, "five.png")):
        plots.draw(each, Request(100), tmp_path / name)
    sizes = []
    for name in ("two.png", "five.png"):
        with Image.open(tmp_path / name) as figure:
            sizes.append(figure.size)
    assert sizes[0][0] == sizes[1][0]


def test_an_interval_reaches_from_its_ends_to_the_value():
    assert plots._reach(ScoreRecord(0.5, interval=(0.4, 0.7))) == [
        [pytest.approx(0.1)], [pytest.approx(0.2)],
    ]
    assert plots._reach(ScoreRecord(0.5)) is None
    assert plots._reach(ScoreRecord(0.5, interval=(0.6, 0.7)))[0] == [0.0]


def test_distances_to_two_references_are_no_figure(reference):
    plots.check_comparable([reference, reference])
    about = dataclasses.replace(reference.about, sha256="0" * 64)
    with pytest.raises(EvaluationError, match="compared with one data set; name it by --against"):
        plots.check_comparable([reference, dataclasses.replace(reference, about=about)])


def test_where_no_figure_can_be_is_found_early(tmp_path):
    plots.check(tmp_path / "new" / "out.PDF")
    assert not list((tmp_path / "new").iterdir())
    (tmp_path / "x.png").mkdir()
    for name, said in (("x.png", "is a folder"), ("x.jpg", "wanted is a file of .png")):
        with pytest.raises(EvaluationError, match=said):
            plots.check(tmp_path / name)
