"""The door to torch-fidelity: its extractors (ours become such in classifier_features.py) and its
functions from features to metrics. Its cache, data loading and `calculate_metrics` stay outside
(they key the cache by name alone, unpickle it, and let NaN through); the last is the oracle of a
parity test.

It is imported where it is used: that takes seconds (it brings models of its own), and commands that
only read stored numbers never need it.
"""

import hashlib
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from duet.core.tensors import TensorFileError
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO, entry_of, extractor_for, is_made_for
from evaluation.sets import SetId

RNG_SEED = 2020  # of the library's shuffles and subsets; its own default, part of the protocol


@dataclass(frozen=True)
class Extractor:
    """Images uint8 [N, C, H, W] -> (features float32 [N, D], logits float32 [N, K]) on the CPU."""

    name: str
    network: torch.nn.Module
    weights_sha256: str
    image_shape: tuple[int, int, int] | None
    device: torch.device
    knows_classes: bool = True  # its logits are of classes, which the Inception Score wants
    takes_floats: bool = True  # levels between whole ones too

    def names_classes_of(self, images: SetId) -> bool:
        """Whether its logits are of the very classes of a data set."""
        return self.knows_classes and is_made_for(self.name, images)

    @torch.inference_mode()
    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.image_shape is None and images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        features, logits = self.network(images.to(self.device))
        if not (features.isfinite().all() and logits.isfinite().all()):
            raise EvaluationError(f"extractor {self.name} gave features that are not finite")
        return features.cpu(), logits.cpu()


def open_extractor(
    name: str, device: torch.device, weights: Path | None = None
) -> Extractor:
    """Build a registered extractor; `weights` replaces the file that it comes with."""
    from torch_fidelity.utils import create_feature_extractor

    from evaluation.classifier_features import register

    entry = entry_of(name)
    register(entry)
    path = weights or entry.find_weights()
    if not path.is_file():
        raise EvaluationError(f"extractor {name}: there is no weights file {path}")
    content = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        # The library unpickles what it is given: it is given a copy, made of plain tensors only.
        copy = Path(folder) / "weights"
        if entry.fetch is not None:  # PyTorch's own format
            torch.save(_plain_tensors(content, path), copy)
        else:
            copy.write_bytes(content)
        try:
            network = create_feature_extractor(
                entry.registered_name, [entry.feature_layer, entry.logits_layer], cuda=False,
                feature_extractor_weights_path=copy, verbose=False,
            )
        except (RuntimeError, TensorFileError) as error:
            reason = str(error).splitlines()[0].replace(str(copy), str(path))
            raise EvaluationError(f"extractor {name}: {path} does not fit ({reason})") from error
    # Channels last: 1.45 times faster on CPUs for Inception, FID the same to 4e-8.
    network = network.to(device=device, memory_format=torch.channels_last)
    digest = hashlib.sha256(content).hexdigest()
    return Extractor(
        name, network, digest, entry.image_shape, device, entry.knows_classes,
        takes_floats=entry.recipe is not None,  # the library's own ones refuse them
    )


class OpenExtractors(dict[str, Extractor]):
    """Extractors by name, opened when first asked for."""

    def __init__(
        self, device: torch.device, asked: str = AUTO, weights: Path | None = None
    ) -> None:
        self.device, self.asked, self.weights = device, asked, weights

    def __missing__(self, name: str) -> Extractor:
        self[name] = open_extractor(name, self.device, self.weights)
        return self[name]

    def serving(self, images: SetId) -> Extractor:
        """The one that was asked for, else the one that serves a data set."""
        return self[extractor_for(images, self.asked)]


def _plain_tensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    """What a PyTorch file holds, where that is tensors by name and nothing else."""
    try:
        found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # whatever a crafted file provokes
        raise EvaluationError(f"{path} is not a plain file of tensors; it is not loaded") from error
    named = isinstance(found, dict) and all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in found.items()
    )
    if not named:
        raise EvaluationError(f"{path} is not a plain file of tensors; it is not loaded")
    return dict(found)


def statistics(features: torch.Tensor) -> dict[str, np.ndarray]:
    """Features [N, D] -> {"mu": float64 [D], "sigma": float64 [D, D]}."""
    from torch_fidelity.metric_fid import fid_features_to_statistics

    return fid_features_to_statistics(features.double())


def frechet_distance(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> float:
    """|mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^1/2) (Heusel et al., 2017, equation 6)."""
    from torch_fidelity.metric_fid import fid_statistics_to_metric

    return float(fid_statistics_to_metric(one, two, False)["frechet_inception_distance"])


def kernel_distance(
    generated: torch.Tensor, real: torch.Tensor, subsets: int, subset_size: int
) -> tuple[float, float]:
    """Squared MMD with the kernel (x.y/D + 1)^3, unbiased, mean and standard deviation over random
    subsets (Binkowski et al., "Demystifying MMD GANs", 2018, section 4)."""
    from torch_fidelity.metric_kid import kid_features_to_metric

    result = kid_features_to_metric(
        generated, real, kid_subsets=subsets, kid_subset_size=subset_size, rng_seed=RNG_SEED,
        verbose=False,
    )
    return (
        float(result["kernel_inception_distance_mean"]),
        float(result["kernel_inception_distance_std"]),
    )


def inception_score(logits: torch.Tensor, splits: int) -> tuple[float, float]:
    """exp E KL(p(y|x) || p(y)), mean and standard deviation over splits (Salimans et al., 2016,
    section 4); logits float32 [N, K]."""
    from torch_fidelity.metric_isc import isc_features_to_metric

    result = isc_features_to_metric(logits, splits=splits, shuffle=True, rng_seed=RNG_SEED)
    return float(result["inception_score_mean"]), float(result["inception_score_std"])
