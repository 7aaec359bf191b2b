"""The one list of feature extractors. To add one: one file, one row."""

from collections.abc import Sequence

from evaluation.errors import EvaluationError
from evaluation.extractors import cifar10, fashion_mnist, inception, mnist, own, stacked_mnist
from evaluation.extractors.base import ExtractorEntry
from evaluation.sets import SetId

__all__ = [
    "AUTO", "EXTRACTORS", "ExtractorEntry", "entry_of", "extractor_for", "first_made_for",
    "is_made_for", "serving",
]

AUTO = "auto"  # the extractor that serves the data set
EXTRACTORS: dict[str, ExtractorEntry] = {
    "mnist": mnist.ENTRY,
    "fashion-mnist": fashion_mnist.ENTRY,
    "cifar10": cifar10.ENTRY,
    "stacked-mnist": stacked_mnist.ENTRY,
    "inception": inception.ENTRY,
}


def entry_of(name: str) -> ExtractorEntry:
    """A row by its name, or an extractor in the cache; EvaluationError where there is neither."""
    found = EXTRACTORS.get(name) or own.find(name)
    if found is None:
        raise EvaluationError(
            f"--extractor {name} is unknown; known: {AUTO}, {', '.join(EXTRACTORS)}"
        )
    return found


def serving(data: str) -> str | None:
    """The name of the row that serves a data set."""
    return next((name for name, entry in EXTRACTORS.items() if data in entry.serves), None)


def is_made_for(name: str, images: SetId) -> bool:
    """Whether an extractor is the one that serves a data set, or was trained on its images."""
    own_name = None if images.images_sha256 is None else own.name_of(images.images_sha256)
    return name in (serving(images.name), own_name)


def extractor_for(images: SetId, asked: str = AUTO) -> str:
    """The name of the extractor for a data set: what was asked for, else the row that serves it,
    else the one that was trained on these very images."""
    return first_made_for([images], asked)


def first_made_for(sets: Sequence[SetId], asked: str = AUTO) -> str:
    """The same for several data sets that are looked at together: what serves the first that
    anything serves."""
    if asked != AUTO:
        return asked
    for images in sets:
        found = _made_for(images)
        if found is not None:
            return found
    raise EvaluationError(
        f"no extractor serves {sets[0].name}; train one by: python -m evaluation train-extractor "
        f"--data PATH, or name one by --extractor: {', '.join(EXTRACTORS)}"
    )


def _made_for(images: SetId) -> str | None:
    row = serving(images.name)
    if row is not None or images.images_sha256 is None:
        return row
    name = own.name_of(images.images_sha256)
    return None if own.find(name) is None else name
