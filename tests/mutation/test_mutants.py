"""The mutation run on a toy tree of two functions, only one of which is tested well."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
SCRIPT = f"""
import sys
sys.path.insert(0, {HERE!r})
import mutants
mutants.SLACK_SECONDS = 5
sys.exit(mutants.main())
"""
FILES = {
    "duet/__init__.py": "",
    "duet/sums.py": """LIMIT = 5


def clipped(a, b):
    return min(a + b, LIMIT)


def forgotten(a):
    return a - 1
""",
    "duet/words.py": """KINDS = ("a", "b")


def shout(word):
    return word + mark(True)


def mark(loud):
    return "!" if loud else "."
""",
    "duet/__main__.py": """from duet.sums import clipped

print(clipped(1, 1), flush=True)
""",
    "tests/test_toy.py": """import subprocess, sys
import pytest
from duet.sums import clipped
from duet.words import KINDS, shout


@pytest.fixture(scope="module")
def shouted():
    return shout("a")


def test_clipped():
    assert clipped(1, 2) == 3
    assert clipped(8, 9) == 5


def test_first(shouted):
    assert shouted


def test_second(shouted):
    assert shouted == "a!"


@pytest.mark.parametrize("kind", KINDS)
def test_kind(kind):
    assert kind in KINDS


def test_process():
    command = [sys.executable, "-m", "duet"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"2\\n"


def test_that_fails_anyway():
    assert clipped(0, 0) == 1
""",
}


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.fixture
def start(tree, tmp_path):
    """start("--count", 3) -> the process of a mutation run over the toy tree."""
    (tmp_path / "tmp").mkdir()

    def run(*arguments):
        command = [sys.executable, "-c", SCRIPT, "--root", tree, "--json", tmp_path / "out.json"]
        return subprocess.Popen(
            [str(word) for word in [*command, *arguments]], text=True, cwd=tmp_path,
            env=os.environ | {"TMPDIR": str(tmp_path / "tmp")},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )

    return run


@pytest.fixture
def mutate(start, tmp_path):
    """mutate(…) -> (exit code, stdout, stderr, the list it wrote)."""

    def run(*arguments):
        process = start(*arguments)
        said, told = process.communicate(timeout=120)
        assert process.returncode in (0, 1), told
        assert not list((tmp_path / "tmp").iterdir())
        return process.returncode, said, told, json.loads((tmp_path / "out.json").read_text())

    return run


def listed(folder, *diffs):
    keys = ("path", "line", "before", "after")
    path = folder / "diffs.json"
    path.write_text(json.dumps([dict(zip(keys, diff, strict=True)) for diff in diffs]))
    return path


def test_a_list_of_changes(mutate, tmp_path, tree):
    (tree / "tests" / "mutation").mkdir()
    (tree / "tests" / "mutation" / "equivalent.json").write_text(json.dumps(
        [{"path": "duet/sums.py", "before": "a + b", "after": "b + a", "why": "a sum"}]
    ))
    diffs = listed(
        tmp_path,
        ("duet/sums.py", 5, "min(a + b,  LIMIT)", "max(a + b, LIMIT)"),
        ("duet/sums.py", None, "LIMIT = 5", "LIMIT = 6"),
        ("duet/sums.py", 9, "a - 1", "a + 1"),
        ("duet/sums.py", 5, "a * b", "a"),
        ("duet/sums.py", 5, "a + b", "a +"),
        ("duet/sums.py", 5, "a + b", "b + a"),
        ("duet/words.py", 5, "mark(True)", "mark(False)"),
        ("duet/words.py", 9, "if loud else", "if True else"),
        ("duet/words.py", 1, '("a", "b")', '("a",)'),
        ("duet/__main__.py", 3, "print(", "str("),
        ("duet/sums.py", 5, "return min", "while True: min"),
    )
    code, said, told, mutants = mutate("--diffs", diffs, "--workers", 2)
    assert {(m["before"], m["outcome"], m["by"].partition("::")[2]) for m in mutants} == {
        ("min(a + b,  LIMIT)", "caught", "test_clipped"),
        ("LIMIT = 5", "caught", "test_clipped"),  # no test runs it: clipped mentions it
        ("a - 1", "not covered", ""),
        ("a * b", "gone", ""),
        ("a + b", "broken", ""),
        ("mark(True)", "caught", "test_second"),  # run by the first test's fixture
        ("if loud else", "lived", ""),
        ('("a", "b")', "lived", ""),  # one test less is no test that fails
        ("print(", "caught", "test_process"),
        ("return min", "caught", "test_clipped"),  # without end, until its time is up
    }
    assert "together       5      2            1   62.5%" in said
    assert "duet/words.py:9 lived\n  - if loud else\n  + if True else" in said
    assert "1 gone\n1 broken\n1 left out as equivalent" in said
    assert "test_that_fails_anyway" in told
    assert code == 0


def test_the_seed_chooses(tree, monkeypatch):
    monkeypatch.syspath_prepend(HERE)
    mutants = importlib.import_module("mutants")
    found = mutants.all_mutants(tree, ["duet"])
    few = mutants.sample(found, 5, seed=0)
    assert len({(m.path, m.line) for m in few}) == len(few) == 5
    assert mutants.sample(found, 5, seed=0) == few != mutants.sample(found, 5, seed=1)
    assert sorted(map(str, mutants.sample(found, 999, seed=0))) == sorted(map(str, found))
    for mutant in found:
        changed, lines = mutant.apply((tree / mutant.path).read_text())
        assert changed != (tree / mutant.path).read_text()
        assert lines[0] == mutant.line


def test_zips_strict_is_an_invariant(monkeypatch):
    """That two lists are as long as each other no test can see broken, as with an assert."""
    monkeypatch.syspath_prepend(HERE)
    mutators = importlib.import_module("mutators")
    found = mutators.mutations("assert a\nfound = dict(zip(a, b, strict=True))\n")
    assert [after for _, _, after in found] == ["found = dict(zip(b, a, strict=True))"]
    assert "f(a)" in [after for _, _, after in mutators.mutations("f(a, strict=True)\n")]


def test_too_few_caught(mutate):
    code, said, _, mutants = mutate("--at-least", 0.99, "--paths", "duet/words.py")
    outcomes = [m["outcome"] for m in mutants]
    assert f"{outcomes.count('caught') / len(outcomes):.1%}" in said
    assert {m["path"] for m in mutants} == {"duet/words.py"}
    assert code == 1


def test_an_interrupted_run_says_what_it_found(start, tmp_path):
    diffs = listed(
        tmp_path,
        ("duet/sums.py", 5, "min", "max"),
        ("duet/sums.py", 5, "return min", "while True: min"),
    )
    process = start("--diffs", diffs, "--workers", 1)
    while "1/2" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted" in told
    assert "together       1      0" in said
    assert not list((tmp_path / "tmp").iterdir())
