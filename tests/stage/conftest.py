"""Node for the modules that need no page."""

import shutil
import subprocess

import pytest

NODE = shutil.which("node")


@pytest.fixture(scope="session")
def node():
    """node(script, *arguments) -> what it prints."""
    if not NODE:
        pytest.skip("needs Node: apt-get install nodejs")

    def run(*arguments) -> str:
        done = subprocess.run(
            [NODE, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
