import ctypes
import logging
import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo import launch, memory
from demo.launch import LaunchError


@pytest.mark.parametrize("word", ["1", "true", "YES", " on "])
def test_a_public_link_is_made_where_it_is_asked_for(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert launch.launch_options()["share"] is True


@pytest.mark.parametrize("word", ["", "0", "false", "No", "off", " 0 "])
def test_no_is_no(monkeypatch, word):
    monkeypatch.setenv("SHARE", word)
    assert launch.launch_options()["share"] is False


def test_another_word_is_refused(monkeypatch):
    monkeypatch.setenv("SHARE", "perhaps")
    with pytest.raises(LaunchError, match="SHARE must be one of 1, true, yes, on or 0, false"):
        launch.launch_options()


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "9" * 5000])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)
    with pytest.raises(LaunchError, match=r"PORT must be a number from 1 to 65535, not '.{1,45}$"):
        launch.launch_options()


def test_sessions_are_few():
    """Gradio keeps the whole page of each in memory, and every call by a program is one."""
    assert launch.launch_options()["state_session_capacity"] <= 100


@pytest.mark.parametrize(
    ("reason", "words"),
    [(PermissionError(13, "denied"), "port 80 is the system's, .* set PORT to a higher one"),
     (OSError(98, "in use"), "port 80 is taken; set PORT to another")],
)
def test_a_port_that_cannot_be_had_says_why(monkeypatch, reason, words):
    def bind(self, address):
        assert address == ("127.0.0.1", 80)
        raise reason

    monkeypatch.setattr(launch.socket.socket, "bind", bind)
    monkeypatch.setenv("PORT", "80")
    with pytest.raises(LaunchError, match=words):
        launch._launch(None)


@pytest.mark.parametrize(
    ("port", "words"), [("", "no free port from 7860 on"), ("1", "port 1 is free, but serving")]
)
def test_a_server_that_does_not_start_is_not_called_a_taken_port(monkeypatch, port, words):
    def fail(**options):
        raise OSError("Cannot find empty port in range: 1-1.")

    monkeypatch.setattr(launch, "_check_port", lambda port: None)
    monkeypatch.setenv("PORT", port)
    with pytest.raises(LaunchError, match=words):
        launch._launch(SimpleNamespace(launch=fail))


@pytest.mark.skipif(memory._glibc() is None, reason="glibc's own")
def test_heaps_are_few_before_anything_is_served(monkeypatch, capfd):
    said = []
    library = SimpleNamespace(mallopt=lambda *what: said.append(what))
    monkeypatch.setattr(memory, "_glibc", lambda: library)
    monkeypatch.setattr(launch, "_check_port", lambda port: None)
    launch._launch(SimpleNamespace(launch=lambda **options: said.append("served")))
    assert said == [(-8, 2), "served"]
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.skipif(memory._glibc() is None, reason="glibc's own")
def test_what_is_free_is_given_back():
    """Small pieces below one that is used stay with the process until it is told to let go."""
    library = memory._glibc()
    library.malloc.restype = ctypes.c_void_p
    pieces = [library.malloc(2000) for _ in range(20_000)]
    for piece in pieces:
        ctypes.memset(piece, 1, 2000)
    for piece in pieces[:-1]:
        library.free(ctypes.c_void_p(piece))
    before = resident()
    memory.give_back()
    assert resident() < before - 20e6
    library.free(ctypes.c_void_p(pieces[-1]))


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("before", ["", "intra.example"])
def test_a_proxy_has_no_part_in_what_the_app_asks_itself(monkeypatch, before):
    """And a slow first page is no reason to end."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, before)
    launch._bypass_proxies()
    assert urllib.request.proxy_bypass("127.0.0.1")
    assert urllib.request.proxy_bypass("localhost")
    assert urllib.request.proxy_bypass("intra.example") == bool(before)
    assert not urllib.request.proxy_bypass("huggingface.co")
    assert launch.launch_options()["_frontend"] is False


def test_who_waits_for_a_turn_keeps_no_file_from_being_sent():
    """40 is Starlette's own number, and of its threads, which send the files."""
    assert launch.launch_options()["max_threads"] == launch.MOST_AT_ONCE != 40


def test_a_taken_port_is_one_line_of_words_and_nothing_is_left(root, tmp_path):
    """Also where the terminal knows no Unicode."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=root, capture_output=True, text=True, check=False,
            env=os.environ | {
                "PORT": port, "GRADIO_TEMP_DIR": str(tmp_path), "PYTHONIOENCODING": "ascii",
                "DUET_MODELS": str(tmp_path / "nöthing"),
            },
        )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: port {port} is taken; set PORT to another, or to none for the first that is free"
    ]
    assert list(tmp_path.iterdir()) == []


def test_what_is_imported_early_sets_up_no_log(monkeypatch):
    """Else each request of a server in this process would be written to today's stdout."""
    loggers = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.access", "uvicorn.error")]
    for logger in loggers:
        monkeypatch.setattr(logger, "handlers", [])
    launch._import_server()
    assert [logger.handlers for logger in loggers] == [[], [], []]
