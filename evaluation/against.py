"""What samples are compared with, where that is not what a checkpoint was made from: a data set's
split, pictures, an array, another checkpoint.

A stored reference is used where there is one, without opening the images. Else the features are
extracted once, into a file of the cache that is named by what it depends on: the pictures' and the
labels' bytes, or the weights and the stream of a checkpoint, and the extractor's weights. It is
written whole, under a lock: runs that start together extract once.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch

from duet.core.lock import locked
from duet.core.progress import progress_bar
from duet.core.ranks import launched
from duet.data import DATASETS, ImageSet, cache_root
from duet.store.checkpoint import Checkpoint
from evaluation.errors import EvaluationError
from evaluation.extractors import AUTO, EXTRACTORS, serving
from evaluation.fidelity import Extractor
from evaluation.harness import MIN_SAMPLES, Request, check_fit, labels_of, samples
from evaluation.reference import (
    RULE,
    SEED,
    STORED_FEATURES,
    Reference,
    open_reference,
    read,
    reference_path,
    write,
)
from evaluation.sets import SetId
from evaluation.sources import Opening, Source, open_source

FILE = "reference.safetensors"
SAMPLES = "samples"  # the "split" of what a checkpoint draws


@dataclass(frozen=True)
class Against:
    """What is compared with. `source` is None where a stored reference is all that is needed;
    `sets` are those that an extractor may have been made for, the best first."""

    text: str
    image_shape: tuple[int, int, int]
    sets: tuple[SetId, ...]
    source: Source | None = None

    @property
    def floor(self) -> SetId | None:
        """The data set whose training split this is, None where it is something else."""
        origin = None if self.source is None else self.source.origin
        is_training = origin is None or (isinstance(origin, ImageSet) and origin.split == "train")
        return self.sets[0] if is_training else None

    def check_like(self, source: Source) -> None:
        """EvaluationError where pictures are of another size or colour than these."""
        if source.image_shape == self.image_shape:
            return
        raise EvaluationError(
            f"{source.text} has {_look(source.image_shape)}, {self.text} has "
            f"{_look(self.image_shape)}; make them alike, pictures by --image-size and --colour"
        )

    def reference(self, extractor: Extractor, request: Request) -> Reference:
        """Stored, cached, or extracted now; of a checkpoint, of the samples of `request`."""
        if self.source is None:
            return open_reference(self.sets[0], extractor)
        origin = self.source.origin
        check_fit(origin, extractor)
        if isinstance(origin, Checkpoint):
            drawing = [request.samples, request.seed, request.truncation]
            key = [SAMPLES, origin.weights_sha256, *drawing]
            return _cached(key, lambda: drawn(origin, request, extractor.device), extractor)
        if len(origin) < MIN_SAMPLES:
            raise EvaluationError(
                f"{self.text} holds {len(origin)} pictures; at least {MIN_SAMPLES} are needed"
            )
        images = SetId.of(origin)
        if origin.split == "train" and reference_path(images, extractor.name).exists():
            return open_reference(images, extractor)
        labels = hashlib.sha256(origin.labels.numpy().tobytes()).hexdigest()
        found = _cached([origin.sha256, labels], lambda: origin, extractor)
        # The same pictures may have had another name when they were extracted.
        named = dataclasses.replace(found.about, data=origin.name, split=origin.split)
        return dataclasses.replace(found, about=named)


def open_against(text: str, opening: Opening, extractor: str) -> Against:
    """What a word names, its images opened only where they are needed for extractor `extractor`,
    the command line's. Raises what sources.open_source does."""
    row = serving(text)
    if text in DATASETS and row is not None and extractor in (AUTO, row):
        shape, images = EXTRACTORS[row].image_shape, SetId(text, None)
        if shape is not None and reference_path(images, row).exists():
            return Against(text, shape, (images,))
    source = open_source(text, opening)
    parts = [part for part in (source.origin, source.training) if part is not None]
    return Against(text, source.image_shape, tuple(map(SetId.of, parts)), source)


def drawn(checkpoint: Checkpoint, request: Request, device: torch.device) -> ImageSet:
    """A request's samples as a set of pictures, their labels where the model knows classes."""
    model = checkpoint.model.to(device)
    parts = []
    with progress_bar(request.samples, f"{checkpoint.name} draws", "img") as bar:
        for batch in samples(model, request):
            parts.append(batch)
            bar.update(len(batch))
    labels = labels_of(model, request)
    names = checkpoint.class_names if model.num_classes else ()
    return ImageSet(checkpoint.name, SAMPLES, torch.cat(parts), labels, names)


def _cached(
    key: Iterable[object], images: Callable[[], ImageSet], extractor: Extractor
) -> Reference:
    """The reference of images that `key` names, made where it is not there: by one process, since
    of several the others would wait for the lock, and that one for them."""
    whole = json.dumps([RULE, SEED, STORED_FEATURES, extractor.weights_sha256, *key])
    name = hashlib.sha256(whole.encode()).hexdigest()[:32]
    folder = cache_root() / "references" / name
    path = folder / FILE
    if launched() > 1 and not path.exists():
        raise EvaluationError(
            "what is compared with has not been extracted yet; let one process do so, without "
            "torchrun (--samples 100 suffices for all but a checkpoint)"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, wait=True):
            if not path.exists():
                write(path, images(), extractor)
    except OSError as error:
        raise EvaluationError(
            f"{folder} cannot be written ({error.strerror or error}); point DUET_CACHE at a folder "
            "that can"
        ) from error
    return read(path, extractor, f"delete {path}, and it is extracted again")


def _look(image_shape: tuple[int, int, int]) -> str:
    channels, height, width = image_shape
    return f"{height}×{width} pixels {'grey' if channels == 1 else 'in colour'}"
