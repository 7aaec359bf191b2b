"""python -m demo.site: the stage as plain static files, for any web host.

demo/stage/ is that site. What is made in it, not written, lies under models/ and in stage.json: the
exported models, packed, and a recording of the drift that plays until they have been loaded. This
command makes again what belongs to other weights than those shipped, then copies the folder.
"""

import gzip
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import tyro
from PIL import Image

import duet
from duet.core import latents, pixels, program
from duet.core.domains import PIXELS
from duet.core.errors import DuetError
from duet.core.files import read_object, replacing_folder, write_json
from duet.store.checkpoint import Checkpoint, shipped_names

STAGE = Path(__file__).resolve().parent / "stage"
FACTS, MODELS, ABOUT, DRIFT = "stage.json", "models", "model.json", "drift.png"
SIDES = {"left": "adversarial", "right": "variational"}  # a role each; others can be chosen
# Frame k stands at (x + k dx, y + k dy).
PATH = {"x": 3.0, "y": 12.0, "dx": 0.024, "dy": 0.010, "count": 96, "per_second": 12}


class SiteError(DuetError):
    """The site cannot be written there, or not from these checkpoints; the message says why."""


def site(out: Path = Path("site")) -> Path:
    """Write the static site and print its folder.

    Args:
        out: Folder to write. An earlier site there is replaced.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / FACTS).exists())):
        raise SiteError(f"{out} holds something else than a site; name a new folder")
    make()
    with replacing_folder(out) as scratch:
        shutil.copytree(STAGE, scratch, dirs_exist_ok=True)
    return out


def make() -> None:
    """Bring models/ and stage.json in line with the shipped checkpoints."""
    loaded = [duet.load(name) for name in shipped_names()]
    shipped = [checkpoint for checkpoint in loaded if checkpoint.model.config.domain == PIXELS]
    for checkpoint in shipped:
        if not _is_current(checkpoint):
            _make_model(checkpoint, STAGE / MODELS / checkpoint.name)
    for folder in (STAGE / MODELS).iterdir():
        if folder.name not in {checkpoint.name for checkpoint in shipped}:
            shutil.rmtree(folder)
    facts: dict[str, Any] = {side: _first(shipped, role) for side, role in SIDES.items()}
    names = sorted((c.name for c in shipped), key=lambda name: name not in facts.values())
    facts["drift"] = {**PATH, "files": {name: f"{MODELS}/{name}/{DRIFT}" for name in names}}
    facts["models"] = [read_object(STAGE / MODELS / name / ABOUT) for name in names]
    write_json(STAGE / FACTS, facts)


def _first(shipped: list[Checkpoint], role: str) -> str:
    """The name of the first checkpoint of a role."""
    for checkpoint in shipped:
        if checkpoint.model.role == role:
            return checkpoint.name
    raise SiteError(f"the stage needs a shipped {role} model")


def _is_current(checkpoint: Checkpoint) -> bool:
    path = STAGE / MODELS / checkpoint.name / ABOUT
    return path.exists() and read_object(path)["weights_sha256"] == checkpoint.weights_sha256


def _make_model(checkpoint: Checkpoint, folder: Path) -> None:
    """The exported files, packed, and the recording."""
    from duet.export.onnx import export  # onnx takes a second, which a copy need not wait

    with tempfile.TemporaryDirectory() as temporary, replacing_folder(folder) as scratch:
        exported = Path(temporary) / checkpoint.name
        export(checkpoint, exported)
        for path in exported.glob("*.onnx"):
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            (scratch / f"{path.name}.gz").write_bytes(packed)
        shutil.copyfile(exported / ABOUT, scratch / ABOUT)
        _recording(checkpoint).save(scratch / DRIFT, optimize=True)


def _recording(checkpoint: Checkpoint) -> Image.Image:
    """The drift's frames from left to right, as the stage itself would draw them."""
    model = checkpoint.model
    drawn = [
        latents.plane(
            PATH["x"] + k * PATH["dx"], PATH["y"] + k * PATH["dy"],
            model.latent_dim, model.num_classes,
        )
        for k in range(int(PATH["count"]))
    ]
    images = model.render(torch.cat([z for z, _ in drawn]), torch.cat([y for _, y in drawn]))
    return pixels.to_pil(images.permute(1, 2, 0, 3).flatten(2))


def main(argv: Sequence[str] | None = None) -> int:
    """Write the site; 0 done, 2 refused."""

    def work() -> int:
        print(tyro.cli(site, prog="python -m demo.site", description=__doc__, args=argv))
        return 0

    return program.run(work)


if __name__ == "__main__":
    sys.exit(main())
