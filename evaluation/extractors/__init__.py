"""The one list of feature extractors. To add one: one file, one row."""

from evaluation.errors import EvaluationError
from evaluation.extractors import cifar10, fashion_mnist, inception, mnist
from evaluation.extractors.base import ExtractorEntry

__all__ = ["AUTO", "EXTRACTORS", "ExtractorEntry", "entry_of", "extractor_for"]

AUTO = "auto"  # the extractor that serves the data set
EXTRACTORS: dict[str, ExtractorEntry] = {
    "mnist": mnist.ENTRY,
    "fashion-mnist": fashion_mnist.ENTRY,
    "cifar10": cifar10.ENTRY,
    "inception": inception.ENTRY,
}


def entry_of(name: str) -> ExtractorEntry:
    """A row by its name; EvaluationError where there is none."""
    if name not in EXTRACTORS:
        raise EvaluationError(
            f"--extractor {name} is unknown; known: {AUTO}, {', '.join(EXTRACTORS)}"
        )
    return EXTRACTORS[name]


def extractor_for(data: str, asked: str = AUTO) -> str:
    """The name of the extractor for a data set: what was asked for, else the one that serves it."""
    if asked != AUTO:
        return asked
    for name, entry in EXTRACTORS.items():
        if data in entry.serves:
            return name
    raise EvaluationError(
        f"no extractor serves {data}; name one of them by --extractor: {', '.join(EXTRACTORS)}"
    )
