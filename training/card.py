"""The model card, README.md of a checkpoint folder: built from its JSON files, never by hand."""

from pathlib import Path
from string import Template
from typing import Any

import yaml

from models import checkpoint
from models.checkpoint import Checkpoint
from models.files import replacing

DATA = {
    "mnist": {
        "title": "MNIST",
        "hub": "ylecun/mnist",
        "about": "60,000 training images of handwritten digits, 28×28 grey pixels, one of ten "
        "classes each (LeCun, Cortes, Burges; CC BY-SA 3.0)",
        "ethics": "The digits were written by American census workers and high-school pupils in "
        "the 1990s; other hands and scripts are not represented. The images show no persons.",
    },
}
ABOUT = {
    "dcgan": "The classic DCGAN of TensorFlow's tutorial, kept faithful as the **baseline** that "
    "Duet measures its own models against. Unconditional.",
    "gan": "A class-conditional GAN: residual networks without normalisation, relativistic "
    "pairing loss with R1 and R2 gradient penalties (after R3GAN), averaged weights.",
    "vae": "A class-conditional variational autoencoder: Gaussian decoder with calibrated "
    "variance (σ-VAE), normalising-flow prior, averaged weights. It also encodes images.",
}
LIMITS = {
    "dcgan": "Some samples are no digit at all, and the digit cannot be chosen.",
    "gan": "It has no encoder: it cannot reconstruct a given image. Rare ways to write a digit "
    "are drawn less often than they occur.",
    "vae": "Fine strokes are softer than in real digits, since the decoder's mean is shown. The "
    "ELBO is a bound on a density of continuous pixels; do not compare it with bits a pixel.",
}
TEMPLATE = Template("""\
# $name

$about

![One column a class where the model knows classes; samples 0–79 of seed 0](preview.png)

## Use it

From a checkout of Duet, where this folder is `checkpoints/$name`:

```python
import models
checkpoint = models.load("$name")
images = checkpoint.model.sample(16, seed=0$label)  # uint8 [16, $shape]
```

Image *i* of a seed is always the same image, on any device and in any batch size.

## Data

$data_about.

## Training

```
$command
```

$cost

## Scores

$scores

## Limits and known failures

$limits It draws what its data set holds, at its size, and nothing else. The scores are measured
in the feature space that each row names; they do not compare with scores in another space.

## Ethics

$ethics Samples are synthetic: do not pass them off as real handwriting, and do not use them to
train a reader of digits without checking it on real ones.
""")
SCORES = {  # key in metrics.json -> (Hub's metric id, title, digits)
    "frechet_distance": ("fid", "FID", 3),
    "kernel_distance": ("kid", "KID", 5),
    "inception_score": ("inception_score", "IS", 3),
    "precision": ("precision", "Precision", 3),
    "recall": ("recall", "Recall", 3),
}


def write_card(folder: Path) -> Path:
    """Write README.md into a checkpoint folder and return its path.

    Raises CheckpointError where the folder holds no valid checkpoint.
    """
    loaded = checkpoint.load(folder)
    header = yaml.safe_dump(metadata(loaded), sort_keys=False, allow_unicode=True)
    path = folder / "README.md"
    with replacing(path) as scratch:
        scratch.write_text(f"---\n{header}---\n\n{body(loaded)}", encoding="utf-8")
    return path


def body(loaded: Checkpoint) -> str:
    """The card below its metadata."""
    training, data = loaded.training, DATA.get(loaded.data, {})
    return TEMPLATE.substitute(
        name=loaded.name,
        about=ABOUT.get(loaded.architecture, f"A {loaded.model.title}."),
        label=", label=3" if loaded.model.num_classes > 3 else "",
        shape=", ".join(map(str, loaded.model.image_shape)),
        data_about=data.get("about", f"The data set `{loaded.data}`"),
        command=training.get("command", "not recorded"),
        cost=_cost(loaded),
        scores=_score_table(loaded.metrics),
        limits=LIMITS.get(loaded.architecture, ""),
        ethics=data.get("ethics", ""),
    )


def metadata(loaded: Checkpoint) -> dict[str, Any]:
    """The card's YAML: what the Hub reads and shows."""
    data = DATA.get(loaded.data, {"title": loaded.data, "hub": loaded.data})
    entries = [
        {
            "task": {"type": "unconditional-image-generation"},
            "dataset": {"type": data["hub"], "name": data["title"], "split": "train"},
            "metrics": [
                {"type": kind, "value": scores[key], "name": f"{title} ({extractor} features)"}
                for key, (kind, title, _) in SCORES.items()
            ],
        }
        for extractor, scores in _by_extractor(loaded.metrics)
    ]
    return {
        "library_name": "duet",
        "license": "cc-by-sa-3.0" if loaded.data == "mnist" else "other",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["duet", loaded.architecture, "image-generation", loaded.data],
        "datasets": [data["hub"]],
        "metrics": [kind for kind, _, _ in SCORES.values()],
        "model-index": [{"name": loaded.name, "results": entries}],
    }


def _by_extractor(metrics: dict[str, Any]) -> list[tuple[str, dict[str, float]]]:
    return [(name, entry["scores"]) for name, entry in metrics.get("extractors", {}).items()]


def _score_table(metrics: dict[str, Any]) -> str:
    rows = _by_extractor(metrics)
    if not rows:
        return "Not measured yet: `python -m evaluation measure FOLDER` does it."
    titles = [title for _, title, _ in SCORES.values()]
    lines = [" | ".join(["features", *titles]), " | ".join(["---"] * (len(titles) + 1))]
    for name, scores in rows:
        cells = [f"{scores[key]:.{digits}f}" for key, (_, _, digits) in SCORES.items()]
        lines.append(" | ".join([name, *cells]))
    samples = rows and next(iter(metrics["extractors"].values()))["protocol"]["samples"]
    table = "\n".join(f"| {line} |" for line in lines)
    return (
        f"{table}\n\n{samples:,} samples against the training split. Measured by `python -m "
        "evaluation measure`; `python -m evaluation verify` measures again and compares."
    )


def _cost(loaded: Checkpoint) -> str:
    training = loaded.training
    if not training:
        return "No record of the training run."
    return (
        f"{training['steps']:,} steps, {training['images_seen']:,} images ({training['epochs']} "
        f"epochs), {training['seconds'] / 60:.0f} minutes on {training['hardware']}. "
        f"{loaded.parameters:,} parameters. Code: commit `{training['git_commit']}`; "
        f"torch {training['versions']['torch']}."
    )
