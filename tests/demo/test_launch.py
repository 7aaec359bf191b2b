import os
import socket
import subprocess
import sys

import pytest

from demo import launch
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
