"""The README and its friends say what is so."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from duet.data.__main__ import main as data_main
from duet.hub.space import HOME
from duet.store import checkpoint
from evaluation.__main__ import main as evaluation_main
from training.__main__ import main as training_main

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEADER = yaml.safe_load(README.split("---\n")[1])
MAINS = {"duet.data": data_main, "evaluation": evaluation_main, "training": training_main}
PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/evaluation.md")
DOCUMENTS = [ROOT / name for name in PAGES]
PINS = dict(
    re.sub(r"\[\w+\]", "", line.split(";")[0]).strip().split("==")
    for line in (ROOT / "requirements.txt").read_text().splitlines()
    if "==" in line
)


def shell_lines() -> list[str]:
    """Every command of the README's sh blocks, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [shlex.join(shlex.split(line, comments=True)) for b in blocks for line in b.splitlines()]


def test_space_header_agrees_with_the_pins():
    assert HEADER["sdk"] == "gradio"
    assert HEADER["sdk_version"] == PINS["gradio"]
    assert HEADER["python_version"] == "3.12"  # a string: bare 3.10 would be YAML's 3.1
    assert (ROOT / HEADER["app_file"]).is_file()
    assert len(HEADER["short_description"]) <= 60
    assert HOME in HEADER["thumbnail"]  # what a deployment writes its own address over


def test_space_header_lists_the_shipped_checkpoints():
    names = {model.split("/")[1] for model in HEADER["models"]}
    assert names == set(checkpoint.shipped_names())


def test_score_table_is_what_is_stored(capsys):
    assert evaluation_main(["table", "--check"]) == 0, capsys.readouterr().err


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith("python -m")])
def test_the_readmes_commands_are_understood(line, capsys):
    """Each parses: --help is put behind it, which only a known command and its flags survive."""
    package, *arguments = line.split()[2:]
    with pytest.raises(SystemExit, match=r"^0$"):
        MAINS[package]([*arguments, "--help"])


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"\bmake ([a-z]+)", README)
    assert named
    for target in named:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_python_of_the_readme_runs():
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    scope: dict = {}
    exec(block, scope)
    assert scope["images"].shape == (16, 1, 28, 28)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_pictures_are_there(document):
    targets = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    for target in targets:
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def mapped() -> list[str]:
    """The paths of the map that opens docs/architecture.md."""
    (block,) = re.findall(r"```\n(.*?)```", (ROOT / "docs/architecture.md").read_text(), re.DOTALL)
    paths: list[str] = []
    for line in block.splitlines():
        inner = paths and line.startswith("  ")
        outer = next(p for p in reversed(paths) if p == p.split("/")[0] + "/") if inner else ""
        paths.append(outer + line.split()[0])
    return paths


def test_the_map_is_the_tree():
    paths = mapped()
    assert all((ROOT / path).exists() for path in paths), paths
    inner = {path for path in paths if path.startswith("duet/") and path != "duet/"}
    folders = {f"duet/{path.parent.name}/" for path in ROOT.glob("duet/*/*.py")}
    assert inner == folders


def test_the_readme_opens_with_the_same_folders():
    (table,) = re.findall(r"\| folder .*?\n\n", README, re.DOTALL)
    assert set(re.findall(r"`([\w.]+/?)`", table)) == {
        path for path in mapped() if "/" not in path.rstrip("/")
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_are_there(document):
    """Paths in backquotes, where they look like files of ours."""
    text = document.read_text(encoding="utf-8")
    for path in re.findall(r"`((?:data|models|training|evaluation|demo|tests)/[\w/]+\.py)`", text):
        assert "NAME" in path or (ROOT / path).exists(), path


def test_no_shipped_file_needs_git_lfs():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    big = [p for p in tracked if p and (ROOT / p).exists() and (ROOT / p).stat().st_size > 10e6]
    assert not big
