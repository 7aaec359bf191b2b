"""The sanity ladder: its distortions one by one, and the directions that it holds."""

import dataclasses
import json
import re

import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from duet.store.metrics import ScoreRecord
from duet.store.scores import SCORES
from evaluation import harness, ladder_views
from evaluation.__main__ import main
from evaluation.commands import ladder as ladder_module
from evaluation.ladder import DISTORTIONS, Ladder, Pictures, Rung, climb
from evaluation.metrics import Metric
from evaluation.reference import open_reference
from evaluation.sets import SetId

# Grey and coloured, sides that differ, labels sorted and of unequal numbers.
LABELS = torch.tensor([0] * 31 + [1] * 5 + [2] * 14 + [3] * 9 + [6] * 2 + [7] * 22)


@pytest.fixture(params=[(1, 12, 16), (3, 9, 8)], ids=["grey", "colour"])
def real(request):
    images = torch.randint(0, 256, (len(LABELS), *request.param), dtype=torch.uint8)
    return Pictures(images, LABELS)


@pytest.mark.parametrize("name", DISTORTIONS)
def test_a_distortion_is_seeded_and_of_pictures(real, name):
    """As many, of one shape, uint8; the same again by the same seed; the originals left alone."""
    before, distortion = real.images.clone(), DISTORTIONS[name]
    for amount in distortion.steps:
        found = distortion(real, amount, seed=3)
        again = distortion(real, amount, seed=3)
        assert found.images.dtype == torch.uint8
        assert found.images.shape == real.images.shape
        assert torch.equal(found.images, again.images)
        assert torch.equal(found.labels, again.labels)
        assert not torch.equal(found.images, before)
    assert torch.equal(real.images, before)


def test_the_steps_are_those_that_are_published():
    """And so is what each score promises to see."""
    frechet = {"frechet_distance", "frechet_limit"}
    distances = frechet | {"kernel_distance"}
    looks = distances | {"class_frechet_distance", "patch_distance"}
    spread = {"precision", "density", "coverage"}
    assert {name: (d.steps, d.unit, d.seen_by) for name, d in DISTORTIONS.items()} == {
        "blur": ((0.7, 1.0, 1.5), "pixels", looks | spread),
        "noise": ((20, 40, 80), "grey levels", looks | {"inception_score", "coverage"}),
        "specks": (
            (0.1, 0.3, 1.0), "of the images", {"specks", "dim_specks", "patch_distance"},
        ),
        "shift": ((2, 4, 6), "pixels", looks | spread),
        "dropped classes": (
            (1, 3, 5), "classes", distances | {"inception_score", "recall", "coverage"},
        ),
        "duplicates": (
            (2, 3, 10), "times each", frechet | {"class_frechet_distance", "coverage"},
        ),
    }


def test_a_blur_spreads_a_point_as_a_gaussian_does():
    images = torch.zeros(3, 2, 21, 23, dtype=torch.uint8)
    images[1, 1, 10, 11] = 255
    found = DISTORTIONS["blur"](Pictures(images, torch.zeros(3)), 1.5, 0).images
    y, x = torch.meshgrid(torch.arange(21) - 10, torch.arange(23) - 11, indexing="ij")
    bell = torch.exp(-(x**2 + y**2) / (2 * 1.5**2))
    torch.testing.assert_close(
        found[1, 1].float(), 255 * bell / bell.sum(), atol=0.7, rtol=0
    )
    assert found.sum() == found[1, 1].sum()
    even = torch.full_like(images, 77)
    assert torch.equal(DISTORTIONS["blur"](Pictures(even, torch.zeros(3)), 1.0, 0).images, even)


def test_noise_is_as_large_as_it_says_and_nested():
    images = torch.full((600, 1, 8, 8), 120, dtype=torch.uint8)
    distortion, real = DISTORTIONS["noise"], Pictures(images, torch.zeros(600))
    small, large = (distortion(real, sigma, 0).images.float() - 120 for sigma in (10, 20))
    assert small.std() == pytest.approx(10, rel=0.02)
    torch.testing.assert_close(large, 2 * small, atol=1.01, rtol=0)


def test_specks_are_single_pixels_in_a_share_that_grows(real):
    changed = []
    for share in (0.1, 0.5, 1):
        found = DISTORTIONS["specks"](real, share, 0).images
        differs = found != real.images
        assert (found.int() - real.images.int())[differs].abs().unique().tolist() == [128]
        spots = differs.any(1).flatten(1).sum(1)
        assert spots.max() == 1
        assert spots.sum() == round(share * len(LABELS))
        changed.append(set(spots.nonzero()[:, 0].tolist()))
    assert changed[0] < changed[1] < changed[2]


def test_a_shift_goes_to_the_right(real):
    found = DISTORTIONS["shift"](real, 2, 0).images
    assert torch.equal(found[..., 2:], real.images[..., :-2])
    assert torch.equal(found[..., :2], real.images[..., :1].expand(-1, -1, -1, 2))


def test_the_last_classes_that_are_here_are_dropped(real):
    found = DISTORTIONS["dropped classes"](real, 3, 0)
    assert set(found.labels.tolist()) == {0, 1, 2}
    kept = real.images[LABELS < 3]
    assert torch.equal(found.images[:50], kept)
    assert torch.equal(found.images[50:], kept[:33])  # 83 in all


def test_duplicates_are_as_many_as_asked_for(real):
    found = DISTORTIONS["duplicates"](real, 5, 0).images
    unique, counts = found.unique(dim=0, return_counts=True)
    assert len(unique) == 17
    assert set(counts.tolist()) == {4, 5}


def made_up(**values):
    """A ladder of one distortion, from each score's values at its steps."""
    rungs = tuple(
        Rung(amount, {key: ScoreRecord(series[i]) for key, series in values.items()})
        for i, amount in enumerate((0.0, *DISTORTIONS["specks"].steps))
    )
    return Ladder(200, {"specks": rungs})


def test_classes_are_dropped_where_there_are_enough(toy_data, extractor, reference, monkeypatch):
    """Own pictures may have one class, or a few."""
    monkeypatch.setattr(harness, "METRICS", harness.METRICS[-4:])
    for classes, has in ((1, False), (5, False), (6, True)):
        few = dataclasses.replace(toy_data, labels=toy_data.labels % classes)
        found = climb(few, extractor, reference, 120, seed=0)
        assert ("dropped classes" in found.rungs) is has
        assert len(found.rungs) == len(DISTORTIONS) - (not has)


def test_to_see_is_to_get_worse_at_every_step():
    found = made_up(
        frechet_distance=(1, 2, 3, 4), kernel_distance=(1, 2, 2, 4), precision=(0.9, 0.8, 0.7, 0.1),
        recall=(0.1, 0.2, 0.3, 0.4), specks=(0.1, 0.3, 0.2, 0.5),
        inception_score=(9, 8, 7, 6.998),  # less than a repetition may move it
    )
    seen = {key for key in found.keys if found.sees(key, "specks")}
    assert seen == {"frechet_distance", "precision"}
    assert found.failures() == ["Specks does not get worse at every step of specks"]
    assert made_up(specks=(0.1, 0.2, 0.3, 0.5)).failures() == []


@pytest.fixture(scope="module")
def digits(mnist, extractor):
    """The ladder of 400 real digits, by all of METRICS."""
    test = mnist("test")
    reference = open_reference(SetId.of(mnist("train")), extractor)
    return climb(test, extractor, reference, 400, seed=0)


def test_every_metric_sees_what_it_is_meant_to(digits):
    assert digits.failures() == []
    assert set(digits.rungs) == set(DISTORTIONS)
    meant = set().union(*(distortion.seen_by for distortion in DISTORTIONS.values()))
    # These two want more images: the docs' table is of 5,000.
    assert meant - set(digits.keys) == {"frechet_limit", "class_frechet_distance"}


def test_a_classifiers_distance_hardly_sees_specks(digits):
    """One in every image moves it less than the least blur; the share of speckled images tells."""
    start, *_, last = (rung.scores for rung in digits.rungs["specks"])
    least_blur = digits.rungs["blur"][1].scores
    for key in ("frechet_distance", "kernel_distance"):
        by_specks = last[key].value - start[key].value
        assert by_specks < 0.5 * (least_blur[key].value - start[key].value)
    assert last["specks"].value - start["specks"].value > 0.5


def test_the_views_show_every_step_and_score(digits, tmp_path):
    values = ladder_views.values_table(digits).splitlines()
    assert len(values) == 2 + sum(len(d.steps) for d in DISTORTIONS.values())
    assert values[0].split()[0] == "distortion"
    assert values[1].startswith("none")
    sight = ladder_views.sight_table(digits).splitlines()
    assert len(sight) == 2 + len(digits.keys)
    row = next(line for line in sight if line.startswith("| Specks |"))
    assert row.split("|")[2 + list(DISTORTIONS).index("specks")].strip() == "✓"
    found = json.loads(json.dumps(ladder_views.as_json(digits)))
    assert "specks" in found["distortions"]["specks"]["sees"]
    assert [step["amount"] for step in found["distortions"]["shift"]["steps"]] == [0, 2, 4, 6]
    ladder_views.plot(digits, tmp_path / "ladder.png")
    with Image.open(tmp_path / "ladder.png") as picture:
        assert picture.format == "PNG"


@pytest.fixture
def two():
    """A ladder of two distortions and three scores, of which one sees one and one the other."""
    values = {
        "inception_score": [(9.5, 9.1, 8.0, 7.0), (9.5, 9.5, 9.5, 9.5)],
        "frechet_distance": [(1, 2, 12.25, 14), (1, 1, 1, 3)], "specks": [(0.1,) * 4, (0, 1, 2, 3)],
    }
    return Ladder(150, {
        name: tuple(
            Rung(amount, {key: ScoreRecord(float(series[number][i]), count=150)
                          for key, series in values.items()})
            for i, amount in enumerate((0.0, *DISTORTIONS[name].steps))
        )
        for number, name in enumerate(("shift", "specks"))
    })


def test_tables_and_json_to_the_letter(two):
    lines = ladder_views.values_table(two).splitlines()
    titles = [
        "distortion", "none", *(f"shift {amount} pixels" for amount in "246"),
        *(f"specks {amount} of the images" for amount in ("0.1", "0.3", "1")),
    ]
    rungs = [*two.rungs["shift"], *two.rungs["specks"][1:]]
    cells = [[SCORES[key].heading for key in two.keys]] + [
        [SCORES[key].text(rung.scores[key]) for key in two.keys] for rung in rungs
    ]
    assert [re.split(" {2,}", line) for line in lines] == [
        [title, *row] for title, row in zip(titles, cells, strict=True)
    ]
    width = max(map(len, titles))
    for number, line in enumerate(lines):  # titles to the left, numbers to the right
        assert line[: width + 2] == titles[number].ljust(width + 2)[: len(line)]
        assert len(line) == len(lines[0])
    sight = ladder_views.sight_table(two).splitlines()
    assert sight == [
        "| score | shift | specks |", "| --- | :-: | :-: |",
        *(f"| {SCORES[key].title} | {' | '.join(seen)} |"
          for key, seen in zip(two.keys, ("✓–", "✓–", "–✓"), strict=True)),
    ]
    found = ladder_views.as_json(two)
    assert found["images"] == 150
    shift, specks = found["distortions"].values()
    assert (shift["unit"], specks["unit"]) == ("pixels", "of the images")
    assert (shift["sees"], specks["sees"]) == (
        ["frechet_distance", "inception_score"], ["specks"],
    )
    assert specks["steps"][3]["scores"]["specks"] == {
        "value": 3.0, "spread": None, "interval": None, "count": 150, "by_class": None,
    }
    assert shift.keys() == {"unit", "sees", "steps"}
    assert found.keys() == {"images", "distortions"}


def test_a_panel_a_score_and_distortion(two, tmp_path, monkeypatch):
    kept, save = [], Figure.savefig

    def spy(self, *given, **named):
        kept.append(self)
        save(self, *given, **named)

    monkeypatch.setattr(Figure, "savefig", spy)
    ladder_views.plot(two, tmp_path / "a.PNG")
    (figure,) = kept
    assert tuple(figure.get_size_inches()) == (pytest.approx(4.2), pytest.approx(3.45))
    with Image.open(tmp_path / "a.PNG") as picture:
        assert picture.size == (462, pytest.approx(379, abs=1))
    assert len(figure.axes) == 6
    for place, panel in enumerate(figure.axes):
        key, name = two.keys[place // 2], ("shift", "specks")[place % 2]
        assert panel.get_subplotspec().get_geometry()[:3] == (3, 2, place)
        (line,) = panel.lines
        assert list(line.get_xdata()) == [0, 1, 2, 3]
        assert list(line.get_ydata()) == [rung.scores[key].value for rung in two.rungs[name]]
        sees = ladder_views.GREEN if two.sees(key, name) else ladder_views.GREY
        assert (line.get_color(), line.get_marker(), line.get_linestyle()) == (sees, ".", "-")
        assert list(panel.get_xticks()) == [0, 1, 2, 3]
        assert panel.get_title() == (name if place < 2 else "")
        assert panel.get_xlabel() == (DISTORTIONS[name].unit if place >= 4 else "")
        label = panel.yaxis.label
        assert label.get_text() == ("" if place % 2 else SCORES[key].heading)
        if place % 2 == 0:
            looks = label.get_rotation(), label.get_ha(), label.get_va()
            assert looks == (0, "right", "center")
        assert panel.get_ylim() == figure.axes[place // 2 * 2].get_ylim()
        assert {axis.get_tick_params()["labelsize"] for axis in (panel.xaxis, panel.yaxis)} == {7}
        assert place >= 2 or panel.title.get_fontsize() == 10
        assert place < 4 or panel.xaxis.label.get_fontsize() == 8
        shown = [text.get_text() for text in panel.get_xticklabels() if text.get_visible()]
        amounts = [f"{amount:g}" for amount in (0, *DISTORTIONS[name].steps)]
        assert shown == (amounts if place >= 4 else shown)
        assert panel.xaxis.get_tick_params()["labelbottom"] == (place >= 4)


def test_the_command_says_what_failed(monkeypatch, capsys, toy_data, reference, tmp_path):
    """Exit code 1, the tables printed all the same; --json parses."""
    blind = made_up(specks=(0.1, 0.2, 0.3, 0.3))
    monkeypatch.setattr(ladder_module, "climb", lambda *arguments: blind)
    assert main(["ladder", "--data", "toy"]) == 1
    out, err = capsys.readouterr()
    assert "| Specks | – |" in out
    assert "Specks does not get worse at every step of specks" in err
    assert main(["ladder", "--data", "toy", "--json", "--plot", str(tmp_path / "a.png")]) == 1
    assert json.loads(capsys.readouterr().out)["images"] == 200
    assert (tmp_path / "a.png").is_file()
    assert main(["ladder", "--data", "toy", "--images", "99"]) == 2
    assert "at least 100 images, not 99" in capsys.readouterr().err


def test_a_new_metric_joins_by_itself(monkeypatch, toy_data, extractor, reference):
    """The ladder walks METRICS and SCORES."""
    def darkness(images, protocol):
        return {"darkness": ScoreRecord(255 - images.double().mean().item(), count=len(images))}

    monkeypatch.setattr(harness, "METRICS", (Metric(darkness, ("images",)),))
    monkeypatch.setitem(SCORES, "darkness", SCORES["specks"]._replace(title="Darkness"))
    found = climb(toy_data, extractor, reference, 120, seed=0)
    assert found.keys == ("darkness",)
    assert "Darkness" in ladder_views.values_table(found)


def test_the_table_in_the_docs_has_every_score_see_what_it_is_meant_to(root):
    page = (root / "docs/evaluation.md").read_text(encoding="utf-8")
    lines = page.split("<!-- ladder -->")[1].split("<!-- /ladder -->")[0].strip().splitlines()
    heading, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    assert heading == ["score", *DISTORTIONS]
    shown = {row[0]: dict(zip(heading, row, strict=True)) for row in rows}
    for name, distortion in DISTORTIONS.items():
        for key in distortion.seen_by:
            assert shown[SCORES[key].title][name] == ladder_views.SEES, (key, name)
    assert (root / "docs/ladder.png").is_file()
    assert "](ladder.png)" in page
