"""The app as a Gradio Space: this checkout, or as much of it as the app needs, in one commit."""

import subprocess
import sys
from pathlib import Path

import yaml

from duet.core.checkout import ROOT, git_commit
from duet.hub import client
from duet.hub.client import Content, HubError, Repository
from duet.hub.publish import NOBODYS_FILES, base_of, check_id, check_privacy

# The whole requirements.txt: what the Space runs is what was tested here, and beside torch the
# libraries that only training and evaluation need are small.
ENTRY, HEADER, PINS = "app.py", "README.md", "requirements.txt"
PARTS = (ENTRY, "demo", "duet", "checkpoints", "docs/screenshot.png", PINS, HEADER)
# Where README.md says that the Space is; its thumbnail's address needs the one it goes to.
HOME = "spaces/duet/duet/"
# Put before the pins: pip and uv then prefer torch 2.11.0+cpu to PyPI's 2.11.0 with CUDA. As an
# index that place would hide PyPI's newer pillow and numpy from uv.
CPU_BUILD = """\
--find-links https://download.pytorch.org/whl/cpu/torch/
--find-links https://download.pytorch.org/whl/cpu/torchvision/
"""


def space(repo_id: str, /, private: bool = False, force: bool = False, gpu: bool = False) -> str:
    """Create or update a Gradio Space from this checkout and print its address.

    Args:
        repo_id: USER/NAME of the Space; made if absent.
        private: Make the new Space private.
        force: Write over a Space that holds something else.
        gpu: Keep PyTorch's CUDA build, for a Space on ZeroGPU or on a GPU of its own.
    """
    check_id(repo_id)
    _check_header(ROOT / HEADER)
    files: dict[str, Content] = {name: ROOT / name for name in _tracked()}
    readme = (ROOT / HEADER).read_text(encoding="utf-8")
    files[HEADER] = readme.replace(HOME, f"spaces/{repo_id}/").encode()
    if not gpu:
        files[PINS] = (CPU_BUILD + (ROOT / PINS).read_text(encoding="utf-8")).encode()
        print("the Space gets PyTorch's CPU build; ZeroGPU or a GPU needs `gpu`", file=sys.stderr)
    base = base_of(repo_id, kind="space")
    if base is not None:
        check_privacy(base, private)
        if not force:
            _check_ours(base)
    client.check_access(repo_id)
    done = client.push(
        repo_id, files, base=base, gone=_gone(base, files), kind="space", private=private,
        message=f"Deploy {git_commit()}",
    )
    if done is None:
        print(f"{repo_id} is up to date: no commit was made", file=sys.stderr)
    return done or client.link(repo_id, "space")


def _tracked() -> list[str]:
    """The files to send: what git knows of, as it stands in the working tree."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", *PARTS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise HubError(f"{ROOT} is not a git checkout; a Space is made from one") from error
    names = [name for name in done.stdout.split("\0") if (ROOT / name).is_file()]
    absent = [name for name in (ENTRY, HEADER, PINS) if name not in names]
    if absent:
        raise HubError(f"a Space needs {', '.join(absent)}; add it to git")
    return names


def _check_header(readme: Path) -> None:
    """The Hub reads from README.md how to run the Space."""
    parts = readme.read_text(encoding="utf-8").split("---\n", 2)
    header = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    if not isinstance(header, dict) or header.get("sdk") != "gradio":
        raise HubError(f"{readme} must begin with a Space's YAML header that says sdk: gradio")


def _check_ours(base: Repository) -> None:
    """Refuse a Space that is somebody's other work: a deployment deletes what it does not know."""
    ours = {ENTRY, "duet/store/checkpoint.py"} <= base.files.keys()
    if not ours and not base.files.keys() <= NOBODYS_FILES:
        raise HubError(f"the Space {base.repo_id} holds another app; `force` writes over it")


def _gone(base: Repository | None, files: dict[str, Content]) -> set[str]:
    return set() if base is None else base.files.keys() - files - {".gitattributes"}
