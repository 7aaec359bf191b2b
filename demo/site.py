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

import torch
import tyro
from PIL import Image

import duet
from demo import atlas, share
from demo.catalogue import Catalogue
from demo.facts import DRIFT, MODELS, PATH, STAGE, exported, facts
from duet.core import latents, pixels, program
from duet.core.domains import PIXELS
from duet.core.errors import DuetError
from duet.core.files import replacing_folder, write_json
from duet.export import about
from duet.store.checkpoint import Checkpoint, shipped_names
from duet.store.records import RecordError

FACTS = "stage.json"


class SiteError(DuetError):
    """The site cannot be written there, or not from these checkpoints; the message says why."""


def site(out: Path = Path("site"), url: str = "") -> Path:
    """Write the static site and print its folder.

    Args:
        out: Folder to write. An earlier site there is replaced.
        url: Where it will be found, "https://host/folder": shared links then show a picture.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / FACTS).exists())):
        raise SiteError(f"{out} holds something else than a site; name a new folder")
    if out.resolve().is_relative_to(STAGE) and out.resolve() != STAGE:
        raise SiteError(f"{out} lies within {STAGE}, which is copied; name a folder beside it")
    make()
    with replacing_folder(out) as scratch:
        shutil.copytree(STAGE, scratch, dirs_exist_ok=True)
        if url:
            page = share.PAGE.read_text(encoding="utf-8")
            page = share.placed(page, url.rstrip("/") + "/")
            (scratch / share.PAGE.name).write_text(page, encoding="utf-8")
    return out


def make() -> None:
    """Bring models/ and stage.json in line with the shipped checkpoints."""
    loaded = (duet.load(name) for name in shipped_names())
    shipped = {c.name: c for c in loaded if c.model.config.domain == PIXELS}
    if not shipped:
        raise SiteError("the stage needs a shipped model; python -m training release ships one")
    stale = [name for name, checkpoint in shipped.items() if not _is_current(checkpoint)]
    for name in stale:
        _make_model(shipped[name], STAGE / MODELS / name)
    for checkpoint in shipped.values():
        atlas.make(checkpoint)
    offer = Catalogue(shipped)
    pair = offer.default_pair()
    if {*stale} & {*pair} or not (STAGE / share.PICTURE).exists():
        share.picture(*(shipped[name] for name in pair)).save(STAGE / share.PICTURE, optimize=True)
    for folder in (STAGE / MODELS).iterdir():
        if folder.is_dir() and folder.name not in shipped:  # systems leave files of their own
            shutil.rmtree(folder)
    write_json(STAGE / FACTS, facts(offer, exported()))


def _is_current(checkpoint: Checkpoint) -> bool:
    """Whether the folder of its name was made from these weights; another thing is made again."""
    try:
        entry = about.read(STAGE / MODELS / checkpoint.name)
    except RecordError:
        return False
    return entry.weights_sha256 == checkpoint.weights_sha256


def _make_model(checkpoint: Checkpoint, folder: Path) -> None:
    """The exported files, packed, and the recording."""
    from duet.export.onnx import export  # onnx takes a second, which a copy need not wait

    with tempfile.TemporaryDirectory() as temporary, replacing_folder(folder) as scratch:
        files = Path(temporary) / checkpoint.name
        export(checkpoint, files, encoder=checkpoint.model.image_shape[0] == 1)  # the pad is grey
        for path in files.glob("*.onnx"):
            packed = gzip.compress(path.read_bytes(), 9, mtime=0)
            (scratch / f"{path.name}.gz").write_bytes(packed)
        shutil.copyfile(files / about.ABOUT, scratch / about.ABOUT)
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
