"""`pip install .` gives `import duet`, with the shipped checkpoints, away from the checkout."""

import json
import re
import subprocess
import sys
import zipfile

import pytest

from duet.store.checkpoint import shipped_names

USE = """
import json, sys
import duet
loaded = duet.load("mnist-gan")
print(json.dumps([duet.__file__, list(loaded.sample(2, seed=0).shape),
                  [name for name in sys.modules if name in ("gradio", "torchvision", "tyro")]]))
"""


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel, built with the backend that is installed: no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_package_works_without_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
        names = archive.namelist()
    information = wheel.name.split("-py3")[0] + ".dist-info"
    assert {name.split("/")[0] for name in names} == {"duet", information}
    for name in shipped_names():
        assert f"duet/checkpoints/{name}/model.safetensors" in names
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True, text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    place, shape, programs = json.loads(done.stdout)
    assert place.startswith(str(tmp_path / "site"))
    assert shape == [2, 1, 28, 28]
    assert programs == []


def test_the_packages_needs_are_among_the_pins(root):
    needs = re.findall(r'"(\w+)>=[\d.]+"', (root / "pyproject.toml").read_text())
    pinned = {line.split("==")[0] for line in (root / "requirements.txt").read_text().splitlines()}
    assert "torch" in needs
    assert set(needs) <= pinned
