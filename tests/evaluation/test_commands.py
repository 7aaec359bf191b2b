"""The evaluation's commands in process, on toy data; the shipped numbers where they are."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time

import pytest

import duet
from duet.core.files import read_json, write_json
from duet.data import DATASETS, DataError
from duet.store import records
from duet.store.checkpoint import METRICS, save, shipped_names
from duet.store.config import DataRecord
from duet.store.metrics import MetricsRecord, Retraining, ScoreRecord
from duet.store.scores import SCORES
from evaluation import comparison, reconstruction, tables
from evaluation import reference as reference_module
from evaluation import stored as stored_module
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS
from evaluation.harness import Request, protocol_of
from evaluation.reference import open_reference
from evaluation.sets import SetId

TOY = SetId("toy", None)


@pytest.fixture
def measured(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "200"]) == 0
    capsys.readouterr()
    return folder


def stored(folder):
    return records.read(MetricsRecord, folder / METRICS).measurements


def test_measure_writes_prints_and_tells_progress_on_stderr(folder, reference, extractor, capsys):
    assert main(["measure", str(folder), "--samples", "200", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    (entry,) = stored(folder)
    own = {key for key, kind in SCORES.items() if kind.group in ("headline", "detail")}
    # Too few for these, and a GAN encodes nothing.
    assert own - set(entry.scores) == {
        "frechet_limit", "class_frechet_distance", *reconstruction.SCORES
    }
    assert entry.protocol == protocol_of(Request(200, 3), extractor, reference)
    assert entry.subject_sha256 == duet.load(folder).weights_sha256
    assert "tiny" in captured.out
    assert SCORES["frechet_distance"].text(entry.scores["frechet_distance"]) in captured.out
    assert "200, seed 3" in captured.out
    assert "img/s" in captured.err


def test_json_is_all_of_stdout_and_keyed_by_what_was_named(folder, reference, tmp_path, capsys):
    """Two folders of one name are two entries."""
    (tmp_path / "other").mkdir()
    twin = (tmp_path / "other" / "tiny")
    twin.symlink_to(folder)
    assert main(["measure", str(folder), str(twin), "--samples", "150", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert set(shown) == {str(folder), str(twin)}
    assert shown[str(folder)]["protocol"]["samples"] == 150


def test_a_second_measurement_is_the_same_bit_for_bit(measured, capsys):
    before = stored(measured)
    assert main(["measure", str(measured), "--samples", "200"]) == 0
    assert stored(measured) == before


def test_a_quick_measurement_stays_beside_the_published_one(measured, capsys):
    assert main(["measure", str(measured), "--samples", "100"]) == 0
    assert [m.protocol.samples for m in stored(measured)] == [200, 100]
    assert duet.load(measured).metrics.published("mnist").protocol.samples == 200
    assert main(["measure", str(measured), "--samples", "150", "--force"]) == 0
    assert [m.protocol.samples for m in stored(measured)] == [150]


@pytest.mark.parametrize("break_it", ["malformed", "read-only"])
def test_what_cannot_be_written_is_found_before_the_work(
    measured, capsys, monkeypatch, break_it
):
    if break_it == "malformed":
        (measured / METRICS).write_text("{")
    else:  # as root every folder may be written to: the system says no instead
        def refuse(*paths):
            raise PermissionError("read-only")
        monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr("evaluation.measuring.measure", lambda *_: pytest.fail("measured"))
    assert main(["measure", str(measured), "--samples", "200"]) == 2
    assert ("metrics.json" if break_it == "malformed" else "read-only") in capsys.readouterr().err


def test_a_measurement_that_cannot_be_stored_is_printed_all_the_same(
    measured, capsys, monkeypatch
):
    def full(*arguments):
        raise OSError("no space left on device")

    monkeypatch.setattr("evaluation.stored.records.write", full)
    assert main(["measure", str(measured), "--samples", "200"]) == 2
    captured = capsys.readouterr()
    assert "tiny" in captured.out
    assert "no space left" in captured.err


def test_verify_repeats_every_stored_protocol(measured, capsys):
    assert main(["measure", str(measured), "--samples", "150", "--seed", "2"]) == 0
    capsys.readouterr()
    assert main(["verify", str(measured)]) == 0
    assert capsys.readouterr().out.count("as stored") == 2
    assert main(["verify", str(measured), "--at-most", "160"]) == 0
    assert capsys.readouterr().out.count("as stored") == 1
    assert main(["verify", str(measured), "--at-most", "10"]) == 2


def test_verify_goes_on_after_what_it_cannot_measure(measured, toy_data, capsys):
    """An unknown extractor, in a checkpoint's record and in the real images'."""
    assert main(["reference", "--data", "toy"]) == 0
    for path in (measured / METRICS, stored_module.held_out_path(TOY)):
        whole = read_json(path)
        unknown = json.loads(json.dumps(whole["measurements"][0]))
        unknown["protocol"]["extractor"] = "nobodys"
        write_json(path, whole | {"measurements": [unknown, *whole["measurements"]]})
    capsys.readouterr()
    assert main(["verify", str(measured)]) == 1
    out, err = capsys.readouterr()
    assert out.count("it cannot be measured again: --extractor nobodys is unknown") == 2
    assert out.count("as stored") == 2
    assert "2 of 4 measurements are not as stored" in err


def test_two_measurements_that_end_at_once_are_both_kept(measured, measurement, monkeypatch):
    """Each waits for the other's writing before it reads."""
    (before,) = stored(measured)
    read, asked = records.read, []

    def slow(kind, path):
        found = read(kind, path)
        asked.append(path)
        time.sleep(0.1)
        return found

    monkeypatch.setattr(stored_module.records, "read", slow)
    news = [
        dataclasses.replace(before, protocol=dataclasses.replace(before.protocol, seed=seed))
        for seed in (8, 9)
    ]
    threads = [
        threading.Thread(target=stored_module.store, args=(measured / METRICS, new, False))
        for new in news
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 2
    assert {m.protocol.seed for m in stored(measured)} == {before.protocol.seed, 8, 9}
    assert not [path.name for path in measured.iterdir() if path.name.startswith(".")]


def numbers(value, path=()):
    """Every leaf of a JSON value: (path, value)."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, inner in pairs for leaf in numbers(inner, (*path, key))]
    return [(path, value)]


def test_verify_finds_every_change_of_what_is_stored(measured, capsys, monkeypatch):
    """Each leaf in turn is made a little untrue: a score by its tolerance and a tenth of it."""
    again = stored(measured)[0]
    monkeypatch.setattr("evaluation.verification.measure", lambda *_: again)
    whole = read_json(measured / METRICS)
    tried = 0
    for path, value in numbers(whole["measurements"][0]):
        if path[0] in ("device", "versions") or value is None:
            continue  # told, not claimed
        if path[0] == "scores":
            score = SCORES[path[1]]
            limit = {"value": score.tolerance, "spread": score.spread_tolerance}
            changed = value + (1.1 * limit[path[2]] if path[2] in limit else 1)
        elif isinstance(value, str):
            changed = "f" * 64 if len(value) == 64 else value + "x"
            if path == ("protocol", "extractor"):
                continue  # an unknown extractor is refused
        else:
            changed = value / 2 if path[-1] == "truncation" else value + 1
        other = json.loads(json.dumps(whole))
        place = other["measurements"][0]
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = changed
        write_json(measured / METRICS, other)
        code = main(["verify", str(measured)])
        assert code in (1, 2), (path, capsys.readouterr())
        tried += 1
    assert tried > 20


def test_a_number_within_a_class_is_compared_too(measurement):
    """A class that was too small then, and is not now, is named; so are other classes."""
    def by_class(*values):
        score = ScoreRecord(1.0, count=5, by_class=values)
        return measurement(scores={"class_frechet_distance": score}, class_images=5)

    stored = by_class(0.5, None, 1.5)
    assert comparison.differences(stored, by_class(0.5, None, 1.5)) == []
    (words,) = comparison.differences(stored, by_class(0.5, None, 1.6))
    assert words.startswith("FID by class of class 2: stored 1.5, measured 1.6")
    (words,) = comparison.differences(stored, by_class(0.5, 0.1, 1.5))
    assert words == "FID by class of class 1 is stored or measured, but not both"
    (words,) = comparison.differences(stored, by_class(0.5, None))
    assert words == "FID by class is of other classes"


@pytest.mark.parametrize("name", list(comparison.DECIDES))
def test_what_decides_a_stored_score_is_not_left_out(measurement, name):
    """Else it would pass for a measurement of an older schema."""
    key = comparison.DECIDES[name]
    told = dict.fromkeys(comparison.DECIDES, 5)
    new = measurement(scores={key: ScoreRecord(1.0)}, **told)
    assert comparison.differences(new, new) == []
    old = dataclasses.replace(new, protocol=dataclasses.replace(new.protocol, **{name: None}))
    assert comparison.differences(old, new) == [f"protocol, {name}: absent, but {key} is stored"]


def test_warnings_are_compared_where_there_were_such(measurement):
    new = measurement(repeats=10, warnings=("KID: small", "FID∞ is left out"))
    assert comparison.differences(dataclasses.replace(new, warnings=("KID: small",)), new) == [
        "warnings: stored KID: small, measured KID: small; FID∞ is left out"
    ]
    assert comparison.differences(measurement(), new) == []


def test_a_measurement_that_tells_less_takes_no_place(measured, capsys):
    """Without intervals, or without the scores of images that are not at hand; it is shown."""
    path, again = measured / METRICS, ["measure", str(measured), "--samples", "600"]
    assert main(again) == 0
    before = path.read_bytes()
    capsys.readouterr()
    assert main([*again, "--repeats", "0"]) == 2
    captured = capsys.readouterr()
    assert "tiny" in captured.out
    assert "keeps the measurement that is there" in captured.err
    assert "the interval of FID" in captured.err
    assert path.read_bytes() == before
    content = records.read(MetricsRecord, path)
    known = content.measurements[-1]
    more = dataclasses.replace(known, scores={**known.scores, "modes": ScoreRecord(9)})
    records.write(path, content.with_measurement(more))
    assert main(again) == 2
    assert "lacks Modes; --force replaces it" in capsys.readouterr().err
    assert main([*again, "--repeats", "0", "--force"]) == 0
    (kept,) = records.read(MetricsRecord, path).measurements
    assert kept.protocol.repeats == 0


def test_what_an_older_schema_did_not_know_is_no_difference(measurement):
    old = measurement()
    new = measurement(repeats=10, path_pairs=500)
    assert comparison.differences(old, new) == []
    found = comparison.differences(new, measurement(repeats=9, path_pairs=500))
    assert found == ["protocol, repeats: 10 and 9"]
    assert comparison.differences(new, old)  # what is stored has to come back


def test_reconstruction_is_verified_where_the_held_out_images_are_at_hand(
    tmp_path, tiny_vae, toy_data, reference, capsys, monkeypatch
):
    folder = tmp_path / "vae"
    folder.mkdir()
    save(folder, tiny_vae, name="vae", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    assert main(["measure", str(folder), "--samples", "120"]) == 0
    (before,) = stored(folder)
    assert set(reconstruction.SCORES) < set(before.scores)
    assert before.scores["reconstruction_psnr"].count == 120
    assert main(["verify", str(folder)]) == 0
    assert "not verified" not in capsys.readouterr().err

    def absent(*arguments):
        raise DataError("not at hand")

    toy = dataclasses.replace(DATASETS["toy"], load=absent)
    monkeypatch.setitem(DATASETS, "toy", toy)
    assert main(["verify", str(folder)]) == 0
    captured = capsys.readouterr()
    assert "the held-out images of toy are not at hand" in captured.err
    assert "as stored" in captured.out


def test_verify_refuses_scores_of_other_weights(measured, capsys):
    metrics = read_json(measured / METRICS)
    metrics["measurements"][0]["subject_sha256"] = "0" * 64
    write_json(measured / METRICS, metrics)
    assert main(["verify", str(measured)]) == 2
    assert "belong to other weights" in capsys.readouterr().err


def test_verify_names_a_changed_extractor_and_reference(measured, capsys):
    for keys in (("extractor_sha256",), ("reference", "sha256")):
        metrics = read_json(measured / METRICS)
        place = metrics["measurements"][0]["protocol"]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = "0" * 64
        write_json(measured / METRICS, metrics)
        assert main(["verify", str(measured)]) == 1
        assert f"{'.'.join(keys)}: {'0' * 64} and " in capsys.readouterr().out  # stored, then now


def test_differences_are_not_blind_to_nan(measurement):
    stored, nan = measurement(), float("nan")
    score = dataclasses.replace(stored.scores["recall"], value=nan)
    broken = dataclasses.replace(stored, scores=stored.scores | {"recall": score})
    assert comparison.differences(stored, stored) == []
    assert "Recall" in comparison.differences(broken, stored)[0]


def test_reference_of_other_weights_is_refused(reference, extractor):
    other = dataclasses.replace(extractor, weights_sha256="0" * 64)
    with pytest.raises(EvaluationError, match="made with other weights"):
        open_reference(TOY, other)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name at least one checkpoint"),
        (["nope"], "no checkpoint at 'nope'"),
        (["FOLDER", "--samples", "50"], "--samples must be at least 100"),
        (["FOLDER", "--truncation", "2"], "--truncation must be a number in 0..1"),
        (["FOLDER", "--seed", "-1"], "--seed must be a whole number in"),
        (["FOLDER", "--extractor", "nope"], "--extractor nope is unknown"),
        (["FOLDER", "--device", "abacus"], "error: device abacus is not usable"),
        (["FOLDER", "--samples", "200"], "there is no reference of toy"),
    ],
)
def test_what_cannot_be_measured_is_named(folder, capsys, arguments, said):
    arguments = [str(folder) if a == "FOLDER" else a for a in arguments]
    assert main(["measure", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert not (folder / "metrics.json").exists()


def test_a_flag_has_no_opposite(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["measure", "--help"])
    shown = capsys.readouterr().out
    assert "--force" in shown
    assert "--no-force" not in shown


def test_an_extractor_of_another_shape_is_refused_before_the_work(
    measured, capsys, monkeypatch
):
    other = dataclasses.replace(
        EXTRACTORS["mnist"], registered_name="duet-other", image_shape=(3, 32, 32)
    )
    monkeypatch.setitem(EXTRACTORS, "mnist", other)
    monkeypatch.setattr("evaluation.measuring.measure", lambda *_: pytest.fail("measured"))
    assert main(["measure", str(measured), "--samples", "200"]) == 2
    assert "takes images of (3, 32, 32), tiny draws (1, 28, 28)" in capsys.readouterr().err


def test_reference_command_takes_the_right_splits(toy_data, reference, capsys):
    assert main(["reference", "--data", "toy"]) == 0
    (floor,) = stored_module.held_out(TOY).measurements
    about = floor.protocol.reference
    assert (about.split, about.images, about.features) == ("train", 300, 300)
    assert about.images_sha256 == toy_data.sha256
    test = duet.data.load("toy", "test")
    assert floor.subject_sha256 == test.sha256 != toy_data.sha256
    assert floor.protocol.samples == 200
    assert floor.scores["frechet_distance"].value > 0


def test_verify_measures_the_floor_too(measured, toy_data, capsys, monkeypatch):
    main(["reference", "--data", "toy"])
    main(["measure", str(measured), "--samples", "200"])
    capsys.readouterr()
    assert main(["verify", str(measured)]) == 0
    assert "toy, real held-out images (mnist, 200 samples): as stored" in capsys.readouterr().out
    content = read_json(stored_module.held_out_path(TOY))
    content["measurements"][0]["scores"]["recall"]["value"] += 0.006
    write_json(stored_module.held_out_path(TOY), content)
    assert main(["verify", str(measured)]) == 1
    assert "Recall" in capsys.readouterr().out

    def absent(*arguments, **named):
        raise duet.data.DataError("not here")

    monkeypatch.setattr("duet.data.load", absent)
    assert main(["verify", str(measured)]) == 0
    assert "not verified (not here)" in capsys.readouterr().err


def test_the_table_is_framed(measured, toy_data, reference, capsys):
    main(["reference", "--data", "toy"])
    main(["measure", str(measured), "--samples", "200"])
    checkpoint = duet.load(measured)
    entry = stored_module.published(checkpoint, "mnist")
    rows = tables.rows([(checkpoint, entry)], TOY)
    assert [row.name for row in rows] == ["real held-out images", "tiny"]
    lines = tables.markdown_table(rows).splitlines()
    assert lines[0].startswith("| model | FID ↓ |")
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rng_seed": 1}, "rng_seed: 2020 and 1"), ({"samples": 2000}, "samples: 50000 and 2000"),
        ({"seed": 1}, "seed: 0 and 1"), ({"truncation": 0.5}, "truncation: 1.0 and 0.5"),
        ({"inception_score_splits": 1}, "inception_score_splits: 10 and 1"),
    ],
)
def test_rows_that_do_not_compare_are_refused(measured, reference, measurement, change, said):
    checkpoint = duet.load(measured)
    with pytest.raises(EvaluationError, match=rf"cannot stand in one table \({said}"):
        tables.rows([(checkpoint, measurement()), (checkpoint, measurement(**change))], TOY)


def test_real_images_may_be_fewer_but_not_measured_otherwise(
    measured, reference, measurement, monkeypatch
):
    entry = [(duet.load(measured), measurement())]
    few = measurement(samples=10_000, inception_score_splits=2, manifold_images=9000)
    monkeypatch.setattr(tables, "held_out", lambda _: MetricsRecord((few,)))
    assert [row.name for row in tables.rows(entry, TOY)] == ["real held-out images", "tiny"]
    other = measurement(samples=10_000, neighborhood=5)
    monkeypatch.setattr(tables, "held_out", lambda _: MetricsRecord((other,)))
    with pytest.raises(EvaluationError, match="neighborhood: 5 and 3"):
        tables.rows(entry, TOY)


def test_numbers_are_shown_without_a_floor_that_does_not_compare(
    measured, measurement, monkeypatch, capsys
):
    other = measurement(samples=10_000, neighborhood=5)
    monkeypatch.setattr(tables, "held_out", lambda _: MetricsRecord((other,)))
    assert main(["measure", str(measured), "--samples", "200"]) == 0
    shown, said = capsys.readouterr()
    headlines = shown.split("\n\n")[0]
    assert [line.split()[0] for line in headlines.splitlines()] == ["model", "tiny"]
    assert "without the real images: real held-out images and tiny cannot stand" in said


def test_the_terminal_shows_details_and_intervals_below(measured, measurement):
    scores = {
        "frechet_distance": ScoreRecord(0.5, interval=(0.4, 0.6)), "recall": ScoreRecord(0.7),
        "patch_distance": ScoreRecord(3.0), "density": ScoreRecord(0.9, interval=(0.8, 1.0)),
    }
    tiny = duet.load(measured)
    bare = dataclasses.replace(tiny, name="bare")
    table = tables.model_rows([(tiny, measurement(scores=scores)), (bare, measurement(scores={}))])
    above, below = (part.splitlines() for part in tables.terminal_table(table).split("\n\n"))
    assert [line.split()[0] for line in above] == ["model", "tiny", "bare"]
    assert "Density" not in above[0]
    assert [line.split() for line in below] == [
        ["tiny", "bare"], ["FID", "↓", "0.500", "(0.400", "to", "0.600)", "–"],
        ["Density", "↑", "0.900", "(0.800", "to", "1.000)", "–"],
        ["SWD", "↓", "(10⁻³)", "3.000", "–"],
    ]


def test_the_spread_over_training_seeds_stands_beside_a_score(measured, measurement):
    """Of as many samples in the same space; a legend says what it is."""
    entry = measurement(scores={"frechet_distance": ScoreRecord(0.5, interval=(0.4, 0.6))})
    spread = Retraining("mnist", 50_000, ("0" * 64, "1" * 64), {"frechet_distance": 0.0312})
    tiny = duet.load(measured)
    retrained = dataclasses.replace(tiny, metrics=MetricsRecord((entry,), (spread,)))
    table = tables.model_rows([(retrained, entry)])
    above, below, legend = tables.terminal_table(table).split("\n\n")
    assert "0.500 ± 0.031" in above
    assert "0.500 ± 0.031 (0.400 to 0.600)" in below
    assert legend == tables.SPREAD_LEGEND
    lines, legend = tables.markdown_table(table).split("\n\n")
    assert "| tiny | 0.500 ± 0.031 | – |" in lines
    assert legend == tables.SPREAD_LEGEND
    few = dataclasses.replace(entry, protocol=measurement(samples=9000).protocol)
    assert "±" not in tables.terminal_table(tables.model_rows([(retrained, few)]))


def test_several_data_sets_are_several_tables(measured, reference, measurement, monkeypatch):
    tiny = duet.load(measured)
    tiny = dataclasses.replace(
        tiny, metrics=MetricsRecord((measurement(subject_sha256=tiny.weights_sha256),))
    )
    other = dataclasses.replace(tiny, made_from=DataRecord("mnist", "MNIST", tiny.class_names))
    one = tables.markdown_tables([tiny], "auto")
    two = tables.markdown_tables([tiny, other], "auto")
    assert two.count("| tiny |") == 2
    assert two.startswith(f"**Toy**\n\n{one}\n\n**MNIST**\n\n")


def test_the_baseline_closes_the_table(measured, reference, measurement):
    good = measurement(scores={"frechet_distance": ScoreRecord(0.1)})
    tiny = duet.load(measured)
    model = duet.load("mnist-dcgan").model
    baseline = dataclasses.replace(tiny, model=model, name="baseline")
    rows = tables.rows([(baseline, good), (tiny, measurement())], TOY)
    assert [row.name for row in rows] == ["tiny", "baseline"]


def test_a_row_without_a_distance_comes_last(measured, reference, measurement):
    tiny = duet.load(measured)
    bare = dataclasses.replace(tiny, name="bare")
    rows = tables.rows([(bare, measurement(scores={})), (tiny, measurement())], TOY)
    assert [row.name for row in rows] == ["tiny", "bare"]
    assert "| bare | – | –" in tables.markdown_table(rows)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--extractor", "foo"], "was not measured in foo's space"),
        (["--readme", "/nonexistent/README.md"], "/nonexistent/README.md"),
    ],
)
def test_tables_that_cannot_be_made_are_named(capsys, arguments, said):
    assert main(["table", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.startswith("error: ")


def test_a_terminal_that_is_not_utf8_and_a_reader_that_goes(root):
    """`table --check` prints arrows: in ASCII they are escaped; `| head` ends it in silence."""
    command = [sys.executable, "-m", "evaluation", "table", "--check"]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"FID \\u2193" in done.stdout
    read, write = os.pipe()
    os.close(read)
    gone = subprocess.run(command, cwd=root, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (gone.returncode, gone.stderr) == (141, b"")


def test_readme_table_is_replaced_and_checked(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{tables.BEGIN}\nold\n{tables.END}\nafter\n")
    with pytest.raises(EvaluationError, match="differs from the stored numbers"):
        tables.replace_table(readme, "| new |", check=True)
    assert "old" in readme.read_text()
    tables.replace_table(readme, "| new |", check=False)
    assert readme.read_text() == f"before\n{tables.BEGIN}\n| new |\n{tables.END}\nafter\n"
    tables.replace_table(readme, "| new |", check=True)
    readme.write_text("no marks")
    with pytest.raises(EvaluationError, match="must hold the marks"):
        tables.replace_table(readme, "| new |", check=False)


@pytest.fixture(scope="module")
def published():
    """What tables show of each shipped checkpoint."""
    records = [duet.load(name).metrics for name in shipped_names()]
    return [record.published(space) for record in records for space in record.extractors()]


@pytest.mark.parametrize("key", SCORES)
def test_a_tolerance_is_less_than_drawing_again_moves_a_score(published, key):
    """Than half the width of the narrowest interval of a shipped model: so no other model passes
    for the one that was measured, unless nobody could tell them apart."""
    assert SCORES[key].tolerance >= 0
    assert SCORES[key].spread_tolerance <= SCORES[key].tolerance
    scores = [measured.scores[key] for measured in published if key in measured.scores]
    for low, high in (score.interval for score in scores if score.interval):
        assert SCORES[key].tolerance < (high - low) / 2


def test_the_shipped_reference_is_what_the_code_would_make(extractor):
    checkpoint = duet.load("mnist-gan")
    about = open_reference(SetId.of(checkpoint), extractor).about
    assert (about.rule, about.seed, about.features) == (
        reference_module.RULE, reference_module.SEED, reference_module.STORED_FEATURES
    ) == ("stratified-by-class-smallest-keyed-hash", 0, 10_000)
    assert (about.split, about.images) == ("train", 60_000)
    assert about.images_sha256 == checkpoint.made_from.images_sha256
