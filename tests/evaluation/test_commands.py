"""The evaluation's commands in process, on toy data; the shipped numbers where they are."""

import json

import pytest

import duet
from duet.core.files import read_json, write_json
from evaluation import report
from evaluation.__main__ import main
from evaluation.metrics import SCORES
from evaluation.reference import open_reference


@pytest.fixture
def measured(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "200"]) == 0
    capsys.readouterr()
    return folder


def test_measure_writes_prints_and_tells_progress_on_stderr(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "200", "--seed", "3"]) == 0
    captured = capsys.readouterr()
    entry = read_json(folder / "metrics.json")["extractors"]["mnist"]
    assert set(SCORES) <= set(entry["scores"])
    assert entry["protocol"] == {
        "samples": 200, "seed": 3, "truncation": 1.0, "extractor": "mnist",
    }
    assert entry["weights_sha256"] == duet.load(folder).weights_sha256
    assert entry["reference"]["sha256"] == reference.sha256
    assert "tiny" in captured.out
    assert f"{entry['scores']['frechet_distance']:.3f}" in captured.out
    assert "img/s" in captured.err


def test_json_is_all_of_stdout(folder, reference, capsys):
    assert main(["measure", str(folder), "--samples", "150", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tiny"]["protocol"]["samples"] == 150


def test_a_second_measurement_is_the_same_bit_for_bit(measured, capsys):
    before = read_json(measured / "metrics.json")["extractors"]["mnist"]["scores"]
    assert main(["measure", str(measured), "--samples", "200"]) == 0
    assert read_json(measured / "metrics.json")["extractors"]["mnist"]["scores"] == before


def test_verify_repeats_the_stored_protocol(measured, capsys):
    assert main(["verify", str(measured)]) == 0
    assert "as stored" in capsys.readouterr().out


@pytest.mark.parametrize("key", SCORES)
def test_verify_finds_a_number_that_is_not_true(measured, capsys, key):
    metrics = read_json(measured / "metrics.json")
    metrics["extractors"]["mnist"]["scores"][key] += 0.02
    write_json(measured / "metrics.json", metrics)
    assert main(["verify", str(measured)]) == 1
    captured = capsys.readouterr()
    assert SCORES[key].title in captured.out
    assert "1 of 1 measurements differ" in captured.err


def test_verify_refuses_scores_of_other_weights(measured, capsys):
    metrics = read_json(measured / "metrics.json")
    metrics["extractors"]["mnist"]["weights_sha256"] = "0" * 64
    write_json(measured / "metrics.json", metrics)
    assert main(["verify", str(measured)]) == 2
    assert "belong to other weights" in capsys.readouterr().err


def test_verify_names_a_changed_reference(measured, capsys):
    metrics = read_json(measured / "metrics.json")
    metrics["extractors"]["mnist"]["reference"]["sha256"] = "0" * 64
    write_json(measured / "metrics.json", metrics)
    assert main(["verify", str(measured)]) == 1
    assert "the reference is another file" in capsys.readouterr().out


def test_reference_of_other_weights_is_refused(reference, extractor):
    import dataclasses

    from evaluation.errors import EvaluationError

    other = dataclasses.replace(extractor, weights_sha256="0" * 64)
    with pytest.raises(EvaluationError, match="made with other weights"):
        open_reference("toy", other)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name at least one checkpoint"),
        (["nope"], "no checkpoint at 'nope'"),
        (["FOLDER", "--samples", "50"], "--samples must be at least 100"),
        (["FOLDER", "--truncation", "2"], "--truncation must lie in 0..1"),
        (["FOLDER", "--seed", "-1"], "--seed must lie in"),
        (["FOLDER", "--extractor", "nope"], "--extractor nope is unknown"),
        (["FOLDER", "--device", "abacus"], "--device abacus is not usable"),
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


def test_reference_command_makes_the_floor(toy_data, reference, capsys):
    assert main(["reference", "--data", "toy"]) == 0
    floor = read_json(report.held_out_path("toy"))["extractors"]["mnist"]
    # The toy's splits are the same images, so the floor is zero.
    assert floor["scores"]["frechet_distance"] == pytest.approx(0, abs=1e-4)
    assert floor["scores"]["precision"] == 1


def test_the_table_is_framed(measured, toy_data, reference, capsys):
    main(["reference", "--data", "toy"])
    checkpoint = duet.load(measured)
    entry = report.stored(checkpoint)["mnist"]
    rows = report.rows("toy", "mnist", [(checkpoint, entry)])
    assert [row.name for row in rows] == ["real held-out images", "tiny"]
    lines = report.markdown_table(rows).splitlines()
    assert lines[0].startswith("| model | FID ↓ |")
    assert len({line.count("|") for line in lines}) == 1


def test_readme_table_is_replaced_and_checked(tmp_path):
    from evaluation.errors import EvaluationError

    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    with pytest.raises(EvaluationError, match="differs from the stored numbers"):
        report.replace_table(readme, "| new |", check=True)
    assert "old" in readme.read_text()
    report.replace_table(readme, "| new |", check=False)
    assert readme.read_text() == f"before\n{report.BEGIN}\n| new |\n{report.END}\nafter\n"
    report.replace_table(readme, "| new |", check=True)
    readme.write_text("no marks")
    with pytest.raises(EvaluationError, match="must hold the marks"):
        report.replace_table(readme, "| new |", check=False)
