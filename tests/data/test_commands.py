"""python -m duet.data, as a command line."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from duet.data.__main__ import main

ROOT = Path(__file__).parents[2]


def test_list_says_what_is_where(fake_mnist, tmp_path, capsys, write_zip, png):
    assert main(["list", "--data-dir", str(fake_mnist)]) == 0
    table, talk = capsys.readouterr()
    assert "mnist          train: MNIST/raw/train-images-idx3-ubyte, test: MNIST/raw/t10k" in table
    assert "cifar10        train: –, test: –" in table
    assert str(fake_mnist) in table
    assert talk == ""
    write_zip(tmp_path / "cifar10-test.zip", {"cat/1.png": png(1)})
    assert main(["list", "--json", "--data-dir", str(tmp_path)]) == 0
    said = json.loads(capsys.readouterr().out)
    found = {known["name"]: known["found"] for known in said["sets"]}
    assert found["cifar10"] == {"train": None, "test": "cifar10-test.zip"}
    assert found["stacked-mnist"] == {"train": None, "test": None}
    assert said["sets"][3]["looked_for"]["test"][1] == ["cifar10-test.zip"]


def test_an_audit_of_a_folder(folder, png, tmp_path, capsys):
    root = folder({f"{label}/{i}.png": png(i + 50 * ord(label)) for label in "ab"
                   for i in range(20)} | {"a/again.png": png(50 * ord("a"))})
    page = tmp_path / "page.html"
    assert main(["audit", str(root), "--image-size", "16", "--html", str(page)]) == 0
    table, talk = capsys.readouterr()
    assert "exact duplicates  1 pairs" in table
    assert "originals         from 12×12 to 12×12, median 12×12; 41 are enlarged" in table
    assert "become 16×16 pixels" in talk
    assert page.read_text().startswith("<!doctype html>")
    assert main(["audit", str(root), "--json", "--colour", "grey", "--image-size", "12"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["image_shape"] == [1, 12, 12]
    assert said["exact"]["count"] == 1


def test_a_refused_audit_leaves_the_old_page(folder, png, tmp_path, capsys):
    page = tmp_path / "page.html"
    page.write_text("old")
    root = folder({f"{i}.png": png(i) for i in range(10)} | {"notes.txt": b"text"})
    assert main(["audit", str(root), "--html", str(page)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: " in err
    assert "notes.txt" in err
    assert "leave them out by skip_broken" in err
    assert page.read_text() == "old"
    assert [path.name for path in tmp_path.glob("*.html*")] == ["page.html"]
    assert main(["audit", str(root), "--html", str(page), "--skip-broken"]) == 0
    assert page.read_text() != "old"


def test_a_page_that_cannot_be_written_is_found_out_first(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("duet.data.load", lambda *_, **__: pytest.fail("the long work began"))
    (tmp_path / "file").touch()
    assert main(["audit", "mnist", "--html", str(tmp_path)]) == 2
    assert "is a folder; name the file" in capsys.readouterr().err
    assert main(["audit", "mnist", "--html", str(tmp_path / "file" / "page.html")]) == 2
    assert "error: " in capsys.readouterr().err


def test_an_audit_of_what_is_not_there(capsys):
    assert main(["audit", "nope"]) == 2
    assert "unknown data set 'nope'; known: mnist" in capsys.readouterr().err


def test_the_library_needs_tyro_for_its_command_line_alone():
    users = [
        str(path.relative_to(ROOT)) for path in sorted((ROOT / "duet").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom) and "tyro" in ast.unparse(node)
    ]
    assert users == ["duet/data/__main__.py"]


def test_facts_are_to_be_had_without_torchvision():
    code = "import sys, duet.data; print(sorted({'torchvision', 'tyro'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
