"""What a process of the fixture `warm` does: forked from one that has imported the training
already, `python ARGUMENTS` without the seconds that its imports take."""

import os
import runpy
import sys

import torch


def work(arguments, environment, folder, outputs):
    """Never comes back where the program exits."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    torch.set_num_threads(int(environment["OMP_NUM_THREADS"]))
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "<warm>":
    work(*globals()["job"])
