"""Which tests reach which line: the suite runs once under coverage, and the answer is kept."""

import ast
import collections
import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import coverage
import pytest


class Watch:
    """A pytest plugin that tells coverage which test runs, here and in the processes it starts.

    What a fixture of a wider scope does belongs to every test that asks for it.
    """

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured, self.current = measured, ""
        self.seconds: dict[str, float] = collections.defaultdict(float)
        self.users: dict[str, list[str]] = collections.defaultdict(list)
        self.failed: set[str] = set()

    def enter(self, name: str) -> None:
        self.current = os.environ["MUTANTS_TEST"] = name
        self.measured.switch_context(name)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        outer = self.current
        self.enter(name)
        try:
            yield
        finally:
            self.enter(outer)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Function) -> Iterator[None]:
        for fixture in item.fixturenames:
            self.users[f"fixture {fixture}"].append(item.nodeid)
        with self.inside(item.nodeid):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef) -> Iterator[None]:
        wide = fixturedef.scope != "function"
        with self.inside(f"fixture {fixturedef.argname}") if wide else contextlib.nullcontext():
            return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            self.failed.add(report.nodeid)


def watched_run(arguments: list[str], copy: Path, scratch: Path, result: Path) -> int:
    """Run the suite of `copy` in this process and write what Map reads; pytest's exit code."""
    settings = scratch / "coveragerc"
    settings.write_text(
        f"[run]\nsource = {copy}\ndata_file = {scratch}/coverage\nparallel = true\n"
        "sigterm = true\ncore = ctrace\ncontext = ${MUTANTS_TEST-}\n"
    )
    os.environ["COVERAGE_PROCESS_START"] = str(settings)  # heeded by coverage's .pth file
    measured = coverage.Coverage(config_file=str(settings), messages=False)
    watch = Watch(measured)
    measured.start()
    code = pytest.main(arguments, plugins=[watch])
    measured.stop()
    measured.save()

    combined = coverage.Coverage(config_file=str(settings), messages=False)
    combined.combine()
    data = combined.get_data()
    tests = {name: took for name, took in watch.seconds.items() if name not in watch.failed}

    def users(contexts: list[str]) -> list[str]:
        asked = {test for name in contexts for test in watch.users.get(name, [name])}
        return sorted(asked & tests.keys())

    reached = {
        Path(file).relative_to(copy).as_posix(): {
            line: users(contexts) for line, contexts in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    content = {"tests": tests, "failed": sorted(watch.failed), "reached": reached}
    result.write_text(json.dumps(content), encoding="utf-8")
    return int(code)


class Statement(NamedTuple):
    """Its lines (of a block, the head's), and the names it binds where it runs at import."""

    lines: range
    binds: frozenset[str] | None


class Map:
    """What watched_run learned of the tree at `root`."""

    def __init__(self, root: Path, content: dict[str, Any]) -> None:
        self.seconds: dict[str, float] = content["tests"]
        self.failed: list[str] = content["failed"]
        self.reached: dict[str, dict[int, list[str]]] = {
            path: {int(line): tests for line, tests in lines.items()}
            for path, lines in content["reached"].items()
        }
        self.statements: dict[str, list[Statement]] = {}
        # word -> the tests that run a statement with it, be it the product's or a test's own
        self.mentions: dict[str, set[str]] = collections.defaultdict(set)
        for path in self.reached:
            text = (root / path).read_text(encoding="utf-8")
            self.statements[path] = [*_statements(ast.parse(text), frozenset())]
            for statement in self.statements[path]:
                tests = self._running(path, statement.lines) if statement.binds is None else set()
                for line in text.splitlines()[statement.lines[0] - 1 : statement.lines[-1]]:
                    for word in re.findall(r"\w+", line):
                        self.mentions[word] |= tests

    def tests(self, path: str, lines: range) -> list[str]:
        """Those that run the statements on these lines, fastest first.

        What runs at import belongs to no test: there, those that run a line which mentions a name
        that it binds; failing that, those that run anything of the file.
        """
        touched = [s for s in self.statements.get(path, []) if set(s.lines) & set(lines)]
        found: set[str] = set()
        for statement in touched:
            if statement.binds is None:
                found |= self._running(path, statement.lines)
            else:
                found |= set().union(*(self.mentions.get(name, ()) for name in statement.binds))
        if not found and any(statement.binds is not None for statement in touched):
            found = set().union(*self.reached[path].values())
        return sorted(found, key=lambda name: (self.seconds[name], name))

    def _running(self, path: str, lines: range) -> set[str]:
        return set().union(*(self.reached[path].get(line, ()) for line in lines))


def _statements(parent: ast.AST, owner: frozenset[str] | None) -> Iterator[Statement]:
    """All below `parent`; `owner`: the class names around them, or None within a function."""
    for node in ast.iter_child_nodes(parent):
        inner = owner
        if isinstance(node, (ast.stmt, ast.ExceptHandler)):
            binds = None if owner is None else owner | _bound(node)
            first = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])])
            body = getattr(node, "body", None)
            last = max(first, body[0].lineno - 1) if body else node.end_lineno
            yield Statement(range(first, last + 1), binds)
            if isinstance(node, ast.ClassDef):
                inner = binds
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = None
        yield from _statements(node, inner)


def _bound(node: ast.AST) -> frozenset[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return frozenset({node.name})
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    names = (name for target in targets if target for name in ast.walk(target))
    return frozenset(name.id for name in names if isinstance(name, ast.Name))
