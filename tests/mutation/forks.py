"""Copies of the tree, and runs of pytest in them that are forks of this process.

Importing torch and gradio takes longer than most tests; a fork has them already.
"""

import ast
import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Chromium, builds of the package and slow tests take minutes a mutant; this folder tests itself.
LEFT_OUT = ("tests/browser", "tests/mutation", "tests/test_install.py", "tests/test_make.py")
MARKED_OUT = "not slow and not browser and not network"


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=-", "-c", "user.email=-", *arguments]
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def copy_tree(root: Path, copy: Path) -> None:
    """What git would take from `root`, changed and new files too, as a repository of its own."""
    for name in git(root, "ls-files", "-zco", "--exclude-standard").split("\0"):
        if name and (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, copy / name, follow_symlinks=False)
    git(copy, "init", "-q")
    git(copy, "add", "-Af")
    git(copy, "commit", "-qm", "the tree under test")


def import_libraries(root: Path) -> None:
    """Whatever the tree imports and does not hold; what fails here fails again where it matters."""
    names = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    ours = {path.stem for path in [*root.iterdir(), *root.rglob("*.py")]}
    for name in sorted(names):
        if name.split(".")[0] not in ours:
            with contextlib.suppress(Exception), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)


@dataclass
class Place:
    """Where one run at a time happens: a copy of the tree, a TMPDIR, and what pytest said."""

    copy: Path
    scratch: Path
    log: Path

    def start(self, work: Callable[[], int]) -> int:
        """Do the work in a process group of its own, in a clean place; its id."""
        git(self.copy, "clean", "-fdxq")
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.chdir(self.copy)
            with self.log.open("w") as log, open(os.devnull) as nothing:
                os.dup2(nothing.fileno(), 0)
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            sys.path[0], sys.argv, sys.dont_write_bytecode = str(self.copy), ["pytest"], True
            os.environ |= {"TMPDIR": str(self.scratch), "PYTHONDONTWRITEBYTECODE": "1"}
            tempfile.tempdir = None
            code = int(work())
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def arguments(self) -> list[str]:
        """What every run tells pytest; some of its plugins are imported by now."""
        return ["-q", "--tb=line", "-p", "no:cacheprovider", f"--rootdir={self.copy}",
                f"--basetemp={self.scratch}/pytest", "-m", MARKED_OUT,
                *(f"--ignore={self.copy}/{name}" for name in LEFT_OUT),
                "-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"]


def kill(pid: int) -> None:
    """End whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
