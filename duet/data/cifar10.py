"""CIFAR-10: 50,000 + 10,000 photographs of 32x32 pixels in colour (Krizhevsky, 2009)."""

from duet.data.base import Facts
from duet.data.published import published_set, read_cifar10

FACTS = Facts(
    name="cifar10",
    title="CIFAR-10",
    class_names=(
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
    about="50,000 training photographs of 32×32 pixels in colour, one of ten classes each "
    "(Krizhevsky, 2009; no licence stated, free for research)",
    credit="CIFAR-10: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.",
    hub_id="uoft-cs/cifar10",
    ethics="The photographs were collected from the web without asking their makers, by searches "
    "for English nouns (80 Million Tiny Images, since withdrawn for offensive labels, which this "
    "part does not hold). Some show persons, too small to be recognised. Of the "
    "10,000 test images 325 have near duplicates, 286 of them among the training images (Barz & "
    "Denzler, Do we train on test data?, 2020).",
    origin="https://www.cs.toronto.edu/~kriz/cifar.html",
)
BATCHES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
FILES = {
    split: tuple(f"cifar-10-batches-py/{name}" for name in (*names, "batches.meta"))
    for split, names in BATCHES.items()
}

CIFAR10 = published_set(FACTS, "CIFAR10", 3, 32, FILES, read_cifar10)
