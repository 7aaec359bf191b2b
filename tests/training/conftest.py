"""Tiny runs on toy images."""

import multiprocessing
import os
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from training.loop import train
from training.recipes import RECIPES

WARM = Path(__file__).with_name("warm.py")
SIZES = {"gan": {"width": 4}, "vae": {"width": 4, "latent_dim": 6}, "dcgan": {}}


def start(recipe, out, **settings):
    """Train a recipe on the toy images, small and quickly."""
    defaults = {
        "data": "toy", "batch_size": 8, "device": "cpu", "save_every": 2, "out": out,
        "precision": "float32",  # a CPU with bfloat16 is slow in it where channels are few
    }
    train(RECIPES[recipe].config(**defaults | SIZES[recipe] | settings), "the command")
    return out


@pytest.fixture
def run(toy_data, tmp_path):
    """run("gan", "name", steps=4) trains below tmp_path and returns the run folder."""
    return lambda recipe, name, **settings: start(recipe, tmp_path / name, **settings)


@pytest.fixture(scope="session")
def _finished(tmp_path_factory):
    return tmp_path_factory.mktemp("finished") / "run"


@pytest.fixture
def finished(run, _finished, tmp_path):
    """A copy, to be damaged, of the run folder of 2 steps of the GAN: tmp_path/"run"."""
    if not _finished.exists():
        start("gan", _finished, steps=2)
    return shutil.copytree(_finished, tmp_path / "run")


class WarmProcess:
    """The part of subprocess.Popen that the tests need, of a process that is started warm."""

    def __init__(self, context, job, outputs):
        self.outputs = outputs
        self.process = context.Process(
            target=runpy.run_path, args=(str(WARM),),
            kwargs={"init_globals": {"job": job}, "run_name": "<warm>"},
        )
        self.process.start()

    @property
    def returncode(self):
        return self.process.exitcode

    poll = returncode.fget

    def send_signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.process.kill()

    def wait(self, timeout=None):
        self.process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("a warm process", timeout)
        return self.returncode

    def communicate(self, timeout=None):
        self.wait(timeout)
        return tuple(path.read_text() for path in self.outputs)


@pytest.fixture(scope="session")
def _forkserver():
    """Processes fork from one that has imported what a training process does, and computed
    nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.export", "training.release", "training.sweep"])
    return context


@pytest.fixture(scope="session")
def warm(_forkserver, root, tmp_path_factory):
    """warm(arguments, environment) -> `python ARGUMENTS` in the repository, as a process that has
    made its imports; killed in the end where it still runs."""
    started = []

    def start(arguments, environment):
        folder = tmp_path_factory.mktemp("warm")
        outputs = [folder / "stdout", folder / "stderr"]
        for path in outputs:
            path.touch()
        environment = os.environ | {"OMP_NUM_THREADS": "1"} | environment
        job = ([str(word) for word in arguments], dict(environment), str(root), outputs)
        started.append(WarmProcess(_forkserver, job, outputs))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
