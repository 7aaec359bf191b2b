"""The in-domain extractor for 28x28 grey digits: a small classifier whose last hidden layer is
the feature space and whose logits are the Inception Score's class probabilities.

SiLU, not ReLU: a ReLU layer leaves dead units, hence singular covariances. Features are divided
by `feature_rms`, measured once on the training images and stored with the weights, so that they
have root mean square 1 and KID's polynomial kernel (x.y/d + 1)^3 is of order one.
"""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from duet.core.progress import progress_bar

FEATURE_DIM = 64


class MnistClassifier(nn.Module):
    """uint8 [N, 1, 28, 28] -> (features float32 [N, 64], logits float32 [N, 10])."""

    feature_rms: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_stage(1, 32, stride=1),
            *_stage(32, 32, stride=2),  # 14x14
            *_stage(32, 64, stride=1),
            *_stage(64, 64, stride=2),  # 7x7
            *_stage(64, 96, stride=2),  # 4x4
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(96 * 4 * 4, FEATURE_DIM),
            nn.SiLU(),
        )
        self.head = nn.Linear(FEATURE_DIM, 10)
        self.register_buffer("feature_rms", torch.ones(()))

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.body(images.float() / 127.5 - 1)
        return hidden / self.feature_rms, self.head(hidden)


def _stage(channels_in: int, channels_out: int, stride: int) -> list[nn.Module]:
    conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
    return [conv, nn.BatchNorm2d(channels_out), nn.SiLU()]


def train(
    images: torch.Tensor, labels: torch.Tensor, *, epochs: int = 12, batch_size: int = 128,
    learning_rate: float = 3e-3, seed: int = 0,
) -> MnistClassifier:
    """Fit the classifier on uint8 [N, 1, 28, 28] and int64 [N]; Adam, one learning-rate cycle,
    digits shifted, turned and scaled a little. Then measure `feature_rms` on the same images."""
    torch.manual_seed(seed)
    network = MnistClassifier()
    steps = epochs * math.ceil(len(images) / batch_size)
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    bar = progress_bar(steps, None, "step")
    for batch, batch_labels in _batches(images, labels, epochs, batch_size):
        _, logits = network(_distort(batch))
        loss = F.cross_entropy(logits, batch_labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{loss.item():.4f}", refresh=False)
        bar.update()
    bar.close()
    network.eval()
    with torch.no_grad():
        power = [network(batch)[0].double().square().mean(1) for batch in images.split(1000)]
        network.feature_rms.copy_(torch.cat(power).mean().sqrt())
    return network


@torch.no_grad()
def accuracy(network: MnistClassifier, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Share of uint8 [N, 1, 28, 28] that the classifier, in eval mode, names rightly."""
    guesses = torch.cat([network(batch)[1].argmax(1) for batch in images.split(1000)])
    return (guesses == labels).double().mean().item()


def _batches(
    images: torch.Tensor, labels: torch.Tensor, epochs: int, batch_size: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    for _ in range(epochs):
        for chosen in torch.randperm(len(images)).split(batch_size):
            yield images[chosen], labels[chosen]


def _distort(images: torch.Tensor) -> torch.Tensor:
    """Random rotation within 10 degrees, scale within 10 %, shift within 2 pixels."""
    count, _, height, width = images.shape
    angle = (torch.rand(count) * 2 - 1) * math.radians(10)
    scale = 1 + (torch.rand(count) * 2 - 1) * 0.1
    shift = (torch.rand(count, 2) * 2 - 1) * (2 * 2 / torch.tensor([width, height]))
    cosine, sine = angle.cos() * scale, angle.sin() * scale
    matrices = torch.stack(
        [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)],
        dim=1,
    )
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    # Black (0) outside the picture, which is MNIST's background.
    return F.grid_sample(images.float(), grid, align_corners=False)
