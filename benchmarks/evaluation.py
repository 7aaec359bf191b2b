"""make bench-evaluation: how quick the evaluation is beside its peers, on the same pictures with
the same extractor, and whether they agree. A table on stdout, all numbers into --out.

Each stage runs in a process of its own, so that its memory is its own and nobody starts warm. The
pictures are the shipped models': no data set is needed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch_fidelity
from torch_fidelity.metric_prc import prc_features_to_metric
from torch_fidelity.utils import create_feature_extractor

import duet
from duet.core.checkout import ROOT
from duet.core.tensors import load_tensors, save_tensors
from evaluation import fidelity, manifolds
from evaluation.classifier_features import register
from evaluation.extractors import EXTRACTORS
from evaluation.fidelity import Extractor, open_extractor
from evaluation.harness import (
    Request,
    generate,
    measure,
    protocol_of,
    score,
    with_model,
)
from evaluation.metrics import METRICS, NEIGHBORHOOD
from evaluation.reference import BATCH, Reference, extract, open_reference
from evaluation.sets import SetId

MODEL, OTHER = "mnist-gan", "mnist-vae"
FEW = 10_000  # against all
INCEPTION_IMAGES, INCEPTION_BATCH = 128, 32
Result = dict[str, Any]


class Images(torch.utils.data.Dataset):
    """What torch-fidelity wants: one uint8 CHW tensor an item."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


def seconds_of(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    found = work()
    return found, time.perf_counter() - started


def opened() -> tuple[Any, Extractor, Reference]:
    checkpoint = duet.load(MODEL)
    extractor = open_extractor("mnist", torch.device("cpu"))
    return checkpoint, extractor, open_reference(SetId.of(checkpoint), extractor)


def sampled(name: str, count: int) -> torch.Tensor:
    model = duet.load(name).model
    firsts = range(0, count, BATCH)
    return torch.cat([model.sample(min(BATCH, count - f), seed=0, first=f) for f in firsts])


def passed(images: torch.Tensor, extractor: Extractor) -> torch.Tensor:
    """The bare loop over an extractor's network."""
    with torch.inference_mode():
        return torch.cat([extractor.network(batch)[0] for batch in images.split(BATCH)])


def bare(samples: int, folder: Path) -> Result:
    """Generator and extractor passes alone, then the scores: all with their intervals, and each
    metric alone. Keeps what later stages need."""
    checkpoint, extractor, reference = opened()
    images, generating = seconds_of(lambda: sampled(MODEL, samples))
    features, extracting = seconds_of(lambda: passed(images, extractor))
    request = Request(samples)
    found = generate(checkpoint, extractor, request)
    protocol = protocol_of(request, extractor, reference)
    model = seconds_of(lambda: with_model(found, checkpoint, extractor, request))[1]
    statistics = seconds_of(lambda: fidelity.statistics(features))[1]
    scoring = seconds_of(lambda: score(found, reference, protocol))[1]
    _, _, reference = opened()  # what the first one has found once is to be timed again
    metrics = {
        metric.function.__name__.strip("_"):
            seconds_of(lambda metric=metric: metric(found, reference.features, protocol))[1]
        for metric in METRICS
    }
    other = sampled(OTHER, FEW)
    save_tensors(folder / "images", {"images": images, "other": other}, {})
    save_tensors(
        folder / "features", {"all": features.clone(), "few": passed(other, extractor).clone()}, {}
    )
    return {
        "passes": {
            "generator": generating, "extractor": extracting, "mean and covariance": statistics,
            "paths and reconstruction": model, "all scores, with intervals": scoring,
        },
        "metrics": metrics,
    }


def whole(samples: int, folder: Path) -> Result:
    """`python -m evaluation measure`, but for the command line."""
    return {"seconds": seconds_of(lambda: measure(*opened(), Request(samples)))[1]}


def _pictures(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    images = load_tensors(folder / "images")[0]
    return images["images"], images["other"]


def pictures_duet(samples: int, folder: Path) -> Result:
    """From two sets of pictures in memory to every score: no reference is given to anybody."""
    _, extractor, reference = opened()

    def work() -> Any:
        one, two = (
            extract(images.split(BATCH), len(images), extractor, "pictures")
            for images in _pictures(folder)
        )
        return score(one, Reference(two, reference.about),
                     protocol_of(Request(len(one.features)), extractor, reference))

    found, seconds = seconds_of(work)
    return {"seconds": seconds, "scores": {key: value.value for key, value in found.items()}}


def pictures_torch_fidelity(samples: int, folder: Path) -> Result:
    register(EXTRACTORS["mnist"])
    one, two = map(Images, _pictures(folder))
    found, seconds = seconds_of(lambda: torch_fidelity.calculate_metrics(
        input1=one, input2=two, isc=True, fid=True, kid=True, prc=True, cuda=False, cache=False,
        verbose=False, save_cpu_ram=True, prc_batch_size=2000, batch_size=BATCH,
        feature_extractor=EXTRACTORS["mnist"].registered_name,
        feature_extractor_weights_path=EXTRACTORS["mnist"].weights,
    ))
    return {"seconds": seconds, "scores": {key: float(value) for key, value in found.items()}}


class FeaturesOnly(torch.nn.Module):
    """What torchmetrics wants: one tensor out."""

    num_features = 64

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)[0]


def pictures_torchmetrics(samples: int, folder: Path) -> Result:
    """FID, KID."""
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    _, extractor, _ = opened()
    network = FeaturesOnly(extractor.network)

    def work() -> dict[str, float]:
        found = {}
        fid = FrechetInceptionDistance(network).set_dtype(torch.float64)
        network.float()  # set_dtype, which is for the sums, took it along
        kid = KernelInceptionDistance(network, subsets=100, subset_size=1000)
        for metric in (fid, kid):
            for images, real in zip(_pictures(folder), (False, True), strict=True):
                for batch in images.split(BATCH):
                    metric.update(batch, real=real)
        found["frechet_distance"] = float(fid.compute())
        found["kernel_distance"] = float(kid.compute()[0])
        return found

    with torch.inference_mode():
        found, seconds = seconds_of(work)
    return {"seconds": seconds, "scores": found}


def pictures_pytorch_fid(samples: int, folder: Path) -> Result:
    """FID alone, its extraction loop written out: it reads files only."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    _, extractor, _ = opened()

    def work() -> float:
        statistics = []
        for images in _pictures(folder):
            features = passed(images, extractor).double().numpy()
            statistics += [features.mean(0), np.cov(features, rowvar=False)]
        return float(calculate_frechet_distance(*statistics))

    found, seconds = seconds_of(work)
    return {"seconds": seconds, "scores": {"frechet_distance": found}}


def _features(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Few as the generated, all as the real."""
    tensors = load_tensors(folder / "features")[0]
    return tensors["few"], tensors["all"]


def manifolds_duet(samples: int, folder: Path) -> Result:
    """All four."""
    few, many = _features(folder)
    found, seconds = seconds_of(lambda: manifolds.compare(few, many, NEIGHBORHOOD))
    return {"seconds": seconds, "scores": found._asdict(), "counts": _counts(found, few, many)}


def manifolds_torch_fidelity(samples: int, folder: Path) -> Result:
    """Precision and recall."""
    few, many = _features(folder)
    found, seconds = seconds_of(lambda: prc_features_to_metric(
        few, many, prc_neighborhood=NEIGHBORHOOD, prc_batch_size=2000, save_cpu_ram=True,
        verbose=False,
    ))
    pair = found["precision"], found["recall"]
    return {"seconds": seconds, "counts": _counts(pair, few, many)}


def _counts(found: Any, few: torch.Tensor, many: torch.Tensor) -> list[int]:
    return [round(found[0] * len(few)), round(found[1] * len(many))]


def _inception(network: torch.nn.Module) -> Result:
    images = torch.randint(0, 256, (INCEPTION_IMAGES, 3, 32, 32), dtype=torch.uint8)
    with torch.inference_mode():
        network(images[:INCEPTION_BATCH])
        _, seconds = seconds_of(lambda: [network(part) for part in images.split(INCEPTION_BATCH)])
    return {"seconds": seconds, "images": INCEPTION_IMAGES}


def _inception_weights(folder: Path) -> Path:
    """A file in the published one's form, of random numbers: speed is the same."""
    path = folder / "inception.pth"
    if not path.exists():
        torch.save({}, path)

        class Blank(torch_fidelity.FeatureExtractorInceptionV3):
            def load_state_dict(self, *arguments: Any, **options: Any) -> None:
                return None

        network = Blank("inception-v3-compat", ["2048"], feature_extractor_weights_path=path)
        torch.save(network.state_dict(), path)
    return path


def inception_duet(samples: int, folder: Path) -> Result:
    path = _inception_weights(folder)
    return _inception(open_extractor("inception", torch.device("cpu"), path).network)


def inception_torch_fidelity(samples: int, folder: Path) -> Result:
    return _inception(create_feature_extractor(
        "inception-v3-compat", ["2048", "logits_unbiased"], cuda=False, verbose=False,
        feature_extractor_weights_path=_inception_weights(folder),
    ))


def agreement(samples: int, folder: Path) -> Result:
    """The same features through everybody's formulas; of KID the one subset that holds them all."""
    from cleanfid import fid as cleanfid
    from prdc import compute_prdc
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torchmetrics.image.kid import poly_mmd

    few, many = _features(folder)
    many = many[:FEW]
    one, two = (fidelity.statistics(features) for features in (few, many))
    pairs = one["mu"], one["sigma"], two["mu"], two["sigma"]
    numbers = few.double().numpy(), many.double().numpy()
    peer = compute_prdc(many.numpy(), few.numpy(), nearest_k=NEIGHBORHOOD)
    ours = manifolds.compare(few, many, NEIGHBORHOOD)._asdict()
    return {
        "fid": {
            "duet": fidelity.frechet_distance(one, two),
            "pytorch-fid": float(calculate_frechet_distance(*pairs)),
            "clean-fid": float(cleanfid.frechet_distance(*pairs)),
        },
        "kid": {
            "duet": fidelity.kernel_distance(few, many, 1, FEW)[0],
            "clean-fid": float(cleanfid.kernel_distance(*numbers, 1, FEW)),
            "torchmetrics": float(poly_mmd(few.double(), many.double())),
        },
        "counts": {
            "duet": {key: round(value * 3 * FEW) for key, value in ours.items()},
            "prdc": {key: round(float(peer[key]) * 3 * FEW) for key in ours},
        },
    }


STAGES: dict[str, Callable[[int, Path], Result]] = {
    "bare": bare, "measure": whole,
    "pictures duet": pictures_duet, "pictures torch-fidelity": pictures_torch_fidelity,
    "pictures torchmetrics": pictures_torchmetrics, "pictures pytorch-fid": pictures_pytorch_fid,
    "manifolds duet": manifolds_duet, "manifolds torch-fidelity": manifolds_torch_fidelity,
    "inception duet": inception_duet, "inception torch-fidelity": inception_torch_fidelity,
    "agreement": agreement,
}


def run_stage(name: str, samples: int, folder: Path) -> Result:
    """A stage in a process of its own, with the most memory that it took."""
    asked = ["--stage", name, "--folder", str(folder), "--samples", str(samples)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluation", *asked], cwd=ROOT, check=True,
        stdout=subprocess.PIPE, text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def largest_difference(values: dict[str, float]) -> float:
    """From ours."""
    return max(abs(value - values["duet"]) for value in values.values())


def table(found: dict[str, Result], samples: int) -> str:
    """Speeds, ratios, agreement; a goal behind its number."""
    alone = found["bare"]
    passes = alone["passes"]
    inception = found["inception duet"]
    rows = [
        ("generation", f"{samples / passes['generator']:,.0f} images/s", ""),
        ("extraction", f"{samples / passes['extractor']:,.0f} images/s", ""),
        ("extraction by Inception", f"{inception['images'] / inception['seconds']:.1f} images/s",
         ""),
        *((name, f"{samples / value:,.0f} images/s", "")
          for name, value in list(passes.items())[2:]),
        *((f"metric: {k}", f"{samples / v:,.0f} images/s", "")
          for k, v in alone["metrics"].items()),
        (f"measure, {samples:,} images, to its parts",
         f"{found['measure']['seconds'] / sum(passes.values()):.3f}", "at most 1.15"),
        ("its memory", f"{found['measure']['peak_mb']:,.0f} MB", "at most 2,000"),
    ]
    for kind, goals in (
        ("pictures", {}), ("manifolds", {"torch-fidelity": "at least 3"}),
        ("inception", {"torch-fidelity": "at least 1.4"}),
    ):
        ours = found[f"{kind} duet"]
        rows += [
            (f"{kind}: times as quick as {name.split(' ', 1)[1]}",
             f"{result['seconds'] / ours['seconds']:.2f}", goals.get(name.split(" ", 1)[1], ""))
            for name, result in found.items()
            if name.startswith(kind) and not name.endswith("duet")
        ]
    counts = [found[f"manifolds {name}"]["counts"] for name in ("duet", "torch-fidelity")]
    agreed = found["agreement"]
    rows += [
        ("manifolds: memory", f"{found['manifolds duet']['peak_mb']:,.0f} MB", "at most 1,500"),
        ("manifolds: counts, ours and theirs", f"{counts[0]} {counts[1]}", "equal"),
        ("FID, largest relative difference",
         f"{largest_difference(agreed['fid']) / agreed['fid']['duet']:.1e}", "at most 1e-6"),
        ("KID, largest difference", f"{largest_difference(agreed['kid']):.1e}",
         "at most 1e-6"),
        ("counts of prdc equal ours", str(agreed["counts"]["duet"] == agreed["counts"]["prdc"]),
         "True"),
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    return "\n".join(
        f"{name.ljust(widths[0])}  {value.rjust(widths[1])}  {goal}".rstrip()
        for name, value, goal in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/evaluation.json")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        warnings.simplefilter("ignore")  # the peers' own
        found = STAGES[asked.stage](asked.samples, asked.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print("\n" + json.dumps(found | {"peak_mb": peak}))
        return
    with tempfile.TemporaryDirectory() as folder:
        found = {name: run_stage(name, asked.samples, Path(folder)) for name in STAGES}
    about = {"samples": asked.samples, "threads": torch.get_num_threads()}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(about | {"stages": found}, indent=2) + "\n")
    print(table(found, asked.samples))


if __name__ == "__main__":
    main()
