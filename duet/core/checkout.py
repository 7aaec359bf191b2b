"""The checkout that the code runs from: its root, its commit."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def git_commit() -> str | None:
    """The commit that runs, "-dirty" behind it where files differ; None outside a checkout."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
