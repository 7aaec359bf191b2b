"""Files to write to, tried before the long work."""

from collections.abc import Sequence
from pathlib import Path

from duet.core.files import replacing
from evaluation.errors import EvaluationError


def check(flag: str, path: Path, suffixes: Sequence[str]) -> None:
    """EvaluationError where what a flag asks for could not be written to a path."""
    if path.suffix.lower() not in suffixes:
        raise EvaluationError(f"{flag} {path}: wanted is a file of {', '.join(suffixes)}")
    if path.is_dir():
        raise EvaluationError(f"{flag} {path} is a folder; name a file in it")
    trial = path.with_name(f".{path.name}.trial")
    try:
        with replacing(trial) as scratch:
            scratch.touch()
        trial.unlink()
    except OSError as error:
        raise EvaluationError(
            f"{flag} {path} cannot be written ({error.strerror or error})"
        ) from error
