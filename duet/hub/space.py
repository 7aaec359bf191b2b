"""Duet as a Space, in one commit: the app, of which this checkout or as much of it as the app needs
is sent, or the stage alone as plain static files."""

import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from duet.core.checkout import ROOT, git_commit
from duet.core.files import read_object
from duet.hub import client
from duet.hub.client import Content, HubError, Repository, Sdk
from duet.hub.publish import NOBODYS_FILES, base_of, check_id, check_privacy
from duet.store import checkpoint

ENTRY, HEADER, PINS = "app.py", "README.md", "requirements.txt"
THUMBNAIL = "docs/screenshot.png"
# What the page tells of scores beside the checkpoints' own: numbers, and no pictures of any data.
SCORES = ("docs/evaluation.md", "docs/ladder.png", "evaluation/reference/*-held-out.json")
STAGE, PAGE, FACTS = "demo/stage", "index.html", "stage.json"
# Where README.md says that the Space is; its thumbnail's address needs the one it goes to.
HOME = "spaces/duet/duet/"
# Put before the pins: pip and uv then prefer torch 2.11.0+cpu to PyPI's 2.11.0 with CUDA. As an
# index that place would hide PyPI's newer pillow and numpy from uv.
CPU_BUILD = """\
--find-links https://download.pytorch.org/whl/cpu/torch/
--find-links https://download.pytorch.org/whl/cpu/torchvision/
"""
OF_GRADIO = ("sdk_version", "python_version", "suggested_hardware")  # in the header
STATIC_TEXT = """
# Duet, without a server

The stage of Duet as plain files: a GAN and a VAE draw the same seeds in your browser. Nothing is
computed on this Space, so it never sleeps and has no queue.
"""


@dataclass(frozen=True)
class _Shape:
    """What is sent, what it cannot do without, and which files only a Space of this shape has."""

    sdk: Sdk
    parts: Collection[str]
    needed: Collection[str]
    marks: Collection[str]


# The whole requirements.txt: what the Space runs is what was tested here, and beside torch the
# libraries that only training and evaluation need are small.
APP = _Shape(
    "gradio", (ENTRY, "demo", "duet", "training", "checkpoints", *SCORES, THUMBNAIL, PINS,
               HEADER),
    (ENTRY, HEADER, PINS), {ENTRY, "duet/store/checkpoint.py"},
)
STATIC = _Shape(
    "static", (STAGE, THUMBNAIL, HEADER), (f"{STAGE}/{PAGE}", f"{STAGE}/{FACTS}", HEADER),
    {PAGE, FACTS},
)


def space(
    repo_id: str, /, private: bool = False, force: bool = False, gpu: bool = False,
    static: bool = False,
) -> str:
    """Create or update a Space from this checkout and print its address.

    Args:
        repo_id: USER/NAME of the Space; made if absent.
        private: Make the new Space private.
        force: Write over a Space that holds something else.
        gpu: Keep PyTorch's CUDA build, for a Space on ZeroGPU or on a GPU of its own.
        static: Send the stage alone, as static files that need no server; not the whole app.
    """
    check_id(repo_id)
    if static and gpu:
        raise HubError("a static Space has no GPU to use; give either `static` or `gpu`")
    header = _header(ROOT / HEADER)
    shape = STATIC if static else APP
    names = _tracked(shape)
    files = _static_files(names, header, repo_id) if static else _app_files(names, repo_id, gpu)
    base = base_of(repo_id, kind="space")
    if base is not None:
        check_privacy(base, private)
        if not force:
            _check_ours(base, shape)
    client.check_access(repo_id)
    done = client.push(
        repo_id, files, base=base, gone=_gone(base, files), kind="space", private=private,
        message=f"Deploy {git_commit()}", sdk=shape.sdk,
    )
    if done is None:
        print(f"{repo_id} is up to date: no commit was made", file=sys.stderr)
    return done or client.link(repo_id, "space")


def _app_files(names: Collection[str], repo_id: str, gpu: bool) -> dict[str, Content]:
    """The app's part of the checkout, its pins and its header made to fit the Space."""
    files: dict[str, Content] = {name: ROOT / name for name in names}
    readme = (ROOT / HEADER).read_text(encoding="utf-8")
    files[HEADER] = readme.replace(HOME, f"spaces/{repo_id}/").encode()
    if not gpu:
        files[PINS] = (CPU_BUILD + (ROOT / PINS).read_text(encoding="utf-8")).encode()
        print("the Space gets PyTorch's CPU build; ZeroGPU or a GPU needs `gpu`", file=sys.stderr)
    return files


def _static_files(
    names: Collection[str], header: Mapping[str, Any], repo_id: str
) -> dict[str, Content]:
    """The stage's folder as the root, with a header of its own."""
    _check_current()
    files: dict[str, Content] = {name.removeprefix(f"{STAGE}/"): ROOT / name for name in names}
    own = {name: value for name, value in header.items() if name not in OF_GRADIO}
    own |= {"sdk": STATIC.sdk, "app_file": PAGE}
    text = yaml.safe_dump(own, sort_keys=False, allow_unicode=True)
    files[HEADER] = f"---\n{text}---\n{STATIC_TEXT}".replace(HOME, f"spaces/{repo_id}/").encode()
    return files


def _check_current() -> None:
    """Refuse a stage that was made from other weights than those that are shipped now."""
    shown = {m["name"]: m["weights_sha256"] for m in read_object(ROOT / STAGE / FACTS)["models"]}
    for name, digest in shown.items():
        folder = ROOT / "checkpoints" / name
        if not folder.is_dir() or checkpoint.read_config(folder).weights_sha256 != digest:
            raise HubError(f"the stage's {name} is not the shipped one; run `make site` first")


def _tracked(shape: _Shape) -> list[str]:
    """The files to send: what git knows of, as it stands in the working tree."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--", *shape.parts]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise HubError(f"{ROOT} is not a git checkout; a Space is made from one") from error
    names = [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    absent = [name for name in shape.needed if name not in names]
    if absent:
        raise HubError(f"a Space needs {', '.join(absent)}; add it to git")
    return names


def _header(readme: Path) -> Mapping[str, Any]:
    """What the Hub reads from README.md: how to run the Space."""
    parts = readme.read_text(encoding="utf-8").split("---\n", 2)
    header = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    if not isinstance(header, dict) or header.get("sdk") != APP.sdk:
        raise HubError(f"{readme} must begin with a Space's YAML header that says sdk: gradio")
    return header


def _check_ours(base: Repository, shape: _Shape) -> None:
    """Refuse a Space that is somebody's other work: a deployment deletes what it does not know."""
    ours = set(shape.marks) <= base.files.keys()
    if not ours and not base.files.keys() <= NOBODYS_FILES:
        raise HubError(f"the Space {base.repo_id} holds another app; `force` writes over it")


def _gone(base: Repository | None, files: dict[str, Content]) -> set[str]:
    return set() if base is None else base.files.keys() - files - {".gitattributes"}
