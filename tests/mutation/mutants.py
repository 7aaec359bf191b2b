"""Change one line of the product at a time, and count how many of the changes a test notices.

A mutant runs only the tests that reach its line, fastest first, in a copy of the tree. The
libraries are imported once: every run of pytest is a fork of this process, which itself never
imports the product.
"""

import argparse
import ast
import collections
import functools
import hashlib
import json
import os
import random
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest
from forks import LEFT_OUT, MARKED_OUT, Place, copy_tree, import_libraries, kill
from mutators import mutations
from reach import Map, watched_run

PRODUCT = ("duet", "training", "evaluation")
EQUIVALENT = "tests/mutation/equivalent.json"  # [{path, before, after, why}]
MAP = ".mutants/map.json"
SLOWDOWN, SLACK_SECONDS = 3, 60  # a test may take this much longer than it did, and so a run
COUNTED = ("caught", "lived", "not covered")
ASIDE = ("gone", "broken")  # of --diffs: `before` is no longer there; `after` is no Python


@dataclass(frozen=True)
class Mutant:
    """One change in the words of the source: `before`, where it is nearest to `line`."""

    path: str
    line: int
    before: str
    after: str
    outcome: str = ""
    by: str = ""  # what caught it: a test, "time" or "a crash"
    seconds: float = 0.0

    @property
    def change(self) -> tuple[str, str, str]:
        """What it does, however the lines are wrapped."""
        return self.path, " ".join(self.before.split()), " ".join(self.after.split())

    def apply(self, text: str) -> tuple[str, range] | None:
        """The text changed and the lines that it was changed in; None where `before` is gone."""
        pattern = r"\s+".join(map(re.escape, self.before.split()))
        places = {m: text.count("\n", 0, m.start()) + 1 for m in re.finditer(pattern, text)}
        if not places:
            return None
        place = min(places, key=lambda m: abs(places[m] - (self.line or places[m])))
        changed = text[: place.start()] + self.after.strip() + text[place.end() :]
        return changed, range(places[place], places[place] + place[0].count("\n") + 1)


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """`count` of them, or all: at even distances over the lines that can be changed, and no line
    has its second before each has its first. In any order: an interrupted run is a sample too."""
    rng = random.Random(seed)
    lines = collections.defaultdict(list)
    for mutant in mutants:
        lines[mutant.path, mutant.line].append(mutant)
    rounds: list[list[Mutant]] = []
    for of_line in lines.values():
        rounds += [[] for _ in range(len(of_line) - len(rounds))]
        for one_round, mutant in zip(rounds, rng.sample(of_line, len(of_line)), strict=False):
            one_round.append(mutant)
    chosen: list[Mutant] = []
    for one_round in rounds:
        wanted = min(count - len(chosen), len(one_round))
        start = rng.random()
        chosen += [one_round[int((i + start) * len(one_round) / wanted)] for i in range(wanted)]
    return rng.sample(chosen, len(chosen))


def get_map(root: Path, place: Place) -> Map:
    """The kept one while no source file differs, or a new one from a run of the suite."""
    digest = hashlib.sha256(repr((sys.version, os.environ.get("DUET_DATA"))).encode())
    for path in sorted([*place.copy.rglob("*.py"), *place.copy.glob("*.toml")]):
        digest.update(str(path.relative_to(place.copy)).encode() + path.read_bytes())
    kept = root / MAP
    if kept.exists():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content["key"] == digest.hexdigest():
            return Map(place.copy, content)
    tell("running every test once, to see which lines it reaches …")
    result = place.scratch.with_suffix(".json")
    work = functools.partial(watched_run, place.arguments(), place.copy, place.scratch, result)
    pid = place.start(work)
    try:
        os.waitpid(pid, 0)
    finally:
        kill(pid)
    if not result.exists():
        sys.exit(f"the tests did not run:\n{place.log.read_text()[-3000:]}")
    content = {"key": digest.hexdigest(), **json.loads(result.read_text(encoding="utf-8"))}
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(content), encoding="utf-8")
    return Map(place.copy, content)


class Only:
    """A pytest plugin: these tests in this order, each with the time that it may take. One that a
    mutant did away with is no error, for in a run of everything nobody would miss it."""

    def __init__(self, limits: dict[str, float]) -> None:
        self.limits = limits
        self.order = {name: index for index, name in enumerate(limits)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [item for item in items if item.nodeid in self.order]
        items[:] = sorted(wanted, key=lambda item: self.order[item.nodeid])
        for item in items:
            item.add_marker(pytest.mark.timeout(self.limits[item.nodeid]))


@dataclass
class Run:
    mutant: Mutant
    place: Place
    original: str
    pid: int
    started: float
    limit: float

    def ended(self) -> Mutant | None:
        """The mutant with its outcome, once there is one."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        seconds = time.monotonic() - self.started
        if not pid and seconds < self.limit:
            return None
        self.stop(waited=bool(pid))
        found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", self.place.log.read_text(), re.M)
        by = "time" if not pid else found[1] if found else "a crash"
        passed = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
        outcome = "lived" if pid and os.waitstatus_to_exitcode(status) in passed else "caught"
        return replace(
            self.mutant, outcome=outcome, by=by * (outcome == "caught"), seconds=round(seconds, 1)
        )

    def stop(self, waited: bool = False) -> None:
        kill(self.pid)
        if not waited:
            os.waitpid(self.pid, 0)
        (self.place.copy / self.mutant.path).write_text(self.original, encoding="utf-8")


def start(mutant: Mutant, chart: Map, place: Place) -> Run | Mutant:
    """Its tests, running; or the mutant with an outcome where there is nothing to run."""
    file = place.copy / mutant.path
    original = file.read_text(encoding="utf-8") if file.is_file() else ""
    applied = mutant.apply(original)
    if applied is None:
        return replace(mutant, outcome="gone")
    changed, lines = applied
    mutant = replace(mutant, line=lines[0])
    try:
        ast.parse(changed)
    except SyntaxError:
        return replace(mutant, outcome="broken")
    tests = chart.tests(mutant.path, lines)
    if not tests:
        return replace(mutant, outcome="not covered")
    file.write_text(changed, encoding="utf-8")
    limits = {test: SLOWDOWN * chart.seconds[test] + SLACK_SECONDS for test in tests}
    limit = SLOWDOWN * sum(chart.seconds[test] for test in tests) + 2 * SLACK_SECONDS
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    arguments = [*place.arguments(), "-x", *files]
    pid = place.start(functools.partial(pytest.main, arguments, plugins=[Only(limits)]))
    return Run(mutant, place, original, pid, time.monotonic(), limit)


def run_all(
    mutants: list[Mutant], chart: Map, places: list[Place], done: Callable[[Mutant], None]
) -> None:
    """Every mutant to its outcome, one at a time in each place."""
    waiting, free, running = collections.deque(mutants), [*places], []
    try:
        while waiting or running:
            while waiting and free:
                begun = start(waiting.popleft(), chart, free[-1])
                if isinstance(begun, Run):
                    running.append(begun)
                    free.pop()
                else:
                    done(begun)
            time.sleep(0.02)
            for run in [*running]:
                if ended := run.ended():
                    running.remove(run)
                    free.append(run.place)
                    done(ended)
    finally:
        for run in running:
            run.stop()


# What is said.


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def share(mutants: list[Mutant]) -> float:
    """Caught of those that count; 0 where none do."""
    counted = [mutant.outcome for mutant in mutants if mutant.outcome in COUNTED]
    return counted.count("caught") / max(1, len(counted))


def report(mutants: list[Mutant], equivalent: int) -> str:
    """A table by folder, then whatever was not caught, each with its two lines."""
    folders = collections.defaultdict(list)
    for mutant in mutants:
        folders[mutant.path.rpartition("/")[0] or "."].append(mutant)
    width = max(map(len, [*folders, "together"]))
    lines = [f"{'':{width}}  caught  lived  not covered   share"]
    for name, group in [*sorted(folders.items()), ("together", mutants)]:
        caught, lived, bare = ([m.outcome for m in group].count(outcome) for outcome in COUNTED)
        lines.append(f"{name:{width}}  {caught:6}  {lived:5}  {bare:11}  {share(group):6.1%}")
    aside = [(sum(m.outcome == outcome for m in mutants), outcome) for outcome in ASIDE]
    for number, what in [*aside, (equivalent, "left out as equivalent")]:
        if number:
            lines.append(f"{number} {what}")
    for mutant in sorted(mutants, key=lambda m: (m.path, m.line)):
        if mutant.outcome != "caught":
            _, before, after = mutant.change
            lines += ["", f"{mutant.path}:{mutant.line} {mutant.outcome}",
                      f"  - {before}", f"  + {after}"]
    return "\n".join(lines)


def read_list(path: Path) -> list[Mutant]:
    """Changes from a JSON list of objects with path, before, after and perhaps line."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    return [Mutant(e["path"], e.get("line") or 0, e["before"], e["after"]) for e in entries]


def all_mutants(root: Path, paths: list[str]) -> list[Mutant]:
    """Every change of the Python files that `paths` name or hold."""
    found: dict[Mutant, None] = {}
    for path in (root / name for name in paths):
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            name = file.relative_to(root).as_posix()
            changes = mutations(file.read_text(encoding="utf-8"))
            found |= dict.fromkeys(Mutant(name, *change) for change in changes)
    return [*found]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog=f"Left out of every run: {', '.join(LEFT_OUT)}, and all but -m '{MARKED_OUT}'.",
    )
    add = parser.add_argument
    add("--paths", nargs="+", help=f"folders or files to change (default: {', '.join(PRODUCT)})")
    add("--count", type=int, default=150, help="how many mutants (default: %(default)s)")
    add("--seed", type=int, default=0, help="which ones (default: %(default)s)")
    add("--diffs", type=Path, help="instead: a JSON list of {path, line, before, after}")
    add("--workers", type=int, default=os.cpu_count(), help="(default: one for each CPU)")
    add("--json", type=Path, help="write every mutant and its outcome here; --diffs can read it")
    add("--at-least", type=float, metavar="SHARE", help="exit with 1 where fewer were caught")
    add("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the tree")
    args = parser.parse_args(argv)
    root = args.root.resolve()
    paths = args.paths or [name for name in PRODUCT if (root / name).is_dir()]
    for name in paths:
        if not (root / name).exists():
            parser.error(f"--paths: there is no {name} in {root}")

    known = root / EQUIVALENT
    same = {mutant.change for mutant in read_list(known)} if known.exists() else set()
    mutants = read_list(args.diffs) if args.diffs else all_mutants(root, paths)
    equivalent = sum(mutant.change in same for mutant in mutants)
    mutants = [mutant for mutant in mutants if mutant.change not in same]
    if not args.diffs:
        mutants = sample(mutants, args.count, args.seed)

    ended: list[Mutant] = []

    def note(mutant: Mutant) -> None:
        ended.append(mutant)
        tell(f"{len(ended)}/{len(mutants)} {mutant.outcome} {mutant.seconds} s "
             f"{mutant.path}:{mutant.line} {mutant.by}")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        places = [
            Place(folder / f"tree{i}", folder / f"tmp{i}", folder / f"log{i}")
            for i in range(args.workers)
        ]
        try:
            os.environ.setdefault("OMP_NUM_THREADS", str(max(1, os.cpu_count() // args.workers)))
            for place in places:
                copy_tree(root, place.copy)
            import_libraries(places[0].copy)
            chart = get_map(root, places[0])
            if chart.failed:
                tell(f"left out, for they fail with nothing changed: {', '.join(chart.failed)}")
            run_all(mutants, chart, places, note)
        except KeyboardInterrupt:
            interrupted = True
            tell("interrupted; this is what was found so far")
    print(report(ended, equivalent))
    if args.json:
        args.json.write_text(json.dumps([asdict(mutant) for mutant in ended], indent=1) + "\n")
    if interrupted:
        return 130
    return 1 if args.at_least is not None and share(ended) < args.at_least else 0


if __name__ == "__main__":
    sys.exit(main())
