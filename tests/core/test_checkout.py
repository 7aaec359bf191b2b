"""The commit that a record names."""

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
