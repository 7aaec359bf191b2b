"""The import table of DESIGN.md, held by the import statements themselves."""

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest

from duet.data.__main__ import audit_command
from duet.data.flags import ImageSize, PictureColour, SkipBroken
from evaluation.__main__ import COMMANDS
from training.recipes import RECIPES

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = {"duet.core", "duet.data", "duet.models", "duet.store", "duet.hub", "duet.export", "duet"}
PACKAGES = (*sorted(LIBRARY), "training", "evaluation", "demo", "app")
MAY_IMPORT = {
    "duet.core": set(),
    "duet.data": {"duet.core"},
    "duet.models": {"duet.core"},
    "duet.store": {"duet.core", "duet.data", "duet.models"},
    "duet.hub": {"duet.core", "duet.models", "duet.store"},
    "duet.export": {"duet.core", "duet.models", "duet.store"},
    "duet": {"duet.core", "duet.hub", "duet.store"},
    "training": LIBRARY,
    "evaluation": LIBRARY,
    "demo": LIBRARY,
    "app": {"demo"},
}
ONLY_HOMES = {
    "torchvision": {"duet.data"},
    "safetensors": {"duet.core"},
    "huggingface_hub": {"duet.hub"},
    "torch_fidelity": {"evaluation"},
    "onnx": {"duet.export"},
    "accelerate": {"training"},
    "matplotlib": {"training", "evaluation"},
    "gradio": {"demo", "app"},
}


def sources(package: str) -> list[Path]:
    """The files of a package; of "duet" only those that are in none of its parts."""
    folder = ROOT / package.replace(".", "/")
    if package == "app":
        return [folder.with_suffix(".py")]
    return sorted(folder.glob("*.py") if package == "duet" else folder.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """All modules that a file imports, at any depth of its code: ours as the table names them,
    others by their first name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from duet import data` imports a part, `from duet import load` the package.
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {_package(name) for name in names}


def _package(module: str) -> str:
    two = ".".join(module.split(".")[:2])
    return two if two in PACKAGES else module.split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_our_packages_import_one_way(package):
    assert sources(package)
    for path in sources(package):
        ours = imported(path) & (set(PACKAGES) | {"tests"}) - {package}
        assert ours <= MAY_IMPORT[package], f"{path} imports {ours - MAY_IMPORT[package]}"


@pytest.mark.parametrize("library", ONLY_HOMES)
def test_a_library_has_one_home(library):
    homes = {p for p in PACKAGES for path in sources(p) if library in imported(path)}
    assert homes <= ONLY_HOMES[library]
    assert homes, f"nothing imports {library} any more: take it out of the table"


@pytest.mark.parametrize(
    ("library", "doors"),
    [
        ("torch_fidelity", ["evaluation/classifier_features.py", "evaluation/fidelity.py"]),
        ("safetensors", ["duet/core/tensors.py"]),
        ("huggingface_hub", ["duet/hub/client.py"]),
        ("torchvision", ["duet/data/published.py"]),
        ("onnx", ["duet/export/onnx.py"]),
        ("accelerate", ["training/processes.py"]),
    ],
)
def test_a_library_enters_by_few_files(library, doors):
    files = [path for package in PACKAGES for path in sources(package)]
    users = [str(path.relative_to(ROOT)) for path in files if library in imported(path)]
    assert users == doors


def test_the_app_imports_no_training_or_evaluation_library():
    code = "import app, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    heavy = {"torchvision", "torch_fidelity", "accelerate", "matplotlib", "training", "evaluation",
             "onnx", "onnxscript"}
    assert "gradio" in loaded
    assert not loaded & heavy


def test_no_pickle_is_ever_loaded():
    """The one torch.load of the product is the one that refuses code."""
    for package in PACKAGES:
        for path in sources(package):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                    assert "weights_only=True" in ast.unparse(node), path
            assert not imported(path) & {"pickle", "joblib", "dill"}, path


def test_pixels_change_range_in_one_file():
    files = [path for package in PACKAGES for path in sources(package)]
    users = [path for path in files if "127.5" in path.read_text(encoding="utf-8")]
    assert [str(path.relative_to(ROOT)) for path in users] == ["duet/core/domains.py"]


OTHERS_FLAGS = ("__main__.py", "checkout.py", "space.py")  # of a command line, of git, of pip


@pytest.mark.parametrize(
    "package", ["duet.core", "duet.data", "duet.models", "duet.store", "duet.hub"]
)
def test_the_library_speaks_of_arguments(package):
    """A refusal may reach somebody who has called a function; flags are of command lines."""
    for path in sources(package):
        if path.name in OTHERS_FLAGS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(^|[\s(])--[a-z]", node.value), f"{path}: {node.value}"


@pytest.mark.parametrize(
    "command",
    [RECIPES["gan"].config, audit_command,
     *(COMMANDS[name] for name in ("measure", "compare", "reference", "train-extractor"))],
)
def test_flags_about_pictures_have_one_text(command):
    hints = get_type_hints(command, include_extras=True)
    assert hints["image_size"] == ImageSize
    assert hints["colour"] == PictureColour
    assert hints["skip_broken"] == SkipBroken
