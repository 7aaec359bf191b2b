"""What of a measurement is to be taken with care, or is left out: words that are stored with it."""

from duet.store.metrics import Protocol
from evaluation import intervals, unbiased
from evaluation.metrics import FeatureSet


def of(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> tuple[str, ...]:
    """Sentences, at most 300 characters each; none where all is well."""
    count, dimensions = generated.features.shape
    found = []
    if count <= dimensions:
        found.append(
            f"FID of {count} images in {dimensions} dimensions: their covariance is singular"
        )
    if len(unbiased.parts_of(count, dimensions, protocol.limit_parts or 0)) < 2:
        least = 2 * unbiased.LEAST * dimensions
        found.append(f"FID∞ is left out: it takes {least:,} images or more, not {count:,}")
    if protocol.kernel_subset_size == min(count, len(real.features)):
        found.append("KID: a subset holds all images, so its spread says little")
    if not protocol.repeats:
        least = 2 * intervals.LEAST_IMAGES
        found.append(f"no intervals: they take two repeats or more, and {least} images or more")
    missing = _small_classes(generated, real, protocol)
    if missing:
        shown = ", ".join(map(str, missing[:20])) + (" .." if len(missing) > 20 else "")
        found.append(
            f"FID by class leaves out classes of fewer than {protocol.class_images} images: {shown}"
        )
    return tuple(found)


def _small_classes(generated: FeatureSet, real: FeatureSet, protocol: Protocol) -> list[int]:
    """Numbers of the classes that are too small, where classes are compared at all."""
    if generated.labels is None or real.class_statistics is None:
        return []
    classes = real.class_statistics
    counts = generated.labels.bincount(minlength=len(classes)).tolist()
    least = protocol.class_images or 0
    return [c for c, known in enumerate(classes) if known is None or counts[c] < least]
