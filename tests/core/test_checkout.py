"""The commit that a record names."""

import runpy
import shutil
import subprocess

from duet.core import checkout


def test_the_commit_that_runs(tmp_path, monkeypatch):
    def git(*arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)

    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    assert checkout.git_commit() is None
    (tmp_path / "file").write_text("one")
    git("init", "-q"), git("add", "."), git("commit", "-qm", "first"), git("tag", "-am", "v1", "v1")
    head = git("rev-parse", "HEAD").stdout.strip()
    assert checkout.git_commit() == head  # whatever it is tagged
    (tmp_path / "file").write_text("two")
    assert checkout.git_commit() == f"{head}-dirty"
    (tmp_path / "unpacked").mkdir()
    monkeypatch.setattr(checkout, "ROOT", tmp_path / "unpacked")
    assert checkout.git_commit() is None  # of another work's repository


def test_an_installed_package_has_its_checkpoints_within(tmp_path):
    """SHIPPED is beside the package in a checkout, and within it where a wheel put them there."""
    copy = tmp_path / "duet" / "core" / "checkout.py"
    copy.parent.mkdir(parents=True)
    shutil.copy(checkout.__file__, copy)
    assert runpy.run_path(str(copy))["SHIPPED"] == tmp_path / "checkpoints"
    (tmp_path / "duet" / "checkpoints").mkdir()
    assert runpy.run_path(str(copy))["SHIPPED"] == tmp_path / "duet" / "checkpoints"
