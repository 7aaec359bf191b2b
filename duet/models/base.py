"""The contract every model keeps; evaluation and demo are written against this alone."""

import math
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal

import torch
from torch import nn

from duet.core import latents
from duet.core.checks import whole
from duet.core.domains import DOMAINS, PIXELS, Domain
from duet.core.errors import DuetError

MAX_COUNT = 10_000_000  # samples in one call
MAX_IMAGE_VALUES = 2**20  # 3 x 512 x 512 and a little
BATCH_VALUES = 2**22  # that one layer holds of the images that are drawn together

# What a model is among the others; "baseline" is what they are measured against.
Role = Literal["baseline", "adversarial", "variational"]


class ModelError(DuetError):
    """A configuration or call that a model refuses; the message names the value and the mend."""


@dataclass(frozen=True)
class ModelConfig:
    """What rebuilds a network. `image_shape` is (C, H, W) of the values of `domain`, a name in
    DOMAINS; `num_classes` 0 means unconditional."""

    image_shape: tuple[int, int, int]
    num_classes: int
    latent_dim: int
    domain: str = field(default=PIXELS, kw_only=True)

    # Upper bounds: a config from outside must not make us build something absurd.
    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        "num_classes": (0, 10_000),
        "latent_dim": (1, 4096),
    }

    def __post_init__(self) -> None:
        shape = self.image_shape
        if len(shape) != 3 or any(type(side) is not int or not 1 <= side <= 1024 for side in shape):
            raise ModelError(f"image_shape must be three integers C, H, W in 1..1024, not {shape}")
        if math.prod(shape) > MAX_IMAGE_VALUES:
            raise ModelError(f"image_shape {shape} is more than {MAX_IMAGE_VALUES} values an image")
        object.__setattr__(self, "image_shape", tuple(shape))  # JSON gives a list
        for name, (low, high) in self.BOUNDS.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ModelError(f"{name} must be an integer in {low}..{high}, not {value!r}")

        if not isinstance(self.domain, str) or self.domain not in DOMAINS:
            raise ModelError(f"unknown domain {self.domain!r:.100}; known: {', '.join(DOMAINS)}")

    @property
    def network_domain(self) -> Domain:
        """What the images' values are."""
        return DOMAINS[self.domain]

    @property
    def network_channels(self) -> int:
        """Channels of images as networks have them."""
        return self.network_domain.network_channels(self.image_shape[0])

    @property
    def layer_values(self) -> int:
        """The most values that a layer of the network holds of one image."""
        return self.network_channels * math.prod(self.image_shape[1:])

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ModelConfig":
        """Build from JSON; every field must be there that has no default, and no other."""
        known = {f.name for f in fields(cls)}
        wanted = {f.name for f in fields(cls) if f.default is MISSING}
        if not wanted <= set(values) <= known:
            raise ModelError(
                f"{cls.__name__}: missing {sorted(wanted - set(values))}, "
                f"unknown {sorted(set(values) - known)}"
            )
        return cls(**values)


class LatentModel(nn.Module):
    """Latents to images. A subclass sets `Config`, `title`, `role`, `about` (a sentence or two for
    its card) and `limits` (its known failures), and defines `decode`; a model that can also go from
    images to latents defines `encode(images, labels) -> z`."""

    Config: ClassVar[type[ModelConfig]] = ModelConfig
    title: ClassVar[str]
    role: ClassVar[Role]
    about: str = ""
    limits: ClassVar[str] = ""
    config: ModelConfig

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        if not config.num_classes:  # what a model's class says of classes is not so of this one
            self.about = self.about.replace("class-conditional ", "")

    @property
    def latent_dim(self) -> int:
        return self.config.latent_dim

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return self.config.image_shape

    @property
    def num_classes(self) -> int:
        return self.config.num_classes

    @property
    def domain(self) -> Domain:
        """What its images' values are."""
        return self.config.network_domain

    def decode(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """z [N, latent_dim], labels int64 [N] (ignored where num_classes is 0) ->
        images float [N, C', H, W], as the domain has them in networks."""
        raise NotImplementedError

    @torch.inference_mode()
    def render(
        self, z: torch.Tensor, labels: torch.Tensor, batch_size: int = 250
    ) -> torch.Tensor:
        """`decode` in batches, smaller where images are large or layers wide, for use outside:
        uint8 [N, C, H, W] on the CPU. Wants eval mode. Raises ModelError where the weights are so
        large that nothing finite comes out."""
        batch_size = max(1, min(batch_size, BATCH_VALUES // self.config.layer_values))
        device = next(self.parameters()).device
        batches = zip(z.split(batch_size), labels.split(batch_size), strict=True)
        return torch.cat([self._values(a.to(device), b.to(device)).cpu() for a, b in batches])

    def _values(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        outputs = self.decode(z, labels)
        if not outputs.isfinite().all():  # they would be drawn as black
            raise ModelError(f"this {self.title}'s weights are broken: its images are not finite")
        return self.domain.to_values(outputs)

    def sample(
        self, count: int, *, seed: int = 0, first: int = 0, label: int | None = None,
        truncation: float = 1.0,
    ) -> torch.Tensor:
        """Images number first .. first+count-1 of stream `seed`: uint8 [count, C, H, W].

        Labels are drawn with the latents unless `label` fixes one. Raises ModelError for a label
        the model does not know, ArgumentError for a count, seed or truncation out of range.
        """
        whole("count", count, 0, MAX_COUNT)
        whole("first", first, 0, latents.MAX_SEED - count, latents.SEEDS)
        indices = range(first, first + count)
        z, labels = latents.draw(seed, indices, self.latent_dim, self.num_classes)
        if label is not None:
            labels = torch.full_like(labels, self.check_label(label))
        return self.render(latents.truncate(z, truncation), labels)

    def check_label(self, label: int) -> int:
        """`label` if this model can draw it, else ModelError."""
        if type(label) is not int or not 0 <= label < self.num_classes:
            known = f"0..{self.num_classes - 1}" if self.num_classes else "it is unconditional"
            raise ModelError(f"label {label!r:.40} is not one of the model's classes ({known})")
        return label
