"""python -m benchmarks.modes: what real stacked digits score as a sampler of 1,000 modes, draw by
draw of 26,000 triples: the floor of docs/records.md. Wants MNIST (DUET_DATA)."""

import torch

from duet import data
from duet.data.stacked_mnist import COUNTS, SEEDS, draw
from evaluation import modes
from evaluation.fidelity import open_extractor

DRAWS, MODES = range(100, 120), 1000  # other streams than the data set's own
PLACES = torch.tensor([100, 10, 1])


def classes(digits: torch.Tensor, seed: int, count: int) -> torch.Tensor:
    """Of `count` random triples of digits int64 [N]: int64 [count]."""
    return (digits[draw(seed, len(digits), count)] * PLACES).sum(1)


def line(name: str, digits: torch.Tensor) -> str:
    drawn = [classes(digits, seed, modes.SAMPLES) for seed in DRAWS]
    found = torch.tensor([modes.reverse_kl(triples, MODES) for triples in drawn])
    fewest = min(modes.covered(triples, MODES) for triples in drawn)
    return f"{name:<28} {fewest:>5} {found.mean():.4f} ± {found.std():.4f}"


def main() -> None:
    extractor = open_extractor("mnist", torch.device("cpu"))
    print(f"{'':<28} modes KL, mean and deviation of {len(DRAWS)} draws")
    for split in data.SPLITS:
        digits = data.load("mnist", split)
        taken_for = torch.cat([extractor(batch)[1].argmax(1) for batch in digits.images.split(500)])
        print(line(f"{split}, by the classifier", taken_for))
        print(line(f"{split}, by the labels", digits.labels))
        for count in (60_000, COUNTS["train"]):
            own = modes.reverse_kl(classes(digits.labels, SEEDS[split], count), MODES)
            print(f"{split}, {count:,} triples themselves: {own:.4f}")


if __name__ == "__main__":
    main()
