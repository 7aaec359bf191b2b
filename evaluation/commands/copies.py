"""copies: whether checkpoints reproduce what they were trained on."""

from pathlib import Path

from duet.core.device import pick_device
from duet.core.files import replacing
from duet.core.flags import AsJson, DataDir, DeviceName, Seed, Truncation
from duet.core.words import aligned
from duet.data.flags import SkipBroken
from duet.store.studies import CopiesRecord, CopyScores
from evaluation import outputs, studies
from evaluation.commands.flags import OwnData, Sources, Space
from evaluation.copies import Ground, draw
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO
from evaluation.fidelity import OpenExtractors
from evaluation.harness import Request, check_fit
from evaluation.nearness import NEARER, nearer_cells
from evaluation.real import real_images
from evaluation.sets import SetId

HEADING = ["", "space", "C_T", "nearer cells", "nearer", "singled out", "authentic", "z"]
LEGEND = f"""\
C_T: mean z of the generated images' distances against the held-out ones'; below 0: nearer.
nearer cells: parts of the space where z is below {NEARER:g}. nearer: by chance 50 %.
singled out: much nearer to one training image than to others; by chance 1 %.
authentic, z: farther from a training image than that is from its nearest other; (held-out)."""


def copies_command(
    checkpoints: Sources, /, samples: int = 10_000, extractor: Space = AUTO, seed: Seed = 0,
    truncation: Truncation = 1.0, neighbours: Path | None = None, own_data: OwnData = None,
    data_dir: DataDir = None, skip_broken: SkipBroken = False, device: DeviceName = "auto",
    json: AsJson = False,
) -> None:
    """Tell whether checkpoints copy their training images: how near the generated images lie to
    those, and how near held-out images do. Wants the images (DUET_DATA); the study is kept in
    metrics.json.

    Args:
        checkpoints: Folders, names of shipped ones, or ids on the Hub.
        samples: Images to generate.
        neighbours: PNG to draw: the samples that look most like copies, each beside its nearest
            training images.
    """
    request = Request(samples, seed, truncation)
    if neighbours is not None:
        _check_picture(neighbours, len(checkpoints))
    extractors = OpenExtractors(pick_device(device), extractor)
    loaded = studies.open_all(checkpoints)
    for _, checkpoint in loaded:
        check_fit(checkpoint, extractors.serving(SetId.of(checkpoint)))
    real = {
        SetId.of(checkpoint): real_images(checkpoint, own_data, data_dir, skip_broken)
        for _, checkpoint in loaded
    }
    drawn = {source: draw(found, request, extractors.device) for source, found in loaded}
    grounds = {
        images: Ground(*splits, extractors.serving(images)) for images, splits in real.items()
    }
    found = {
        source: grounds[SetId.of(checkpoint)].study(checkpoint, drawn[source], request)
        for source, checkpoint in loaded
    }
    print(studies.as_json(found) if json else _table(found))
    studies.keep(loaded, found)
    if neighbours is not None:
        (named,) = loaded
        picture = grounds[SetId.of(named.checkpoint)].picture(drawn[named.source])
        with replacing(neighbours) as scratch:
            picture.save(scratch, "PNG")


def _check_picture(path: Path, checkpoints: int) -> None:
    if checkpoints != 1:
        raise EvaluationError("--neighbours draws the images of one checkpoint; name one")
    outputs.check("--neighbours", path, [".png"])


def _table(found: dict[str, CopiesRecord]) -> str:
    floors = {f"held-out half, {record.training.data}": record.floor for record in found.values()}
    spaces = floors | {source: record.spaces for source, record in found.items()}
    lines = [HEADING, *(_cells(name, *item) for name in spaces for item in spaces[name].items())]
    return f"{aligned(lines, words=2)}\n{LEGEND}"


def _cells(name: str, space: str, scores: CopyScores) -> list[str]:
    return [
        name, space, f"{scores.copying:.2f}", f"{nearer_cells(scores)} of {len(scores.cells)}",
        f"{scores.nearer:.1%}", f"{scores.singled_out:.1%}",
        f"{scores.authenticity:.1%} ({scores.held_out_authenticity:.1%})",
        f"{scores.authenticity_z:.1f}",
    ]
