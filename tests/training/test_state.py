"""What --resume finds: damaged states, logs and records are refused in words, and left alone."""

import json

import pytest
import torch

from duet.core.errors import DuetError
from duet.core.files import read_json, write_json
from duet.core.tensors import load_tensors, save_tensors
from training.config import TrainingError
from training.driver import train_step
from training.state import StateRecord, _warn_of_others

STATE, LOG, RUN = "state.safetensors", "log.jsonl", "run.json"
WEIGHT, MOMENT = "network.model.generator.seed.weight", "optimizer.discriminator.0.exp_avg"
ROW = {"step": 1, "seconds": 0.5, "discriminator": 1.0, "r1": 0.0, "r2": 0.0, "generator": 1.0}


def contents(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def check_refused(run, folder, said, **settings):
    """--resume says so, and not a byte of the folder changes."""
    before = contents(folder)
    with pytest.raises(DuetError, match=said):
        run("gan", folder.name, steps=4, resume=True, **settings)
    assert contents(folder) == before


def rewrite(folder, change=None, about=None):
    """Save the state again with other tensors or another record."""
    tensors, texts = load_tensors(folder / STATE)
    if about is not None:
        texts["duet"] = json.dumps(json.loads(texts["duet"]) | about)
    save_tensors(folder / STATE, tensors if change is None else change(tensors), texts)


def without(part):
    return lambda tensors: {key: value for key, value in tensors.items() if part not in key}


def with_value(key, value):
    return lambda tensors: tensors | {key: value(tensors[key])}


def one_nan(tensor):
    tensor = tensor.clone()
    tensor.view(-1)[1] = float("nan")
    return tensor


def test_a_state_from_before_a_setting_existed_goes_on(finished, run):
    """What it does not know, or left to the recipe, is what the recipe did then."""
    recipe = json.loads(load_tensors(finished / STATE)[1]["duet"])["recipe"]
    assert recipe.pop("image_size") == 28
    rewrite(finished, about={"recipe": recipe | {"stages": None}})
    began = read_json(finished / RUN)
    assert began.pop("data")["images_sha256"]
    write_json(finished / RUN, began)
    run("gan", finished.name, steps=3, resume=True)
    assert json.loads(load_tensors(finished / STATE)[1]["duet"])["recipe"]["stages"] == 2


def test_weights_that_break_in_the_step_before_a_save_are_not_saved(run, tmp_path, monkeypatch):
    """The loss of that step was still finite."""
    def breaking(objective, step, *given, **named):
        losses = train_step(objective, step, *given, **named)
        if step == 1:
            next(objective.discriminator.parameters()).data.fill_(float("nan"))
        return losses

    monkeypatch.setattr("training.loop.train_step", breaking)
    with pytest.raises(TrainingError, match=r"no longer finite at step 2: \['network\.discr"):
        run("gan", "a", steps=2, save_every=1)
    assert json.loads(load_tensors(tmp_path / "a" / STATE)[1]["duet"])["step"] == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("optimizer.discriminator"), r"does not fit its recipe: .*optimizer\.discr"),
        (without("exp_avg_sq"), "does not fit its recipe"),
        (without("network.discriminator"), r"does not fit.*network\.discriminator"),
        (without("network.average"), r"does not fit.*network\.average"),
        (with_value(MOMENT, lambda x: x[:-1]), f"does not fit.*1 tensors .*{MOMENT}"),
        (with_value(MOMENT, lambda x: x.double()), "does not fit"),
        (lambda tensors: tensors | {"network.more": torch.zeros(1)}, r"1 tensors .*network\.more"),
        (lambda tensors: tensors | {"optimizer.generator.x.y.z": torch.zeros(1)}, "1 tensors"),
        (lambda tensors: tensors | {"stranger": torch.zeros(1)}, "1 tensors .*stranger"),
        (with_value(WEIGHT, lambda x: x * float("nan")), f"damaged: not finite.*{WEIGHT}"),
        (with_value(WEIGHT, one_nan), f"damaged: not finite.*{WEIGHT}"),
        (with_value(MOMENT, lambda x: x + float("inf")), f"damaged: not finite.*{MOMENT}"),
        (with_value("optimizer.generator.3.step", lambda x: x + 1), r"another step.*3\.step"),
        (lambda tensors: {}, "does not fit its recipe"),
    ],
)
def test_a_state_of_other_tensors_is_refused(run, finished, change, said):
    rewrite(finished, change)
    check_refused(run, finished, f"--resume: .*{STATE}.*{said}")


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"step": -1}, "step"),
        ({"step": 10**30}, "64 bits"),
        ({"step": 2.5}, "step"),
        ({"step": "2"}, "step"),
        ({"seconds": -1.0}, "seconds"),
        ({"seconds": 1e300}, "seconds"),
        ({"seconds": 130 * 366 * 24 * 3600.0}, "seconds"),  # more than a century
        ({"seconds": float("inf")}, "not finite"),
        ({"threads": "many"}, "threads"),
        ({"recipe": []}, "recipe"),
        ({"recipe": {"batch_size": [8]}}, "recipe"),
        ({"more": 1}, "more"),
    ],
)
def test_a_state_that_tells_something_absurd_is_refused(run, finished, about, said):
    rewrite(finished, about=about)
    check_refused(run, finished, f"holds no training state .*{said}")


def test_a_state_that_tells_another_step_than_its_moments_is_refused(run, finished):
    rewrite(finished, about={"step": 1})
    check_refused(run, finished, "of another step")
    rewrite(finished, about={"step": 0})
    check_refused(run, finished, r"does not fit its recipe: .*optimizer")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"", lambda content: b"\x80\x04 no tensors", lambda content: content[:-1],
        lambda content: content[:100], lambda content: content + b"\0",
        lambda content: content.replace(b'"F32"', b'"F64"', 1),
        lambda content: b"\xff" * 8 + content[8:],
    ],
)
def test_a_truncated_or_lying_file_is_refused(run, finished, damage):
    (finished / STATE).write_bytes(damage((finished / STATE).read_bytes()))
    check_refused(run, finished, "holds no training state")


@pytest.mark.parametrize(
    "texts", [None, {"other": "{}"}, {"duet": "{"}, {"duet": "[]"}, {"duet": 5}]
)
def test_a_state_without_its_record_is_refused(run, finished, texts):
    save_tensors(finished / STATE, load_tensors(finished / STATE)[0], texts)
    check_refused(run, finished, "holds no training state")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"\x80\xff", "not JSON in UTF-8"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[1, 2]", "no JSON object"),
        (json.dumps(ROW | {"step": -1}).encode(), "step"),
        (json.dumps(ROW | {"step": "1"}).encode(), "step"),
        (json.dumps(ROW | {"seconds": None}).encode(), "seconds"),
        (json.dumps(ROW | {"r1": float("nan")}).encode(), "not finite"),
        (json.dumps(ROW | {"r1": "0"}).encode(), "r1"),
        (b'{"step": 1, "step": 2}', "stands there twice"),
        (b'{"step": 1, "seconds": 1}', "losses"),
        (b'{"seconds": 1, "r1": 1}', "step"),
        (b"[" * 10_000, "levels deep|not JSON"),
    ],
)
def test_a_damaged_log_is_refused(run, finished, line, said):
    (finished / LOG).write_bytes(line + b"\n" + (finished / LOG).read_bytes())
    check_refused(run, finished, rf"log\.jsonl, line 1: .*({said}).*take this line and those after")


@pytest.mark.parametrize(
    ("row", "said"),
    [(ROW | {"step": 2}, "step 2 comes after step 2"), (ROW | {"step": 3, "more": 1.0}, "more")],
)
def test_rows_that_do_not_follow_are_refused(run, finished, row, said):
    with (finished / LOG).open("a") as file:
        file.write(json.dumps(row) + "\n")
    check_refused(run, finished, rf"log\.jsonl, line 2: .*{said}")


def test_a_log_that_is_no_file_is_refused(run, finished):
    (finished / LOG).unlink()
    (finished / LOG).mkdir()
    check_refused(run, finished, r"log\.jsonl cannot be read")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda record: record | {"schema": 2}, "schema"),
        (lambda record: record | {"threads": None}, "threads"),
        (lambda record: record | {"more": 1}, "more"),
        (lambda record: {key: record[key] for key in record if key != "recipe"}, "recipe"),
        (lambda record: record | {"recipe": "vae"}, "by the recipe vae, not gan"),
        (lambda record: record["settings"] | {"command": "x", "git_commit": None}, "take it out"),
        (lambda record: [record], "expected a JSON object"),
    ],
)
def test_a_run_json_of_another_form_is_refused(run, finished, damage, said):
    write_json(finished / RUN, damage(read_json(finished / RUN)))
    check_refused(run, finished, said)


def test_a_run_without_log_and_run_json_goes_on(run, finished):
    """As its words of a damaged one advise."""
    (finished / LOG).unlink()
    (finished / RUN).unlink()
    run("gan", "run", steps=4, resume=True)
    assert read_json(finished / RUN)["settings"]["steps"] == 4
    assert [json.loads(row)["step"] for row in (finished / LOG).read_text().splitlines()] == [4]


def test_run_json_tells_what_is_being_run(finished):
    record = read_json(finished / RUN)
    assert (record["schema"], record["recipe"], record["command"]) == (1, "gan", "the command")
    assert (record["settings"]["steps"], record["settings"]["width"]) == (2, 4)
    assert record["threads"] == torch.get_num_threads()
    assert {"python", "torch"} <= set(record["versions"])


def test_another_number_of_threads_is_said(run, finished, capsys):
    threads = torch.get_num_threads()
    run("gan", "run", steps=3, resume=True)
    assert "threads" not in capsys.readouterr().err
    rewrite(finished, about={"threads": threads + 1})
    run("gan", "run", steps=4, resume=True)
    said = capsys.readouterr().err
    assert f"warning: computed with {threads + 1} threads until now, {threads} from here" in said
    assert f"OMP_NUM_THREADS={threads + 1}" in said


def test_threads_of_another_device_do_not_matter(capsys):
    record = StateRecord({}, step=1, seconds=1.0, threads=99)
    _warn_of_others(record, torch.nn.Linear(1, 1, device="meta"))
    assert capsys.readouterr().err == ""
    _warn_of_others(record, torch.nn.Linear(1, 1))
    assert "99 threads" in capsys.readouterr().err


def test_state_and_record_tell_the_threads(run, monkeypatch):
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    folder = run("gan", "a", steps=1)
    assert json.loads(load_tensors(folder / STATE)[1]["duet"])["threads"] == 3
    for record in (RUN, "checkpoint/training.json"):
        assert read_json(folder / record)["threads"] == 3


def test_a_state_of_before_threads_were_recorded_goes_on(run, finished, capsys):
    tensors, texts = load_tensors(finished / STATE)
    about = json.loads(texts["duet"])
    del about["threads"]
    save_tensors(finished / STATE, tensors, {"duet": json.dumps(about)})
    run("gan", "run", steps=3, resume=True)
    assert "warning" not in capsys.readouterr().err


def test_earlier_sittings_count(run, finished):
    rewrite(finished, about={"seconds": 1000.0})
    run("gan", "run", steps=4, resume=True)
    assert json.loads(load_tensors(finished / STATE)[1]["duet"])["seconds"] > 1000
    assert json.loads((finished / LOG).read_text().splitlines()[-1])["seconds"] > 1000
    assert read_json(finished / "checkpoint" / "training.json")["seconds"] > 1000


def test_a_state_before_the_first_step_goes_on(run, tmp_path, monkeypatch):
    """It has no moments yet."""
    with monkeypatch.context() as patched:
        patched.setattr("training.loop.train_step", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run("gan", "a", steps=2)
    again, unbroken = run("gan", "a", steps=2, resume=True), run("gan", "b", steps=2)
    weights = "checkpoint/model.safetensors"
    assert (again / weights).read_bytes() == (unbroken / weights).read_bytes()
