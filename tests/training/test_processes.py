"""Several processes: two make the steps of one, one writes, a lost one ends the job in words."""

import json
import signal
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import duet
from duet.core import ranks
from duet.core.errors import DuetError
from duet.core.ranks import LostProcessError
from duet.core.tensors import load_tensors
from duet.store.run import read_log
from training import processes
from training.__main__ import main
from training.precision import pick_precision
from training.processes import AGREE_EVERY_STEPS, check_launch
from training.randomness import weights_seed
from training.recipes import RECIPES

WORKER = Path(__file__).with_name("worker.py")
COMMON = {"data": "toy", "batch_size": 8, "device": "cpu", "precision": "float32", "save_every": 9}
SIZES = {"gan": {"width": 4, "augment": "none"}, "vae": {"width": 4, "latent_dim": 6}, "dcgan": {}}


def started(warm, arguments, count, **environment):
    """The processes of a job, as torchrun starts them, which alone takes seconds."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = environment | {
        "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    return [
        warm(arguments, common | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(count)
    ]


def ended(job):
    """(exit code, stdout, stderr) of each."""
    told = [process.communicate(timeout=200) for process in job]
    return [(process.returncode, *texts) for process, texts in zip(job, told, strict=True)]


def jobs(folder, steps, resume=False):
    return [
        [recipe, COMMON | SIZES[recipe] | {
            "steps": steps, "out": str(folder / recipe), "resume": resume}]
        for recipe in RECIPES
    ]


@pytest.fixture(scope="module")
def trained(tmp_path_factory, warm):
    """Folders of the same runs by one process, and by two, to step 4 and to step 6."""
    folder = tmp_path_factory.mktemp("processes")

    def work(name, steps, count, resume=False):
        told = ended(started(warm, [WORKER, json.dumps(jobs(folder / name, steps, resume))], count))
        assert [code for code, *_ in told] == [0] * count, told
        return told

    alone = work("one", 4, 1)
    both = work("two", 4, 2)
    one, two = folder / "one", folder / "two"
    return SimpleNamespace(one=one, two=two, alone=alone, both=both, work=work)


def endless(warm, data, folder):
    """A job of two that is past its first saves."""
    flags = ["-m", "training", "gan", "--device", "cpu", "--batch-size", "8", "--width", "4",
             "--save-every", "5", "--steps", "100000", "--out", folder]
    job = started(warm, flags, 2, DUET_DATA=str(data))
    log, deadline = folder / "log.jsonl", time.monotonic() + 150
    while not (log.exists() and log.read_text().count("\n") > 1):
        assert job[0].poll() is None, ended(job)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return job


def weights(folder):
    tensors, _ = load_tensors(folder / "state.safetensors")
    return {
        key.removeprefix("network."): value for key, value in tensors.items()
        if key.startswith("network.") and value.is_floating_point()
    }


def check_same_run(recipe, one, two):
    """Weights lie apart by no more than a hundredth of the way that they have moved."""
    torch.manual_seed(weights_seed(0))
    config = RECIPES[recipe].config(**COMMON | SIZES[recipe])
    begin = RECIPES[recipe].objective(config, (1, 16, 16), 5).state_dict()
    first, second = weights(one), weights(two)
    flat = [torch.cat([side[key].flatten() for key in first]) for side in (begin, first, second)]
    moved, apart = (flat[1] - flat[0]).norm(), (flat[2] - flat[1]).norm()
    assert moved > 0
    assert apart < 0.01 * moved
    for a, b in zip(*(read_log(folder / "log.jsonl") for folder in (one, two)), strict=True):
        assert a.step == b.step
        assert b.losses == pytest.approx(a.losses, rel=1e-3, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_make_the_steps_of_one(trained, recipe):
    """Of the same batch: images, noise, variances of the whole, batch normalisation."""
    check_same_run(recipe, trained.one / recipe, trained.two / recipe)
    loaded = duet.load(trained.two / recipe / "checkpoint")
    assert loaded.training.images_seen == 4 * 8
    assert loaded.training.hardware.startswith("2 processes, each CPU, 1 of")


@pytest.mark.slow
def test_only_the_main_process_speaks_and_writes(trained):
    (_, shown, _), (_, silent, nothing) = trained.both
    assert shown.splitlines() == [str(trained.two / name / "checkpoint") for name in RECIPES]
    assert (silent, nothing) == ("", "")
    for recipe in RECIPES:
        found = [{path.name for path in side.iterdir()}
                 for side in (trained.one / recipe, trained.two / recipe)]
        assert found[0] == found[1]


@pytest.mark.slow
def test_a_run_goes_on_with_another_number_of_processes(trained):
    """From two to one, and from one to two."""
    told = trained.work("two", 6, 1, resume=True)
    assert "computed by 2 processes until now, by 1 from here" in told[0][2]
    trained.work("one", 6, 2, resume=True)
    for recipe in RECIPES:
        check_same_run(recipe, trained.one / recipe, trained.two / recipe)


@pytest.mark.slow
@pytest.mark.parametrize("lost", [0, 1])
def test_a_killed_process_ends_the_job_in_words(warm, fake_mnist, tmp_path, lost):
    """And leaves a state to go on from."""
    job = endless(warm, fake_mnist, tmp_path / "run")
    job[lost].send_signal(signal.SIGKILL)
    code, shown, said = ended(job)[1 - lost]
    assert (code, shown) == (2, "")
    assert "error: another process of this program has ended or does not answer (" in said
    assert "; the last state saved is kept, go on from it" in said
    assert "Traceback" not in said
    _, texts = load_tensors(tmp_path / "run" / "state.safetensors")
    assert json.loads(texts["duet"])["step"] >= 5


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_one_stops_all(warm, fake_mnist, tmp_path, number):
    job = endless(warm, fake_mnist, tmp_path / "run")
    job[1].send_signal(number)
    told = ended(job)
    assert [code for code, *_ in told] == [128 + signal.SIGTERM, 128 + number]
    assert "all saved in" in told[0][2]
    _, texts = load_tensors(tmp_path / "run" / "state.safetensors")
    assert json.loads(texts["duet"])["step"] % AGREE_EVERY_STEPS == 0


@pytest.mark.parametrize(
    ("environment", "settings", "said"),
    [
        ({"ACCELERATE_MIXED_PRECISION": "fp16"}, {}, "--mixed_precision fp16: .*pass bf16 or no"),
        ({"ACCELERATE_USE_CPU": "True", "MASTER_PORT": "29500"}, {}, "starts a single process"),
        ({"WORLD_SIZE": "0"}, {}, "WORLD_SIZE is '0', no number of processes"),
        ({"WORLD_SIZE": "two"}, {}, "WORLD_SIZE is 'two', no number of processes"),
        ({"WORLD_SIZE": "2"}, {"device": "cuda:1"}, "--device cuda:1: .*pass --device cuda"),
    ],
)
def test_what_a_launcher_cannot_have_is_refused(
    monkeypatch, capsys, tmp_path, environment, settings, said
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = RECIPES["gan"].config(**settings, out=tmp_path / "run")
    with pytest.raises(DuetError, match=said):
        check_launch(config)
    flags = [f"--{name}={value}" for name, value in settings.items()]
    assert main(["gan", *flags, "--out", str(tmp_path / "run")]) == 2
    assert "error: " in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(processes.TrainingError, match="4 processes on this machine, but 2 GPUs"):
        check_launch(RECIPES["gan"].config())
    check_launch(RECIPES["gan"].config(device="cpu"))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")  # on two machines
    check_launch(RECIPES["gan"].config())


def test_a_batch_is_dealt_out_evenly_or_not_at_all(monkeypatch):
    monkeypatch.setattr(processes, "count", lambda: 3)
    config = RECIPES["gan"].config
    processes.check_batch(config(batch_size=63))
    for size, parts, fitting in ((64, 1, 63), (2, 1, 3), (63, 2, 60)):
        with pytest.raises(processes.TrainingError, match=f"out evenly .*--batch-size {fitting}$"):
            processes.check_batch(config(batch_size=size, accumulate=parts))


def test_accelerates_precision_is_the_automatic_one(monkeypatch):
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    assert pick_precision("auto", torch.device("cpu")) == "bfloat16"
    assert pick_precision("float32", torch.device("cpu")) == "float32"


def test_processes_that_do_not_meet_are_named(monkeypatch):
    """A launcher that says how many and not where."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("accelerate.PartialState", lambda **_: (_ for _ in ()).throw(
        ValueError("Tried to launch on distributed with multinode")))
    with pytest.raises(LostProcessError, match="do not meet: Tried"), \
            processes.together(RECIPES["gan"].config(device="cpu")):
        pass


def test_alone_all_this_is_nothing():
    values = torch.arange(6.0, requires_grad=True)
    assert (ranks.rank(), ranks.count(), ranks.is_main()) == (0, 1, True)
    assert processes.whole(values) is values
    assert processes.average([values])[0] is values
    assert torch.equal(processes.share(values), values)
    assert processes.agreed(True, 3)
    assert not processes.agreed(False, 10)
    norm = torch.nn.BatchNorm1d(2)
    processes.normalise_together(norm)
    assert not norm._forward_hooks
