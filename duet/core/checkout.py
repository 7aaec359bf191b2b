"""Where the code runs from: its root, its commit, what was shipped with it."""

import os
import subprocess
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
ROOT = PACKAGE.parent
# An installed package brings its checkpoints along; a checkout has them beside it.
SHIPPED = PACKAGE / "checkpoints" if (PACKAGE / "checkpoints").is_dir() else ROOT / "checkpoints"


def git_commit() -> str | None:
    """The commit that runs, "-dirty" behind it where files differ; None outside a checkout, also
    where a folder above is one of something else."""
    describe = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(
            describe, cwd=ROOT, capture_output=True, text=True, check=True,
            env=os.environ | {"GIT_CEILING_DIRECTORIES": str(ROOT.parent)},
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
