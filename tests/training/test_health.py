"""Numbers that are not finite: found at their step, named; with --retry the run goes on."""

import pytest
import torch

import duet
from duet.core.tensors import load_tensors
from duet.store.run import read_log
from training.config import TrainingError
from training.driver import move, take_gradients, train_step
from training.health import Health, NotFiniteError
from training.loop import train_step as step_of_the_loop
from training.recipes import RECIPES

STATE, WEIGHTS = "state.safetensors", "checkpoint/model.safetensors"
NAN, INFINITY = torch.tensor(float("nan")), torch.tensor(float("inf"))


@pytest.fixture
def broken(monkeypatch):
    """broken({4}) makes the gradients of those calls of a step, from 1, infinite; the calls' steps
    and first random numbers are `broken.seen`."""

    def install(calls):
        def step(objective, number, images, labels, **options):
            install.seen.append((number, torch.rand(()).item(), images.sum().item()))
            told = step_of_the_loop(objective, number, images, labels, **options)
            if len(install.seen) in calls:
                with torch.no_grad():
                    for parameter in objective.parameters():
                        parameter.fill_(NAN)
                told.norms["generator"] = INFINITY
            return told

        install.seen = []
        monkeypatch.setattr("training.loop.train_step", step)

    return install


def test_the_step_and_all_that_broke_there_are_named():
    health = Health()
    health.note(1, {"loss a": torch.tensor(1.0), "gradient of b": torch.tensor(2.0)})
    with pytest.raises(NotFiniteError, match="at step 2: loss a, gradient of c; the") as found:
        health.note(2, {"loss a": NAN, "loss b": torch.tensor(0.0), "gradient of c": -INFINITY})
    assert (found.value.step, found.value.names) == (2, ["loss a", "gradient of c"])


def test_an_accelerator_is_asked_only_now_and_then(monkeypatch):
    """A device without numbers cannot be. Then it tells the first step: later ones break too."""
    health = Health()
    for step in (1, 2):
        health.note(step, {"loss a": torch.empty((), device="meta")})
    health = Health()
    with monkeypatch.context() as patched:
        patched.setattr(Health, "check", lambda self: None)
        for step, value in enumerate([1.0, float("inf"), float("nan"), 2.0], start=1):
            health.note(step, {"loss a": torch.tensor(value), "loss b": torch.tensor(0.0)})
    with pytest.raises(NotFiniteError, match="at step 2: loss a;"):
        health.check()


def test_a_gradient_that_only_its_square_overflows_is_found():
    """Adam keeps squares: a state with such a moment would be refused on resuming."""
    objective = RECIPES["gan"].objective(RECIPES["gan"].config(width=4), (1, 8, 8), 0)
    weight = objective.model.generator.to_pixels.weight
    take_gradients(objective, {"generator": 1e25 * weight.sum()})
    norms = move(objective, ["generator"])
    assert norms["generator"].isinf()


def test_norms_are_those_before_clipping(monkeypatch):
    config = RECIPES["vae"].config(width=4, latent_dim=4, precision="float32")
    objective = RECIPES["vae"].objective(config, (1, 8, 8), 0)
    monkeypatch.setattr(type(objective), "max_gradient_norm", 1e-3)
    batch = torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64)
    assert train_step(objective, 0, *batch).norms["vae"] > 1
    gradients = [parameter.grad for parameter in objective.model.parameters()]
    assert torch.nn.utils.get_total_norm(gradients) == pytest.approx(1e-3, rel=1e-3)


def test_without_retry_the_last_good_state_stays(run, tmp_path, broken):
    broken({4})
    with pytest.raises(NotFiniteError, match=r"at step 4: gradient of generator; .*--retry"):
        run("gan", "a", steps=6)
    tensors, texts = load_tensors(tmp_path / "a" / STATE)
    assert '"step": 2' in texts["duet"]
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert [row.step for row in read_log(tmp_path / "a" / "log.jsonl")] == [2]


def test_with_retry_it_goes_on_with_other_numbers(run, broken, capsys):
    broken({4})
    folder = run("gan", "a", steps=6, retry=1)
    assert [number for number, *_ in broken.seen] == [0, 1, 2, 3, 2, 3, 4, 5]
    for first, again in zip(broken.seen[2:4], broken.seen[4:6], strict=True):
        assert first[1] != again[1]
        assert first[2] != again[2]
    said = capsys.readouterr().err
    assert "not finite at step 4: gradient of generator; on from step 2 with other random" in said
    loaded = duet.load(folder / "checkpoint")
    assert loaded.training.retries == (4,)
    assert loaded.training.evolution == (0, 1, 2, 3, 4, 5, 6)
    assert all(tensor.isfinite().all() for tensor in loaded.model.state_dict().values())
    assert [row.step for row in read_log(folder / "log.jsonl")] == [2, 4, 6]


def test_it_may_go_back_to_the_very_beginning(run, broken):
    broken({1})
    folder = run("gan", "a", steps=2, retry=1)
    assert [number for number, *_ in broken.seen] == [0, 0, 1]
    assert duet.load(folder / "checkpoint").training.retries == (1,)


def test_it_goes_back_only_so_often_in_all_the_run(run, broken, tmp_path):
    broken({3, 4})
    with pytest.raises(TrainingError, match="not finite at step 3"):
        run("gan", "a", steps=4, retry=1)
    broken({1})
    with pytest.raises(TrainingError, match="not finite at step 3"):
        run("gan", "a", steps=4, retry=1, resume=True)
    broken({1})
    run("gan", "a", steps=4, retry=2, resume=True)
    assert duet.load(tmp_path / "a" / "checkpoint").training.retries == (3, 3)


def test_a_run_that_went_back_resumes_as_if_unbroken(run, broken):
    """The state knows that other numbers are drawn from there."""
    broken({4})
    unbroken = run("gan", "a", steps=6, retry=1)
    broken({4})
    run("gan", "b", steps=4, retry=1)
    resumed = run("gan", "b", steps=6, retry=1, resume=True)
    assert (unbroken / WEIGHTS).read_bytes() == (resumed / WEIGHTS).read_bytes()
    broken(set())
    alone = run("gan", "c", steps=6)
    assert (alone / WEIGHTS).read_bytes() != (resumed / WEIGHTS).read_bytes()
