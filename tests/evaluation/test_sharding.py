"""Several processes give what one does."""

import datetime
import json
import os
import shutil
import subprocess
import sys

import pytest
import torch

import duet
from duet.core import ranks
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from duet.store.metrics import ScoreRecord
from evaluation import path_length, reconstruction, sharding
from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.reference import extract

# Of 620 images, three batches: the one process has two, the last of them shorter. So with what is
# reconstructed; of the 62 paths there is one batch, and one process has none.
MEASURE = ("measure", "tiny", "--samples", "620", "--json")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_measure_as_one_does(
    tmp_path, tiny_vae, fake_mnist, root, monkeypatch, capsys
):
    """To the last digit, in what is printed (once) and in what is written."""
    monkeypatch.setenv("DUET_DATA", str(fake_mnist))
    alone, both = tmp_path / "alone", tmp_path / "both"
    (alone / "tiny").mkdir(parents=True)
    origin = DataRecord("mnist", "MNIST", tuple("0123456789"))
    save(alone / "tiny", tiny_vae, name="tiny", made_from=origin)
    shutil.copytree(alone, both)
    monkeypatch.chdir(alone)
    assert main(MEASURE) == 0
    expected = json.loads(capsys.readouterr().out)
    assert {"path_length", "reconstruction_psnr"} < expected["tiny"]["scores"].keys()
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone")
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", "evaluation", *MEASURE], check=False, cwd=both,
        env=os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}, capture_output=True,
        text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected
    metrics = [folder / "tiny" / "metrics.json" for folder in (alone, both)]
    assert metrics[0].read_text() == metrics[1].read_text()
    assert sorted(os.listdir(both / "tiny")) == sorted(os.listdir(alone / "tiny"))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_batches_come_together_in_order(monkeypatch, size):
    """Each process has a third, say, of seven batches of odd sizes."""
    sizes = [4, 4, 4, 4, 4, 4, 1]
    batches = torch.arange(25).view(25, 1).split(4)
    monkeypatch.setattr(sharding, "count", lambda: size)
    shares = []
    for rank in range(size):
        monkeypatch.setattr(sharding, "rank", lambda rank=rank: rank)
        shares.append(torch.cat(list(sharding.share(batches))))

    def broadcast(tensor, source):
        tensor.copy_(shares[source])

    monkeypatch.setattr(sharding.distributed, "broadcast", broadcast)
    for rank in range(size):
        monkeypatch.setattr(sharding, "rank", lambda rank=rank: rank)
        assert sharding.together(shares[rank], sizes)[:, 0].tolist() == list(range(25))


def test_more_processes_than_batches_are_refused(monkeypatch):
    monkeypatch.setattr(sharding, "count", lambda: 3)
    sharding.check_enough(3)
    with pytest.raises(EvaluationError, match="2 batches are too few for 3 processes"):
        extract([], 500, None, "two batches")


@pytest.fixture
def process(monkeypatch):
    """process(rank) makes this one of three, who gets what it computed itself and nothing else."""
    monkeypatch.setattr(sharding, "count", lambda: 3)
    monkeypatch.setattr(sharding, "together", lambda own, sizes: own)
    return lambda rank: monkeypatch.setattr(sharding, "rank", lambda: rank)


def interleaved(shares, size):
    """Batches of `size` from three processes, in order."""
    parts = [share.split(size) for share in shares]
    return torch.cat([each[i] for i in range(len(parts[0])) for each in parts if i < len(each)])


def test_paths_and_reconstructions_are_shared_out(
    tmp_path, tiny_vae, toy_data, extractor, process, monkeypatch
):
    monkeypatch.setattr(path_length, "BATCH", 4)
    monkeypatch.setattr(reconstruction, "BATCH", 4)
    save(tmp_path, tiny_vae, name="vae", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    checkpoint = duet.load(tmp_path)
    chosen = toy_data.images[:30], toy_data.labels[:30]
    speeds, errors = [], []
    for rank in range(3):
        process(rank)
        speeds.append(path_length.squared_speeds(tiny_vae, extractor, 30, 0, 1.0, "t"))
        errors.append(reconstruction.errors(checkpoint, *chosen, extractor))
    assert [len(share) for share in speeds] == [len(share) for share in errors] == [12, 10, 8]
    monkeypatch.undo()
    whole = path_length.squared_speeds(tiny_vae, extractor, 30, 0, 1.0, "t")
    torch.testing.assert_close(interleaved(speeds, 4), whole, rtol=1e-2, atol=1.0)
    whole = reconstruction.errors(checkpoint, *chosen, extractor)
    torch.testing.assert_close(interleaved(errors, 4), whole, rtol=1e-3, atol=1e-3)


@pytest.fixture
def group(monkeypatch):
    """group(rank): one of two processes, whose messages arrive in `sent`."""
    sent = []

    def broadcast(tensor, source):
        assert source == 0
        if ranks.is_main():
            sent.append(tensor.clone())
        else:
            tensor.copy_(sent.pop(0))

    fake = {"is_initialized": lambda: True, "get_world_size": lambda: 2, "broadcast": broadcast}
    for name, function in fake.items():
        monkeypatch.setattr(sharding.distributed, name, function)
    return lambda rank: monkeypatch.setattr(sharding.distributed, "get_rank", lambda: rank)


def test_the_main_process_scores_and_tells(group, monkeypatch):
    scores = {"recall": ScoreRecord(1 / 3, interval=(0.1, 0.7), count=5), "specks": ScoreRecord(0)}
    group(0)
    assert ranks.is_main()
    assert sharding.share([1, 2, 3]) == [1, 3]
    assert sharding.by_main(lambda: scores) == scores
    group(1)
    assert not ranks.is_main()
    assert sharding.share([1, 2]) == [2]
    assert sharding.by_main(lambda: pytest.fail("scored")) == scores


def test_one_process_alone_asks_nobody(monkeypatch):
    monkeypatch.setattr(sharding.distributed, "broadcast", lambda *_: pytest.fail("asked"))
    assert ranks.is_main()
    assert sharding.by_main(dict) == {}
    assert sharding.share([1]) == [1]


@pytest.mark.parametrize("rank", [0, 1])
def test_all_but_the_main_process_fall_silent(group, monkeypatch, capsys, rank):
    """They are joined for a day of waiting, and part whatever happens."""
    calls = []
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(sharding.distributed, "init_process_group",
                        lambda *given, **named: calls.append((given, named)))
    monkeypatch.setattr(sharding.distributed, "destroy_process_group",
                        lambda: calls.append("parted"))
    group(rank)

    def fails():
        with sharding.processes():
            print("result")
            print("talk", file=sys.stderr)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert capsys.readouterr() == ("result\n" * (rank == 0), "talk\n" * (rank == 0))
    assert calls == [(("gloo",), {"timeout": datetime.timedelta(days=1)}), "parted"]


def test_without_torchrun_nothing_is_joined(monkeypatch, capsys):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.setattr(sharding.distributed, "init_process_group", lambda *_: pytest.fail("join"))
    with sharding.processes():
        print("result")
    assert capsys.readouterr().out == "result\n"
    assert ranks.launched() == 1


def test_processes_that_do_not_meet_are_named(monkeypatch, capsys):
    """A launcher that says how many and not where."""
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("MASTER_ADDR", "MASTER_PORT", "RANK"):
        monkeypatch.delenv(name, raising=False)
    assert main(["table", "--check"]) == 2
    assert "error: the processes of this program do not meet: " in capsys.readouterr().err


def test_a_number_of_processes_that_is_none_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("WORLD_SIZE", "two")
    assert main(["table", "--check"]) == 2
    assert "error: WORLD_SIZE is 'two', no number of processes" in capsys.readouterr().err


def test_a_process_that_ended_is_no_traceback_of_the_others(group, monkeypatch):
    def broadcast(tensor, source):
        raise RuntimeError("Connection closed by peer\nand more")

    monkeypatch.setattr(sharding.distributed, "broadcast", broadcast)
    group(1)
    with pytest.raises(ranks.LostProcessError, match=r"not answer \(Connection closed by peer\)$"):
        sharding.by_main(dict)
