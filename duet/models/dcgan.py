"""The baseline: the DCGAN of TensorFlow's tutorial, as it is known, for 28x28 grey digits.

Radford et al., "Unsupervised representation learning with deep convolutional generative
adversarial networks", 2016, in the form of tensorflow.org/tutorials/generative/dcgan. Where
PyTorch's defaults differ from Keras's, Keras's are kept:

- weights: Glorot uniform, biases zero (PyTorch: Kaiming uniform, random biases);
- batch norm: epsilon 1e-3 and a running average that keeps 0.99 of the old (1e-5 and 0.9);
- leaky ReLU: slope 0.3 (0.01);
- "same" padding of a stride-2 convolution puts the odd pixel right and below, 1 + 2 (PyTorch's
  symmetric padding shifts the picture by one), in the transposed convolutions likewise;
- Adam: epsilon 1e-7 (1e-8), set in training/dcgan.py.
"""

import torch
import torch.nn.functional as F
from torch import nn

from duet.core.domains import PIXELS
from duet.models.base import LatentModel, ModelConfig, ModelError

SLOPE = 0.3
IMAGE_SHAPE = (1, 28, 28)


class DCGAN(LatentModel):
    """The tutorial's generator: 100-d normal noise, three 5x5 transposed convolutions, tanh."""

    title = "DCGAN (reference)"
    role = "baseline"
    about = (
        "The classic DCGAN of TensorFlow's tutorial, kept faithful as the baseline that Duet "
        "measures its own models against. Unconditional."
    )
    limits = "Many samples show nothing that the data hold, and a class cannot be chosen."

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        if (config.image_shape, config.num_classes, config.domain) != (IMAGE_SHAPE, 0, PIXELS):
            raise ModelError("dcgan draws unconditional 1x28x28 pixels and nothing else")
        self.dense = nn.Linear(config.latent_dim, 7 * 7 * 256, bias=False)
        self.norm0 = _batch_norm(nn.BatchNorm1d(7 * 7 * 256))
        self.up1 = nn.ConvTranspose2d(256, 128, 5, padding=2, bias=False)
        self.norm1 = _batch_norm(nn.BatchNorm2d(128))
        self.up2 = nn.ConvTranspose2d(128, 64, 5, stride=2, padding=1, bias=False)
        self.norm2 = _batch_norm(nn.BatchNorm2d(64))
        self.up3 = nn.ConvTranspose2d(64, 1, 5, stride=2, padding=1, bias=False)
        _glorot(self)

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = F.leaky_relu(self.norm0(self.dense(z)), SLOPE).unflatten(1, (256, 7, 7))
        x = F.leaky_relu(self.norm1(self.up1(x)), SLOPE)
        x = F.leaky_relu(self.norm2(self.up2(x)[..., :-1, :-1]), SLOPE)
        return self.up3(x)[..., :-1, :-1].tanh()


class DCGANDiscriminator(nn.Module):
    """The tutorial's discriminator: images float [N, 1, 28, 28] -> logits [N]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 5, stride=2)
        self.conv2 = nn.Conv2d(64, 128, 5, stride=2)
        self.dense = nn.Linear(7 * 7 * 128, 1)
        _glorot(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = images
        for conv in (self.conv1, self.conv2):
            x = F.leaky_relu(conv(F.pad(x, (1, 2, 1, 2))), SLOPE)
            x = F.dropout(x, 0.3, self.training)
        return self.dense(x.flatten(1)).squeeze(1)


def _batch_norm(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> nn.BatchNorm1d | nn.BatchNorm2d:
    norm.eps, norm.momentum = 1e-3, 0.01
    return norm


def _glorot(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
