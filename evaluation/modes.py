"""Modes: the classes of a data set that a generator has to find by itself, and how evenly it does.

The protocol of stacked MNIST: of 26,000 samples each is given to the class that a classifier takes
it for; a mode is covered by one sample, and the reverse KL divergence is that of the samples'
classes from the uniform distribution over all (Lin et al., "PacGAN: the power of two samples in
generative adversarial networks", 2018, and their code: stacked_MNIST_experiments, model.py).

The estimate is biased: N samples of exactly K equal modes have a divergence of (K - 1) / 2N, 0.0192
nats for 1,000 modes and 26,000 samples, with a standard deviation of sqrt((K - 1) / 2) / N, 0.0009.
So real images frame it, and counts are never mixed.
"""

import torch

SAMPLES = 26_000


def covered(classes: torch.Tensor, modes: int) -> int:
    """How many of `modes` classes occur among int64 [N]."""
    return int((torch.bincount(classes, minlength=modes) > 0).sum())


def reverse_kl(classes: torch.Tensor, modes: int) -> float:
    """KL(q || u) = sum_k q_k log(q_k / u_k) in nats, of the frequencies q of int64 [N] and the
    uniform u over `modes` classes; log(modes) where there is one class only."""
    frequencies = torch.bincount(classes, minlength=modes).double() / len(classes)
    return float(torch.xlogy(frequencies, frequencies * modes).sum())
