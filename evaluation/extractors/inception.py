"""The literature's standard: Inception v3 of 2015, as torch-fidelity ported and published it."""

import sys
from pathlib import Path
from urllib.error import URLError

import torch

from duet.core.files import sha256
from duet.core.progress import others_bars
from evaluation.errors import EvaluationError
from evaluation.extractors.base import ExtractorEntry

URL = (
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
SHA256_PREFIX = URL.rpartition("-")[2].removesuffix(".pth")  # all of the hash that is published


def fetch() -> Path:
    """torch-fidelity's Inception weights in torch's cache, fetched on first use, hash-checked."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / URL.rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            print(f"fetching {URL} (91 MB)", file=sys.stderr)
            with others_bars():
                torch.hub.download_url_to_file(URL, str(path), hash_prefix=SHA256_PREFIX)
        except (URLError, OSError, RuntimeError) as error:
            raise EvaluationError(
                f"--extractor inception needs its weights (91 MB) and cannot fetch them ({error}). "
                f"Fetch {URL} yourself and pass it as --weights FILE"
            ) from error
    if not sha256(path).startswith(SHA256_PREFIX):
        raise EvaluationError(f"{path} is not the file that torch-fidelity published; delete it")
    return path


ENTRY = ExtractorEntry("inception-v3-compat", "2048", "logits_unbiased", fetch=fetch)
