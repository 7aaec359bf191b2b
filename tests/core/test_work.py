"""What long work is wrapped in: a bar, a lock, signals that ask it to stop."""

import io
import signal
import sys
from types import SimpleNamespace

import pytest
from tqdm import tqdm

from duet.core import lock
from duet.core.lock import LOCK, Locked, locked
from duet.core.progress import others_bars, progress_bar
from duet.core.stop import Interrupted, stop_signals


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "moves"), [(Terminal, True), (io.StringIO, False)])
def test_a_bar_moves_on_a_terminal_and_is_a_line_now_and_then_in_a_log(monkeypatch, stream, moves):
    monkeypatch.setattr(sys, "stderr", stream())
    with progress_bar(7, "drawing", "img", initial=2) as bar:
        assert (bar.total, bar.desc, bar.unit, bar.n) == (7, "drawing", "img", 2)
        assert bar.leave != moves
        assert bar.dynamic_ncols  # a terminal may be made wider
        low, high = (0.2, 0.9) if moves else (10, 60)
        assert low < bar.mininterval < high


def test_a_bar_may_stay_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bar(7, None, "img", leave=True) as bar:
        assert bar.leave


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_a_librarys_bars_are_for_terminals(monkeypatch, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    with others_bars(), tqdm(total=5) as bar:
        bar.update()
    print("what follows is said", file=sys.stderr)
    assert ("5" in sys.stderr.getvalue()) == shown
    assert sys.stderr.getvalue().endswith("what follows is said\n")


def test_one_at_a_time_holds_a_folder(tmp_path):
    with locked(tmp_path):
        assert (tmp_path / LOCK).exists()
        with pytest.raises(Locked, match=r"another process is at work in .*; wait"):
            locked(tmp_path).__enter__()
    with locked(tmp_path):
        pass


def test_to_wait_is_asked_for(tmp_path, monkeypatch):
    asked = []
    known = SimpleNamespace(LOCK_EX=2, LOCK_NB=4, flock=lambda file, flags: asked.append(flags))
    monkeypatch.setattr(lock, "fcntl", known)
    with locked(tmp_path), locked(tmp_path, wait=True):
        assert asked == [2 | 4, 2]


def test_where_there_are_no_locks_work_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    with locked(tmp_path):
        assert (tmp_path / LOCK).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(capsys, number):
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}

    def work():
        with stop_signals() as stop:
            assert stop == []
            signal.raise_signal(number)
            assert stop == [number]
            assert "once more to quit at once" in capsys.readouterr().err
            signal.raise_signal(number)

    with pytest.raises(Interrupted, match=r"^stopped at once, the last steps not saved$") as caught:
        work()
    assert caught.value.signum == number
    assert {name: signal.getsignal(name) for name in before} == before
