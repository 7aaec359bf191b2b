"""Live training's processes: bounded, one pair at a time, and nothing left of them."""

import base64
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from demo import live, processes, visit
from demo.live import Bounds, Live, LiveError
from duet.data.mnist import MNIST
from duet.store import evolution
from duet.store.checkpoint import EVOLUTION
from duet.store.config import DataRecord

DIGITS = DataRecord.of(MNIST.facts, None)
QUICK = Bounds(
    train_seconds=0.6, start_seconds=8, gone_seconds=20, most_waiting=2, niceness=1,
    look_seconds=0.02,
)
# Writes what the training command would, of steps 0, 1, 2 …, in pictures of 2 by 2.
FAKE = """
import json, os, pathlib, sys, time
from PIL import Image
from PIL.PngImagePlugin import PngInfo

seconds, niceness, recipe, *options = sys.argv[1:]
named = dict(zip(options[::2], options[1::2]))
with open(os.environ["FAKE_NOTES"], "a") as notes:
    print(os.getpid(), recipe, named["--data"], named["--out"], os.environ["OMP_NUM_THREADS"],
          seconds, niceness, os.getpgid(0) == os.getpid(), named["--device"], file=notes)
wish = os.environ.get("FAKE_WISH", "")
if wish == recipe + " refuses":
    sys.exit("error: MNIST is not in /nowhere: point DUET_DATA at it")
folder = pathlib.Path(named["--out"])
folder.mkdir()
for step in range(10_000):
    if wish != recipe + " idles":
        texts = PngInfo()
        texts.add_text("steps", " ".join(map(str, range(step % 50 + 1))))
        Image.new("L", (32, 2 * (step % 50 + 1))).save(folder / "scratch.png", pnginfo=texts)
        os.replace(folder / "scratch.png", folder / "evolution.png")
        with (folder / "log.jsonl").open("a") as log:
            log.write(json.dumps({"step": step + 1, "seconds": step / 10, "loss": 0.5}) + "\\n")
    if wish == recipe + " ends" and step == 2:
        break
    time.sleep(0.05)
"""


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """What the fakes say of themselves: one split line a process."""
    path = tmp_path / "notes"
    path.touch()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("FAKE_NOTES", str(path))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(temporary))
    return lambda: [line.split() for line in path.read_text().splitlines()]


@pytest.fixture
def begin(notes, tmp_path):
    """begin(**bounds) -> a Live over the fakes; at the end nothing of any must be left."""
    script = tmp_path / "fake.py"
    script.write_text(FAKE)
    made = []

    def make(**bounds):
        whole = Bounds(**vars(QUICK) | bounds)
        made.append(Live(whole, [sys.executable, str(script)]))
        return made[-1]

    yield make
    for one in made:
        one.close()
        assert one._thread is None or not one._thread.is_alive()
    assert not any(alive(int(note[0])) for note in notes())
    assert list((tmp_path / "temporary").iterdir()) == []


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def wait_for(what, seconds=20):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def until(one, ticket, *states):
    def there():
        seen = one.look(ticket, [-1, -1])
        return seen if seen["state"] in states else None

    return wait_for(there)


OVER = (live.DONE, live.STOPPED, live.FAILED)


def test_a_pair_trains_for_its_time_and_shows_its_rows(begin, notes):
    one = begin()
    ticket = one.start(DIGITS, "ann")
    seen = until(one, ticket, *OVER)
    assert (seen["state"], seen["said"], seen["place"]) == (live.DONE, "", 0)
    assert 0.6 <= seen["seconds"] < 5
    assert seen["of_seconds"] == 0.6
    for side, recipe in zip(seen["sides"], ("gan", "vae"), strict=True):
        assert side["recipe"] == recipe
        assert side["steps"][:3] == [0, 1, 2]
        assert side["sheet"].startswith("data:image/png;base64,")
        assert side["curves"]["step"][:2] == [1, 2]
        assert set(side["curves"]["loss"]) == {0.5}
    rest = one.look(ticket, [seen["sides"][0]["steps"][-1], 1])["sides"]
    assert (rest[0]["steps"], rest[0]["sheet"], rest[1]["steps"][0]) == ([], None, 2)
    (_, *gan), (_, *vae) = sorted(notes(), key=lambda note: note[1])
    assert (gan[0], vae[0], gan[1], vae[1]) == ("gan", "vae", "mnist", "mnist")
    # One thread, all seconds with some to spare, niceness, a process group of its own.
    assert gan[3:] == vae[3:] == ["1", "18.6", "1", "True", "cpu"]
    assert Path(gan[2]).parent == Path(vae[2]).parent
    assert not Path(gan[2]).parent.exists()


@pytest.mark.parametrize("wish", ["gan refuses", "vae refuses"])
def test_what_the_command_says_is_told(begin, notes, monkeypatch, wish):
    monkeypatch.setenv("FAKE_WISH", wish)
    one = begin(train_seconds=60)
    seen = until(one, one.start(DIGITS, "ann"), *OVER)
    assert (seen["state"], seen["said"]) == (
        live.FAILED, "MNIST is not in /nowhere: point DUET_DATA at it"
    )


def test_what_does_not_begin_in_time_is_ended(begin, monkeypatch):
    monkeypatch.setenv("FAKE_WISH", "vae idles")
    one = begin(start_seconds=1.0)
    seen = until(one, one.start(DIGITS, "ann"), *OVER)
    assert (seen["state"], seen["seconds"]) == (live.FAILED, 0)
    assert "did not begin in time" in seen["said"]


def test_a_command_that_ends_by_itself_is_waited_for_no_more_than_the_other(begin, monkeypatch):
    monkeypatch.setenv("FAKE_WISH", "gan ends")
    one = begin(train_seconds=2)
    assert until(one, one.start(DIGITS, "ann"), *OVER)["seconds"] >= 2


def test_a_side_keeps_the_rows_that_its_sheet_has_no_more(tmp_path, monkeypatch):
    def show(*steps):
        rows = torch.stack([torch.full((1, 2, 32), step, dtype=torch.uint8) for step in steps])
        evolution.write(tmp_path / EVOLUTION, evolution.Sheet(steps, rows))
        side.look(tmp_path)

    side = visit.Side("gan")
    side.look(tmp_path)
    assert side.as_json(-1) == {"recipe": "gan", "steps": [], "sheet": None, "curves": {}}
    show(0, 1, 2)
    first = side.rows
    show(0, 2, 4)
    assert sorted(first) == [0, 1, 2]  # whoever reads it meanwhile
    assert side.as_json(-1)["steps"] == [0, 1, 2, 4]
    told = side.as_json(1)
    assert told["steps"] == [2, 4]
    content = base64.b64decode(told["sheet"].partition(",")[2])
    with Image.open(io.BytesIO(content)) as picture:
        assert [picture.getpixel((9, y)) for y in range(4)] == [2, 2, 4, 4]
    monkeypatch.setattr(visit, "MOST_ROWS", 4)
    show(0, 5)
    assert side.as_json(-1)["steps"] == [0, 1, 2, 4]


def test_what_a_process_has_started_ends_with_it(tmp_path):
    script = tmp_path / "starts.py"
    script.write_text(
        "import subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(other.pid, file=open('scratch', 'w'))\n"
        "import os; os.rename('scratch', 'pid')\n"
        "time.sleep(60)\n"
    )
    command = [sys.executable, str(script)]
    with processes.training(command, "gan", DIGITS, tmp_path, 60, 1) as process:
        wait_for((tmp_path / "pid").exists)
        pids = process.pid, int((tmp_path / "pid").read_text())
        assert all(map(alive, pids))
    wait_for(lambda: not any(map(alive, pids)))


def test_one_pair_at_a_time_and_the_others_see_their_place(begin, notes):
    one = begin(train_seconds=60)
    first, second = one.start(DIGITS, "ann"), one.start(DIGITS, "bob")
    until(one, first, live.TRAINING)
    third = one.start(DIGITS, "cyd")
    assert [one.look(t, [-1, -1])["place"] for t in (first, second, third)] == [0, 1, 2]
    assert len(notes()) == 2
    with pytest.raises(LiveError, match="Too many wait"):
        one.start(DIGITS, "dan")
    one.stop(second)
    assert one.look(second, [-1, -1])["state"] == live.STOPPED
    assert one.look(third, [-1, -1])["place"] == 1
    one.stop(first)
    until(one, third, live.TRAINING)
    assert one.look(first, [-1, -1])["state"] == live.STOPPED
    assert sum(alive(int(note[0])) for note in notes()) == 2


def test_nobody_has_two(begin):
    one = begin(train_seconds=60)
    ticket = one.start(DIGITS, "ann")
    with pytest.raises(LiveError, match="not over yet"):
        one.start(DIGITS, "ann")
    one.stop(ticket)
    until(one, ticket, live.STOPPED)
    one.start(DIGITS, "ann")


def test_who_looks_no_more_is_gone_and_so_is_all_of_it(begin, notes):
    one = begin(train_seconds=60, gone_seconds=1.5)
    first, second = one.start(DIGITS, "ann"), one.start(DIGITS, "bob")
    until(one, first, live.TRAINING)
    wait_for(lambda: one._thread is None)  # it has nobody left to serve
    for ticket in (first, second):
        with pytest.raises(LiveError, match="over and forgotten"):
            one.look(ticket, [-1, -1])
    assert len(notes()) == 2  # the second never began


def test_looking_on_keeps_nothing_alive_beyond_its_time(begin):
    one = begin(gone_seconds=0.5)
    ticket = one.start(DIGITS, "ann")
    until(one, ticket, live.DONE)
    for _ in range(10):
        assert one.look(ticket, [-1, -1])["state"] == live.DONE
        time.sleep(0.1)


def test_an_end_of_the_app_ends_it(begin, notes):
    one = begin(train_seconds=60)
    until(one, one.start(DIGITS, "ann"), live.TRAINING)
    waiting = one.start(DIGITS, "bob")
    one.close()
    assert not any(alive(int(note[0])) for note in notes())
    assert one.look(waiting, [-1, -1])["state"] == live.WAITING
    with pytest.raises(LiveError, match="ending"):
        one.start(DIGITS, "cyd")


@pytest.mark.parametrize(
    ("ticket", "seen"),
    [("x", [-1, -1]), (None, [-1, -1]), (["x"], [-1, -1]), ("good", [-1]), ("good", None),
     ("good", [-2, 0]), ("good", [0.5, 0]), ("good", [True, 0]), ("good", [2**60, 0])],
)
def test_calls_that_make_no_sense_are_refused(begin, ticket, seen):
    one = begin(train_seconds=60)
    good = one.start(DIGITS, "ann")
    with pytest.raises(live.DuetError):
        one.look(good if ticket == "good" else ticket, seen)
    with pytest.raises(LiveError, match="never begun"):
        one.stop("x")


def test_somebodys_own_pictures_are_not_looked_for(begin):
    with pytest.raises(LiveError, match="somebody's own"):
        begin().start(DataRecord("cats", "Cats", ()), "ann")


def test_many_at_once_start_one(begin, notes):
    one, refused = begin(train_seconds=60), []

    def start(_):
        try:
            one.start(DIGITS, "ann")
        except LiveError:
            refused.append(1)

    threads = [threading.Thread(target=start, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    wait_for(lambda: len(notes()) == 2)


def test_what_is_over_is_kept_for_a_few_however_many_look_on(begin):
    one = begin(train_seconds=60, most_over=3)
    first = one.start(DIGITS, "ann")
    until(one, first, live.TRAINING)
    over = []
    for _ in range(5):
        over.append(one.start(DIGITS, "bob"))
        one.stop(over[-1])
    one.start(DIGITS, "bob")
    with pytest.raises(LiveError, match="over and forgotten"):
        one.look(over[1], [-1, -1])
    assert [one.look(ticket, [-1, -1])["state"] for ticket in over[2:]] == [live.STOPPED] * 3
    assert one.look(first, [-1, -1])["state"] == live.TRAINING


def test_what_fails_unforeseen_is_told_to_the_log_and_the_next_has_a_turn(
    begin, monkeypatch, capfd
):
    one, train = begin(train_seconds=60), Live._train

    def fail(self, visit):
        if visit.owner == "ann":
            raise ValueError("a secret path")
        return train(self, visit)

    monkeypatch.setattr(Live, "_train", fail)
    seen = until(one, one.start(DIGITS, "ann"), *OVER)
    assert seen["state"] == live.FAILED
    assert "the log of the app" in seen["said"]
    assert "a secret path" in capfd.readouterr().err
    until(one, one.start(DIGITS, "bob"), live.TRAINING)


def test_packing_pictures_for_one_keeps_no_other_waiting(begin, monkeypatch):
    one, go = begin(train_seconds=60), threading.Event()
    ticket = one.start(DIGITS, "ann")
    until(one, ticket, live.TRAINING)
    monkeypatch.setattr("demo.pictures.data_url", lambda rows: go.wait(20) and "data:")
    packing = threading.Thread(target=one.look, args=(ticket, [-1, -1]))
    packing.start()
    assert one.look(one.start(DIGITS, "bob"), [-1, -1])["place"] == 1
    assert packing.is_alive()
    go.set()
    packing.join()


BOUNDED = """
import os, resource, sys, time
from demo import child
child.bound(float(sys.argv[1]), 3)
print(os.nice(0), flush=True)
print(*(resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1]
        for name in ("CPU", "FSIZE", "CORE")), flush=True)
while True: sum(range(1000))
"""


def bounded(seconds, root):
    return subprocess.Popen(
        [sys.executable, "-c", BOUNDED, str(seconds)], cwd=root, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    )


def test_a_child_is_nice_and_ends_in_time(root):
    with bounded(1.0, root) as process:
        assert int(process.stdout.readline()) == os.nice(0) + 3
        assert process.stdout.readline() == "2 268435456 0\n"  # seconds, bytes of a file and a core
        began = time.monotonic()
        assert process.wait(20) == 1
        assert time.monotonic() - began < 10


def test_a_child_ends_when_its_input_does(root):
    with bounded(60, root) as process:
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(20) == 1


PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], "60"], stdin=subprocess.PIPE,
                         start_new_session=True)
print(child.pid, flush=True)
child.wait()
"""


def test_a_child_ends_with_a_parent_that_is_killed(root):
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, BOUNDED], cwd=root, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        parent.stdout.readline()  # the child is bound
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        try:
            wait_for(lambda: not alive(pid))
        finally:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
