"""What the benchmark of the app makes of its clients, without an app."""

import threading

from benchmarks import app
from benchmarks.app import BenchError, together


def test_who_is_refused_has_no_time(monkeypatch):
    """Clients begin at once, each with seeds of its own; a failure is counted by its absence."""
    begun, seeds = threading.Barrier(4, timeout=10), []

    def call(caller, seed):
        begun.wait()
        seeds.append(seed)
        if seed % 2:
            raise BenchError("no")

    monkeypatch.setattr(app, "Caller", lambda port: None)
    monkeypatch.setattr(app, "SEEDS", iter(range(100)))
    times = together(app.App(0, None, 0.0), 4, 2, call)
    assert sorted(seeds) == list(range(8))
    assert len(times) == 4


def test_the_table_marks_what_misses_its_goal():
    found = {"here": app.start(app.App(0, None, 9.04)) | {"resident, MB": 1300.0, "other": 5.0},
             "against": {"resident, MB": 900.0}}
    lines = app.table(found).splitlines()
    assert [line.split() for line in lines if "resident" in line] == [
        ["resident,", "MB", "≤", "1200", "1300", "(missed)", "900"],
    ]
    assert sum("missed" in line for line in lines) == 1


def test_percentiles_are_of_the_times():
    assert app.spread("x", [*range(100, 0, -1)]) == {
        "x: median, ms": 50.5, "x: 95th percentile, ms": 96,
    }
