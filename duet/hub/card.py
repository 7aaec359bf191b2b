"""The model card, README.md of a checkpoint folder: built from its JSON files, never by hand."""

import re
from pathlib import Path
from string import Template
from typing import Any

import yaml

from duet.core.files import replacing
from duet.core.words import duration
from duet.hub import client, sources
from duet.store import checkpoint
from duet.store.checkpoint import Checkpoint, CheckpointError
from duet.store.config import DataRecord
from duet.store.evolution import COLUMNS
from duet.store.metrics import Measurement, MetricsRecord, ScoreRecord
from duet.store.neighbours import NEAREST
from duet.store.scores import HEADLINES, SCORES, headline_columns, samples

TEMPLATE = Template("""\
# $name

$about

![One column a class where the model knows classes; samples 0–79 of seed 0]($preview)

## Use it

From a checkout of Duet$where:

```python
import duet
checkpoint = duet.load("$source")
images = checkpoint.model.sample(16, seed=0$label)  # uint8 [16, $shape]
```

Image *i* of a seed is always the same image, whatever the device and the batch size (to within
rounding: one grey level).

Without PyTorch: `python -m training export $source` writes `runs/onnx/$name/decoder.onnx`, which
takes normal numbers and class numbers to pixels, uint8 [N, $shape]. In Python with onnxruntime, in
a browser with onnxruntime-web:

```python
import numpy, onnxruntime
decoder = onnxruntime.InferenceSession("runs/onnx/$name/decoder.onnx")
z = numpy.random.default_rng(0).standard_normal((16, $latent_dim), "float32")
(pixels,) = decoder.run(None, {"z": z, "labels": numpy.full(16, $class_number, "int64")})
```

```js
import * as ort from "onnxruntime-web";
const decoder = await ort.InferenceSession.create("decoder.onnx");
const z = new ort.Tensor(new Float32Array($latent_dim), [1, $latent_dim]);  // of normal numbers
const { pixels } = await decoder.run({ z, labels: new ort.Tensor("int64", [${class_number}n]) });
```

## Data

$data

## Training

$command

$cost
$evolution
## Scores

$scores
$neighbours
## Limits and known failures

$limits It draws what its data set holds, at its size, and nothing else. The scores are measured
in the feature space that each row names; they do not compare with scores in another space.

## Ethics

${ethics}Samples are synthetic: do not pass them off as real, and do not train on them what shall
judge real ones without checking it there.
""")


def write_card(folder: Path) -> Path:
    """Write README.md into a checkpoint folder, or a shipped one's by its name; return its path.

    Raises CheckpointError where the folder holds no valid checkpoint, or is the Hub's own copy.
    """
    loaded = sources.load(folder)
    loaded.check_records()
    if client.is_cached(loaded.folder):
        raise CheckpointError(f"{folder} is on the Hub; pull it, and write the card of that folder")
    path = loaded.folder / checkpoint.CARD
    with replacing(path) as scratch:
        scratch.write_text(text(loaded), encoding="utf-8")
    return path


def text(loaded: Checkpoint, repo_id: str | None = None) -> str:
    """The whole card; for a repository on the Hub, or for a folder of this one."""
    header = yaml.safe_dump(metadata(loaded), sort_keys=False, allow_unicode=True)
    return f"---\n{header}---\n\n{body(loaded, repo_id)}"


def body(loaded: Checkpoint, repo_id: str | None = None) -> str:
    """The card below its metadata."""
    ethics = loaded.made_from.ethics
    return TEMPLATE.substitute(
        name=loaded.name,
        preview=checkpoint.PREVIEW,
        where=" (fetched once, then kept in the Hub's local cache)" if repo_id
        else f", where this folder is `checkpoints/{loaded.name}`",
        source=repo_id or loaded.name,
        about=loaded.model.about,
        label=", label=3" if loaded.model.num_classes > 3 else "",
        latent_dim=loaded.model.latent_dim,
        class_number=3 if loaded.model.num_classes > 3 else 0,
        shape=", ".join(map(str, loaded.model.image_shape)),
        data=_data(loaded.made_from),
        command=_code_block(loaded.training.command if loaded.training else "not recorded"),
        cost=_cost(loaded),
        evolution=_evolution(loaded),
        scores=_score_table(loaded.metrics),
        neighbours=_neighbours(loaded),
        limits=loaded.model.limits,
        ethics=f"{ethics} " if ethics else "",
    )


def _code_block(text: str) -> str:
    """Markdown that shows `text` as it is: fences longer than any within (CommonMark, 4.5)."""
    longest = max([2, *map(len, re.findall("`+", text))])
    fence = "`" * (longest + 1)
    return f"{fence}\n{text}\n{fence}"


def metadata(loaded: Checkpoint) -> dict[str, Any]:
    """The card's YAML: what the Hub reads and shows."""
    data = loaded.made_from
    entries = [
        {
            "task": {"type": "unconditional-image-generation"},
            "dataset": {"type": data.hub_id or data.name, "name": data.title, "split": "train"},
            "metrics": [
                {
                    "type": SCORES[key].hub_id,
                    "value": score.value,
                    "name": f"{SCORES[key].title} ({measured.protocol.extractor} features)",
                }
                for key, score in _known(measured)
            ],
        }
        for measured in _published(loaded.metrics)
    ]
    return {
        "library_name": "duet",
        "license": data.licence,
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["duet", loaded.architecture, "image-generation", data.name],
        "datasets": [data.hub_id] if data.hub_id else [],
        "metrics": [score.hub_id for score in HEADLINES.values()],
        "model-index": [{"name": loaded.name, "results": entries}],
    }


def _data(data: DataRecord) -> str:
    """What the weights were made from, as far as that is known."""
    said = [data.about.rstrip(".") or f"The data set {data.title}"]
    if data.origin:
        said.append(f"From {data.origin}")
    if data.may_be_shown:
        said.append(f"Licence: {data.licence}, which holds for the weights too")
    if data.credit:
        said.append(data.credit.rstrip("."))
    if data.images_sha256:
        said.append(f"SHA-256 of the training images' pixels: `{data.images_sha256}`")
    return "".join(f"{sentence}.\n" for sentence in said).rstrip()


def _evolution(loaded: Checkpoint) -> str:
    """The sheet with a line above it, and nothing of a run that kept none."""
    if loaded.evolution is None:
        return ""
    steps = loaded.evolution.steps
    return (
        f"\nThe same {COLUMNS} latents on the way, from step {steps[0]:,} above to step "
        f"{steps[-1]:,} below, a row for each of {len(steps)} steps:\n\n"
        f"![What became of {COLUMNS} latents]({checkpoint.EVOLUTION})\n"
    )


def _neighbours(loaded: Checkpoint) -> str:
    """The sheet with a line above it, where there is one and its pictures may be shown."""
    if loaded.neighbours is None or not loaded.made_from.may_be_shown:
        return ""
    return (
        f"\nDoes it copy? Each row: at the left a sample, and the {NEAREST} training pictures "
        "nearest to it, pixel by pixel; at the right a held-out picture, and those nearest to it. "
        "Who copies has twins at the left only.\n\n"
        f"![Samples and held-out pictures beside training pictures]({checkpoint.NEIGHBOURS})\n"
    )


def _published(metrics: MetricsRecord) -> list[Measurement]:
    """The measurement that stands for each feature space."""
    found = [metrics.published(extractor) for extractor in metrics.extractors()]
    return [measured for measured in found if measured is not None]


def _known(measured: Measurement) -> list[tuple[str, ScoreRecord]]:
    return [(key, measured.scores[key]) for key in SCORES if key in measured.scores]


def _score_table(metrics: MetricsRecord) -> str:
    if not metrics.measurements:
        return "Not measured yet: `python -m evaluation measure FOLDER` does it."
    shown = headline_columns(measured.scores for measured in _published(metrics))
    titles = ["features", *(score.title for score in shown.values()), "samples"]
    lines = [" | ".join(titles), " | ".join(["---"] * len(titles))]
    for measured in _published(metrics):
        scores = dict(_known(measured))
        cells = [SCORES[key].text(scores[key]) if key in scores else "–" for key in shown]
        lines.append(" | ".join([measured.protocol.extractor, *cells, samples(measured.protocol)]))
    table = "\n".join(f"| {line} |" for line in lines)
    return (
        f"{table}\n\nAgainst the training split. Measured by `python -m evaluation measure`; "
        "`python -m evaluation verify` measures again and compares."
    )


def _cost(loaded: Checkpoint) -> str:
    training = loaded.training
    if training is None:
        return "No record of the training run."
    return (
        f"{training.steps:,} steps, {training.images_seen:,} images ({training.epochs} "
        f"epochs), {duration(training.seconds)} on {training.hardware}. "
        f"{loaded.parameters:,} parameters. Code: commit `{training.git_commit}`; "
        f"torch {training.versions.get('torch', 'unknown')}."
    )
