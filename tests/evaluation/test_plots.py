"""The figure: written whole, with intervals, of what compares."""

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

import duet
from duet.core.pixels import grid
from duet.store.metrics import ScoreRecord
from duet.store.scores import SCORES
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


@pytest.fixture
def figures(monkeypatch):
    """All figures that are saved from now on."""
    kept, save = [], Figure.savefig

    def spy(self, *given, **named):
        kept.append(self)
        save(self, *given, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    return kept


def bars(axes):
    """Of each point with its interval: place, how far the lines reach across and up, the size of
    their caps and the point's own mark."""
    found = []
    for container in axes.containers:
        point, caps, lines = container.lines
        across, up = (
            [line.get_segments()[0] for line, has in zip(lines, (True, True), strict=False)
             if np.ptp(line.get_segments()[0][:, axis]) > 0] for axis in (0, 1)
        )
        found.append((
            (point.get_xdata()[0], point.get_ydata()[0]), point.get_marker(),
            [(line[0, 0], line[1, 0]) for line in across],
            [(line[0, 1], line[1, 1]) for line in up],
            {cap.get_markersize() for cap in caps},
        ))
    return found


def test_precision_against_recall_and_distances_a_row_a_model(done, tmp_path, figures):
    plots.draw(done, Request(100), tmp_path / "out.png")
    (figure,) = figures
    assert tuple(figure.get_size_inches()) == (10, pytest.approx(4 + 5.5 / 2 + 0.3))
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.width == 1100
    above, below = figure.subfigs
    assert above.bbox.height / below.bbox.height == pytest.approx(4 / 3.05)
    left, right = above.axes
    names = ["tiny (50,000)", "a.npy (50,000)"]
    assert (left.get_xlabel(), left.get_ylabel()) == (
        SCORES["recall"].heading, SCORES["precision"].heading,
    )
    assert [text.get_text() for text in left.get_legend().get_texts()] == names
    plain, sure = bars(left)
    assert plain == ((0.75, 0.8), "o", [], [], set())
    assert sure == ((0.7, 0.8), "o", [], [pytest.approx((0.7, 0.9))], {6})
    assert len(left.get_xticks()) <= 7

    assert right.get_xlabel() == SCORES["frechet_distance"].heading
    plain, biased = bars(right)
    assert plain == ((0.123456, 0), "o", [], [], set())
    assert biased == ((0.5, 1), "o", [pytest.approx((0.5, 0.8))], [], {6})
    assert list(right.get_yticks()) == [0, 1]
    assert [text.get_text() for text in right.get_yticklabels()] == names
    assert right.get_ylim() == (1.5, -0.5)
    for axes in (left, right):
        lines = axes.get_xgridlines()
        assert all(line.get_visible() and line.get_alpha() == 0.3 for line in lines)
        assert to_hex(axes.containers[0].lines[0].get_color()) == "#1f77b4"
    small = {text.get_fontsize() for text in (
        *left.get_legend().get_texts(), *right.get_yticklabels(), *(a.title for a in below.axes))}
    assert len(small) == 1
    assert small.pop() < left.xaxis.label.get_fontsize()


def test_below_are_the_first_pictures_that_a_request_would_measure(done, tmp_path, figures):
    plots.draw(done, Request(100, seed=3, truncation=0.5), tmp_path / "out.svg")
    sheets = figures[0].subfigs[1].axes
    assert [axes.get_title() for axes in sheets] == ["tiny (50,000)", "a.npy (50,000)"]
    assert [axes.get_subplotspec().get_geometry() for axes in sheets] == [
        (1, 2, 0, 0), (1, 2, 1, 1),
    ]
    model, array = (work.source.origin for work, _ in done)
    drawn = model.model.sample(32, seed=3, truncation=0.5)
    chosen = np.random.default_rng(3).permutation(40)[:32]
    for axes, images in zip(sheets, (drawn, array.images[torch.from_numpy(chosen)]), strict=True):
        (image,) = axes.images
        expected = grid(images, 8).permute(1, 2, 0).squeeze(2)
        assert np.array_equal(image.get_array(), expected.numpy())
        assert (image.get_cmap().name, image.get_clim()) == ("gray", (0, 255))
        assert not axes.axison


def test_five_make_two_rows_of_sheets_and_none_needs_all_scores(
    done, measurement, tmp_path, figures
):
    (work, _), other = done
    many = [other, *[(work, measurement(scores={}))] * 4]
    for each, name in ((done, "two.png"), (many, "five.png")):
        plots.draw(each, Request(100), tmp_path / name)
    sizes = []
    for name in ("two.png", "five.png"):
        with Image.open(tmp_path / name) as figure:
            sizes.append(figure.size)
    assert sizes[0][0] == sizes[1][0]
    _, five = figures
    assert five.get_size_inches()[1] == pytest.approx(4 + 5.5 / 4 * 2 + 0.3)
    above, below = five.subfigs
    assert [axes.get_subplotspec().get_geometry()[:3] for axes in below.axes] == [
        (2, 4, place) for place in range(5)
    ]
    left, right = above.axes
    assert [len(axes.containers) for axes in (left, right)] == [1, 1]
    assert right.get_ylim() == (4.5, -0.5)


def test_without_precision_there_is_no_legend(done, measurement, tmp_path, figures):
    works = [work for work, _ in done]
    half = {"recall": ScoreRecord(0.5)}
    plots.draw([(works[0], measurement(scores=half))], Request(100), tmp_path / "out.png")
    left, _ = figures[0].subfigs[0].axes
    assert left.get_legend() is None
    assert figures[0].get_size_inches()[1] == pytest.approx(4 + 5.5 / 2 + 0.3)


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
