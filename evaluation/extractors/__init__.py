"""The one list of feature extractors. To add one: one file, one row."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ExtractorEntry:
    """How torch-fidelity knows it, and which of its layers serve.

    weights: the file; None where the library fetches it on first use.
    is_torch_file: the weights are PyTorch's own format, which may hold code, else safetensors.
    image_shape: the one (C, H, W) it takes; None: any, grey repeated to three channels.
    """

    registered_name: str
    feature_layer: str
    logits_layer: str
    weights: Path | None
    image_shape: tuple[int, int, int] | None
    is_torch_file: bool = False


EXTRACTORS: dict[str, ExtractorEntry] = {
    "mnist": ExtractorEntry(
        "duet-mnist", "features", "logits", FOLDER / "mnist.safetensors", (1, 28, 28)
    ),
    "inception": ExtractorEntry(
        "inception-v3-compat", "2048", "logits_unbiased", None, None, is_torch_file=True
    ),
}
