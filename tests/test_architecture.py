"""The import table of DESIGN.md, held by the import statements themselves."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("data", "models", "training", "evaluation", "demo", "app")
MAY_IMPORT = {
    "data": set(),
    "models": set(),
    "training": {"data", "models"},
    "evaluation": {"data", "models"},
    "demo": {"models"},
    "app": {"demo"},
}
ONLY_HOMES = {
    "torchvision": {"data"},
    "safetensors": {"models"},
    "huggingface_hub": {"models"},
    "torch_fidelity": {"evaluation"},
    "gradio": {"demo", "app"},
}


def sources(package: str) -> list[Path]:
    return [ROOT / "app.py"] if package == "app" else sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """First names of all modules that a file imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add((node.module or "").split(".")[0])
    return names


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
    ("library", "door"),
    [
        ("torch_fidelity", "evaluation/fidelity.py"),
        ("safetensors", "models/tensors.py"),
        ("huggingface_hub", "models/hub.py"),
        ("torchvision", "data/mnist.py"),
    ],
)
def test_a_library_enters_by_one_file(library, door):
    files = [path for package in PACKAGES for path in sources(package)]
    users = [str(path.relative_to(ROOT)) for path in files if library in imported(path)]
    assert users == [door]


def test_the_app_imports_no_training_or_evaluation_library():
    code = "import app, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    heavy = {"torchvision", "torch_fidelity", "accelerate", "matplotlib", "training", "evaluation"}
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
