"""What `python -m demo.site` makes and copies, and that it belongs to the shipped checkpoints."""

import dataclasses
import gzip
import hashlib
import json
import re
import shutil
import subprocess

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image

import duet
from demo import facts, site, vendor
from demo.catalogue import Catalogue
from duet.core import latents, pixels
from duet.export.about import ABOUT
from duet.store.checkpoint import shipped_names

STAGE = facts.STAGE
FACTS = json.loads((STAGE / site.FACTS).read_text())
# In colour narrower weights move one of 64 pictures by more than a level, so that few are narrowed.
MOST_WIRE_BYTES, MOST_IN_COLOUR = 2_500_000, 8_000_000


def test_the_stage_holds_the_shipped_models():
    """Fails after a release until `make site` has run."""
    assert sorted(about["name"] for about in FACTS["models"]) == sorted(shipped_names())
    for about in FACTS["models"]:
        assert about["weights_sha256"] == duet.load(about["name"]).weights_sha256
        kept = json.loads((STAGE / about["folder"] / ABOUT).read_text())
        assert about.items() >= {k: v for k, v in kept.items() if k != "schema"}.items()
    assert [about["name"] for about in FACTS["models"][:2]] == [FACTS["left"], FACTS["right"]]


@pytest.mark.parametrize("about", FACTS["models"], ids=lambda about: about["name"])
def test_shipped_files_are_small_whole_and_within_a_grey_level(about):
    model = duet.load(about["name"]).model
    rows = [latents.draw(seed, [0], model.latent_dim, model.num_classes) for seed in range(64)]
    z, labels = torch.cat([z for z, _ in rows]), torch.cat([labels for _, labels in rows])
    images = model.render(z, labels)
    found, grey = {}, model.image_shape[0] == 1
    assert ("encoder" in about["files"]) == (grey and hasattr(model, "encode"))
    for role, file in about["files"].items():
        packed = (STAGE / "models" / about["name"] / f"{file['name']}.gz").read_bytes()
        assert len(packed) <= (MOST_WIRE_BYTES if grey else MOST_IN_COLOUR)
        content = gzip.decompress(packed)
        assert hashlib.sha256(content).hexdigest() == file["sha256"]
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        first = {"z": z.numpy()} if role == "decoder" else {"pixels": images.numpy()}
        (found[role],) = session.run(None, {**first, "labels": labels.numpy()})
    assert abs(found["decoder"].astype(int) - images.numpy()).max() <= 1
    if "encoder" in found:
        with torch.no_grad():
            exact = model.encode(images.float() / 127.5 - 1, labels)
        again = model.render(torch.from_numpy(found["encoder"]), labels)
        assert (again.int() - model.render(exact, labels).int()).abs().max() <= 1


def test_the_app_knows_a_model_by_its_weights_whatever_it_is_called():
    """One of other weights under a shipped name is drawn by the server; so is one of no export."""
    shipped = {name: duet.load(name) for name in ("mnist-gan", "mnist-vae")}
    other = dataclasses.replace(shipped["mnist-gan"], weights_sha256="0" * 64)
    told = facts.facts(
        Catalogue({"mine": shipped["mnist-gan"], "mnist-gan": other, "v": shipped["mnist-vae"]}),
        facts.exported(),
    )
    assert (told["left"], told["right"]) == ("mine", "v")
    assert told["datasets"] == {"MNIST": ["mine", "v", "mnist-gan"]}
    assert told["drift"]["files"].keys() == {"mine", "v"}
    mine, v, stranger = told["models"]
    assert mine["folder"] == "models/mnist-gan"
    assert v["encodes"]
    assert "encoder" in v["files"]
    assert (stranger["name"], stranger["files"], stranger["encodes"]) == ("mnist-gan", {}, False)
    assert "folder" not in stranger


@pytest.mark.parametrize("name", [about["name"] for about in FACTS["models"]])
def test_the_recording_is_the_drift(name):
    drift, model = FACTS["drift"], duet.load(name).model
    with Image.open(STAGE / drift["files"][name]) as picture:
        sheet = np.asarray(picture).astype(int)
    side = model.image_shape[1]
    assert sheet.shape[:2] == (side, side * drift["count"])
    for k in (0, 17, drift["count"] - 1):
        place = drift["x"] + k * drift["dx"], drift["y"] + k * drift["dy"]
        z, labels = latents.plane(*place, model.latent_dim, model.num_classes)
        frame = sheet[:, side * k : side * (k + 1)]
        drawn = np.asarray(pixels.to_pil(model.render(z, labels)[0]))
        assert abs(frame - drawn).max() <= 1


def test_the_site_is_written_whole_and_asks_nobody_else(tmp_path, capsys):
    out = tmp_path / "a" / "site"
    assert site.main(["--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    tracked = {path.relative_to(STAGE) for path in STAGE.rglob("*") if path.is_file()}
    assert {path.relative_to(out) for path in out.rglob("*") if path.is_file()} == tracked
    for path in [*out.glob("*.js"), *out.glob("*.css"), out / "index.html"]:
        for reference in re.findall(r"""(?:https?:)?//[\w.]+\.\w+|(?:src|href)="/[^"]*""",
                                    path.read_text()):
            assert "www.w3.org" in reference, f"{path}: {reference}"  # a name, not an address
    assert site.main(["--out", str(out)]) == 0  # an earlier one is replaced


def test_other_peoples_folders_are_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.tex").write_text("mine")
    assert site.main(["--out", str(tmp_path)]) == 2
    assert "name a new folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_stage_is_not_copied_into_itself(tmp_path, monkeypatch, capsys):
    stage = tmp_path / "stage"
    stage.mkdir()
    monkeypatch.setattr(site, "STAGE", stage)
    monkeypatch.setattr(site, "make", lambda: pytest.fail("the work began"))
    assert site.main(["--out", str(stage / "a" / "site")]) == 2
    assert "name a folder beside it" in capsys.readouterr().err
    assert [*stage.iterdir()] == []


def test_what_is_out_of_date_is_made_again(tmp_path, monkeypatch):
    """Only that, and what is no longer shipped goes."""
    stage = tmp_path / "stage"
    shutil.copytree(STAGE / "models", stage / "models")
    shutil.copytree(stage / "models" / "mnist-gan", stage / "models" / "mnist-old")
    (stage / "models" / ".DS_Store").touch()
    path = stage / "models" / "mnist-gan" / ABOUT
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights_sha256": "0" * 64}))
    (stage / "models" / "mnist-vae" / ABOUT).write_text('{"weights_sha256": 7}')
    made = []
    monkeypatch.setattr(site, "STAGE", stage)
    monkeypatch.setattr(facts, "STAGE", stage)
    monkeypatch.setattr(site, "_make_model", lambda checkpoint, folder: made.append(folder))
    site.make()
    assert made == [stage / "models" / name for name in ("mnist-gan", "mnist-vae")]
    assert not (stage / "models" / "mnist-old").exists()
    assert {a["name"] for a in json.loads((stage / site.FACTS).read_text())["models"]} == set(
        shipped_names()
    )


def test_the_runtime_is_the_one_that_was_chosen(monkeypatch, tmp_path, capsys):
    vendor.check()
    runtime = (STAGE / "runtime.js").read_text()
    assert f'"{vendor.FOLDER.name}"' in runtime
    for name, digest in vendor.SHA256.items():
        assert name in runtime
        assert not name.endswith(".wasm") or digest in runtime
    assert "MIT" in (vendor.FOLDER / "LICENSE").read_text()
    shutil.copytree(vendor.FOLDER, tmp_path / "folder")
    monkeypatch.setattr(vendor, "FOLDER", tmp_path / "folder")
    (tmp_path / "folder" / "ort.wasm.bundle.min.mjs").write_text("another")
    assert vendor.main(["--check"]) == 2
    assert "is another file" in capsys.readouterr().err
    failed = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(vendor.subprocess, "run", lambda *command, **named: failed)
    assert vendor.main([]) == 2
    assert "is its registry reachable" in capsys.readouterr().err


def test_a_role_has_the_same_colour_in_the_app():
    stage, app = ((STAGE / "stage.css").read_text(), (STAGE.parent / "style.css").read_text())
    for role in ("adversarial", "variational"):
        (pair,) = re.findall(rf'data-kind="{role}"\] {{ --accent: light-dark\((.+?)\)', stage)
        for colour in pair.split(", "):
            assert f"--{role}: {colour}" in app


def test_types_hold(root):
    """JSDoc's types, by tsc --checkJs where there is one."""
    tsc = shutil.which("tsc") or shutil.which("tsc", path=root / "node_modules/.bin")
    if not tsc:
        pytest.skip("needs TypeScript: make check")
    command = [tsc, "-p", STAGE / "jsconfig.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
