"""Which rows stand where, and which are left out; records of a stranger's."""

import base64
import dataclasses
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from PIL import Image

from demo import ladder, leaderboard, plots, score_views
from demo.catalogue import Catalogue
from demo.plots import Dot, Value
from duet.store import records
from duet.store.metrics import Measurement, MetricsRecord, Protocol, ReferenceRecord, ScoreRecord
from duet.store.neighbours import NEAREST, ROWS, Neighbours
from duet.store.scores import SCORES
from duet.store.studies import CopiesRecord, CopyScores, ImagesRecord

WEIGHTS, IMAGES = "a" * 64, "c" * 64
REFERENCE = ReferenceRecord("toy", "train", 60, IMAGES, 50, "random", 0, "d" * 64)
PROTOCOL = Protocol(
    samples=500, seed=0, truncation=1.0, extractor="toy-net", extractor_sha256="e" * 64,
    reference=REFERENCE, inception_score_splits=10, kernel_subsets=10, kernel_subset_size=10,
    neighborhood=3, manifold_images=100, rng_seed=1, repeats=10,
)


def measured(fid: float, protocol=PROTOCOL, weights=WEIGHTS, **scores) -> Measurement:
    found = {"frechet_distance": fid, **scores}
    return Measurement(
        {key: ScoreRecord(value, interval=(value - 1, value + 1)) for key, value in found.items()},
        protocol, weights, "cpu", {},
    )


@pytest.fixture
def model(mock_checkpoint):
    """model(name, measurements…, **fields of Checkpoint)."""
    def build(name, *measurements, licence="mit", **fields):
        return mock_checkpoint(
            name=name, weights_sha256=WEIGHTS, metrics=MetricsRecord(measurements),
            data={"images_sha256": IMAGES, "licence": licence}, **{"role": "adversarial"} | fields,
        )

    return build


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(leaderboard, "HELD_OUT", tmp_path)
    return tmp_path


def board(*checkpoints):
    return leaderboard.board(Catalogue({c.name: c for c in checkpoints}), "Toy")


def names(found) -> list[list[str]]:
    return [[row.name for row in table.rows] for table in found.tables]


def test_the_floor_then_models_by_fid_then_the_baseline(model, home):
    real = dataclasses.replace(PROTOCOL, samples=7, manifold_images=7, seed=0, repeats=None)
    floor = MetricsRecord((measured(0.1, real),))
    records.write(home / f"{IMAGES[:16]}-held-out.json", floor)
    found = board(
        model("worse", measured(3.0)), model("base", measured(0.5), role="baseline"),
        model("better", measured(2.0)),
        model("unknown", dataclasses.replace(measured(0), scores={})),
    )
    assert names(found) == [["real held-out images", "better", "worse", "unknown", "base"]]
    assert found.tables[0].rows[0].role == "real"
    assert not found.left_out


def test_what_decides_intervals_alone_parts_no_table(model, home):
    cut = dataclasses.replace(PROTOCOL, part_manifold_images=50)
    found = board(model("old", measured(1.0)), model("new", measured(2.0, cut)))
    assert names(found) == [["old", "new"]]


def test_other_protocols_and_other_features_stand_in_tables_of_their_own(model, home):
    fewer = dataclasses.replace(PROTOCOL, samples=400)
    elsewhere = dataclasses.replace(PROTOCOL, extractor="other-net")
    records.write(home / "toy-held-out.json", MetricsRecord((measured(0.1),)))
    found = board(
        model("a", measured(1.0), measured(9.0, elsewhere)), model("b", measured(2.0, fewer)),
        model("c", measured(3.0)),
    )
    real = "real held-out images"
    assert names(found) == [[real, "a", "c"], ["a"], [real, "b"]]
    assert [table.extractor for table in found.tables] == ["toy-net", "other-net", "toy-net"]


def test_real_images_of_another_set_are_no_floor(model, home):
    other = dataclasses.replace(REFERENCE, sha256="0" * 64)
    strange = measured(0.1, dataclasses.replace(PROTOCOL, reference=other))
    records.write(home / "toy-held-out.json", MetricsRecord((strange,)))
    assert names(board(model("a", measured(1.0)))) == [["a"]]
    (home / "toy-held-out.json").write_text("{broken")
    assert names(board(model("a", measured(1.0)))) == [["a"]]


def test_what_cannot_have_a_row_is_left_out_in_words(model, home):
    found = board(
        model("fine", measured(1.0)), model("new"),
        model("changed", measured(1.0, weights="b" * 64)),
        model("broken", measured(1.0), problems=("metrics.json is not what …",)),
    )
    assert names(found) == [["fine"]]
    assert [words.split(":")[0] for words in found.left_out] == ["new", "changed", "broken"]
    assert "other weights" in found.left_out[1]
    assert "new: it was not measured yet" in score_views.as_html([found])


def test_only_the_data_sets_in_view(model, mock_checkpoint, home):
    offer = Catalogue({
        "a": model("a", measured(1.0)),
        "b": mock_checkpoint(name="b", data={"name": "b", "title": "Bees"}),
    })
    assert [found.title for found in leaderboard.boards(offer, ("a", "a"))] == ["Toy"]
    assert [found.title for found in leaderboard.boards(offer, ("a", "b"))] == ["Toy", "Bees"]
    assert score_views.NOTHING in score_views.as_html(leaderboard.boards(offer, ("b", "b")))


def test_the_command_names_a_shipped_model_and_no_folder_of_the_machine(model, home):
    shipped = model("a", measured(1.0), folder=leaderboard.SHIPPED / "toy-gan")
    own = model("b", measured(2.0), folder=home / "secret")
    rows = board(shipped, own).tables[0].rows
    assert [row.command for row in rows] == [
        "python -m evaluation verify toy-gan", "python -m evaluation verify CHECKPOINT_FOLDER",
    ]


def hostile(model):
    """A valid record with all that its types let through."""
    copies = CopyScores(0, (), 0.5, 0.01, 0.5, 0.5, 0, 1e300, 1)
    images = ImagesRecord("<data>", "train", 1, IMAGES)
    study = CopiesRecord(
        {"<b>": copies}, {}, 1, 0, 1.0, "<i>", "e" * 64, images, images, 0, WEIGHTS, "cpu", {},
    )
    protocol = dataclasses.replace(PROTOCOL, extractor='<script>"&')
    wild = measured(
        1e308, protocol, precision=-5.0, recall=7e99, specks=1e300, **{"<img onerror=x>": 1.0}
    )
    wild.scores["recall"] = ScoreRecord(0.5, interval=(2.0, -1.0))
    wild.scores["kernel_distance"] = ScoreRecord(-1e-300, spread=1.0)
    found = MetricsRecord((wild, measured(-3.0)), copies=(study,))
    return dataclasses.replace(model("<b>" + "n" * 80), metrics=found)


def test_hostile_records_neither_write_markup_nor_leave_the_frame(model, home):
    html = score_views.as_html([board(hostile(model))])
    assert "<script" not in html
    assert "<img" not in html
    assert not re.search(r"<b>n|<b></th>|<i>", html)
    assert max(map(len, re.findall(r">([^<]*)<", html))) < 200
    for svg in re.findall(r"<svg.*?</svg>", html):
        tree = ElementTree.fromstring(svg)
        width, height = map(float, tree.get("viewBox").split()[2:])
        for node in tree.iter():
            for key, value in node.attrib.items():
                if key in ("x", "cx", "x1", "x2"):
                    assert 0 <= float(value) <= width
                if key in ("y", "cy", "y1", "y2"):
                    assert 0 <= float(value) <= height


def sheet(value: int) -> Neighbours:
    samples = torch.full((ROWS, 1 + NEAREST, 1, 5, 4), value, dtype=torch.uint8)
    return Neighbours(samples, 255 - samples)


def pictures(html: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in found]


def test_samples_stand_beside_their_nearest_training_pictures(model, home):
    """A figure for each model that has its sheet, and one for the real pictures."""
    found = [
        model("a", measured(1.0), neighbours=sheet(10)), model("b", measured(2.0)),
        model("c", measured(3.0), neighbours=sheet(30)),
    ]
    html = score_views.as_html([board(*found)])
    one, two, real = pictures(html)
    assert one.shape == (ROWS * 6 + 1, 6 + 2 + NEAREST * 5 + 1)
    assert [set(np.unique(picture)) for picture in (one, two, real)] == [
        {10, 48}, {30, 48}, {48, 245}
    ]
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html.split('"neighbours"')[1])
    assert captions == [
        f"<b>a</b> <span>{score_views.OF_SAMPLES}</span>",
        f"<b>c</b> <span>{score_views.OF_SAMPLES}</span>", f"<span>{score_views.OF_REAL}</span>",
    ]
    assert score_views.UNLICENSED not in html


@pytest.mark.parametrize("licence", ["other", "unknown"])
def test_training_pictures_without_a_licence_are_not_shown(model, home, licence):
    html = score_views.as_html(
        [board(model("a", measured(1.0), neighbours=sheet(10), licence=licence))]
    )
    assert not pictures(html)
    assert score_views.UNLICENSED in html


def test_nothing_is_said_of_copies_where_nothing_is_known(model, home):
    html = score_views.as_html([board(model("a", measured(1.0)))])
    assert "Do they copy?" not in html


def test_a_record_that_is_not_read_is_no_row(model, tmp_path):
    path = tmp_path / "metrics.json"
    records.write(path, MetricsRecord((measured(1.0),)))
    path.write_text(path.read_text().replace('"value": 1.0', '"value": NaN'))
    with pytest.raises(records.RecordError):
        records.read(MetricsRecord, path)


def test_each_score_is_told_in_one_sentence_with_arrow_and_unit(model, home):
    for score in SCORES.values():
        assert re.fullmatch(r"[^.]+\.", score.meaning), score.title
        assert len(score.meaning) < 110
    html = score_views.as_html([board(model("a", measured(1.0, patch_distance=2.0)))])
    assert f"<b>SWD ↓ (10⁻³)</b><small>{SCORES['patch_distance'].meaning}</small>" in html
    assert "<td>2.000<small>1.000 to 3.000</small></td>" in html
    assert SCORES["recall"].meaning not in html  # nobody has it here


def test_a_plot_tells_its_numbers_in_words_too():
    dots = [Dot("a & b", "adversarial", Value(0.1, (0.01, 0.2)), Value(0.5)),
            Dot("c", "real", Value(10.0), Value(0.25, (0.2, 0.3)))]
    tree = ElementTree.fromstring(plots.whiskers("FID", dots, "one"))
    title, told = list(tree)[:2]
    assert (title.text, told.text) == ("FID", "a & b: 0.100 (0.010 to 0.200). c: 10.000.")
    assert tree.get("aria-labelledby") == f"{title.get('id')} {told.get('id')}"
    ticks = [node.text for node in tree.iter("text") if node.get("class") == "tick"]
    assert ticks == ["0.01", "0.1", "1", "10"]
    first, second = (float(node.get("cx")) for node in tree.iter("circle"))
    left, right = plots.LEFT, plots.WIDTH - plots.RIGHT
    assert first == pytest.approx(left + (right - left) / 3, abs=0.1)
    assert second == right
    scatter = ElementTree.fromstring(plots.scatter("P", "Recall", "Precision", dots, "two"))
    assert scatter[1].text.startswith("a & b: Recall 0.100 (0.010 to 0.200), Precision 0.500.")
    (x, y), _ = ((float(c.get("cx")), float(c.get("cy"))) for c in scatter.iter("circle"))
    assert x == pytest.approx(plots.MARGIN + 0.1 * plots.SQUARE)
    assert y == pytest.approx(plots.HEADING + 0.5 * plots.SQUARE)


def test_an_interval_lies_around_its_value_whatever_a_record_says():
    assert Value(5.0, (7.0, 6.0)).ends == (5.0, 7.0)
    assert Value(9.0, (7.0, 6.0)).ends == (6.0, 9.0)
    assert Value(5.0).ends == (5.0, 5.0)


def test_a_study_of_copies_of_other_weights_is_not_shown(model, home):
    copies = CopyScores(0, (), 0.5, 0.01, 0.5, 0.5, 0, 1.0, 1)
    images = ImagesRecord("toy", "train", 1, IMAGES)
    old, new = (
        CopiesRecord({"pixels": copies}, {}, 1, 0, 1.0, "", "e" * 64, images, images, 0, weights,
                     "cpu", {})
        for weights in ("f" * 64, WEIGHTS)
    )
    for studies, shown in (((old,), {}), ((new, old), {"a": new})):
        found = MetricsRecord((measured(1.0),), copies=studies)
        assert board(dataclasses.replace(model("a"), metrics=found)).copies == shown


def test_labels_keep_apart_and_in_order():
    assert plots.apart([30, 10, 31], 15, 0, 100) == [30, 10, 45]
    assert plots.apart([99, 98, 100], 15, 0, 100) == [85, 70, 100]
    crowded = plots.apart([5] * 20, 15, 4, 100)
    assert min(crowded) >= 4


def test_the_ladder_is_the_documents(monkeypatch, tmp_path):
    head, *body = ladder.table()
    assert head[0] == "score"
    assert {row[0] for row in body} <= {score.title for score in SCORES.values()}
    assert {cell for row in body for cell in row[1:]} == {"✓", "–"}
    assert {row[0]: row for row in body}["FID"][head.index("specks")] == "–"
    monkeypatch.setattr(ladder, "PAGE", tmp_path / "absent.md")
    assert ladder.table() == []
    assert ladder.lines("no table") == []
