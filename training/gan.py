"""Our GAN's recipe: relativistic pairing with two zero-centred gradient penalties, after R3GAN
(Huang et al., "The GAN is dead; long live the GAN! A modern baseline GAN", 2024), made light."""

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from typing_extensions import Self

from duet.core.domains import PIXELS, Domain
from duet.data import ImageSet
from duet.models.gan import GAN, Discriminator, GANConfig
from training.augment import FEW_IMAGES, Augment, augmented
from training.background import border_level
from training.config import ResidualTraining, TrainingError
from training.ema import averaged_copy
from training.losses import gradient_penalty, relativistic_loss
from training.objective import (
    Batch,
    DecayingObjective,
    Phase,
    adversarial_adams,
    detached,
    frozen,
)

LATENT_DIM = 64
DEPTH = 1
# The penalties are expectations: a part of the batch estimates them at a part of the cost.
PENALTY_SHARE = 4


@dataclass(frozen=True)
class GANTraining(ResidualTraining):
    """Our class-conditional GAN for small images."""

    recipe: ClassVar[str] = "gan"
    widths: ClassVar[dict[float, int]] = {32: 48, 48: 44, math.inf: 36}

    learning_rate: float = 5e-4
    """Of both Adams, for the first 2,000 steps; then it falls as 1/sqrt(step)."""
    penalty: float = 0.1
    """Weight gamma of the R1 and R2 gradient penalties."""
    augment: Augment = "auto"
    """What the discriminator sees changed at random: geometry (moved, a part cut out), all
    (brightness and colours too), none. auto: fewer than 10,000 pictures, of colour all, of grey
    geometry."""
    background: int | None = None
    """Level of 0 to 255 that the discriminator sees as nothing (default: the median along the
    pictures' borders)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.background is not None and not 0 <= self.background <= 255:
            raise TrainingError(f"--background must be in 0..255, not {self.background}")
        if not 0 <= self.penalty < math.inf:
            raise TrainingError("--penalty must not be negative")

    def suited(self, images: ImageSet) -> Self:
        return dataclasses.replace(
            super().suited(images), augment=self.augment_for(images),
            background=self.background_for(images),
        )

    def background_for(self, images: ImageSet) -> int | None:
        """As asked, else the pictures' own; None for what are no pictures."""
        if images.domain != PIXELS:
            if self.background is not None:
                raise TrainingError("--background is for pictures; leave it out")
            return None
        return border_level(images.images) if self.background is None else self.background

    def augment_for(self, images: ImageSet) -> Augment:
        if images.domain != PIXELS:
            if self.augment not in ("auto", "none"):
                raise TrainingError(f"--augment {self.augment} is for pictures; pass none")
            return "none"
        if self.augment != "auto":
            return self.augment
        if len(images) >= FEW_IMAGES:
            return "none"
        return "geometry" if images.image_shape[0] == 1 else "all"


class GANObjective(DecayingObjective):
    """Discriminator and generator in turn, on the same latents; labels pair real with fake."""

    def __init__(
        self, config: GANTraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        self.penalty, self.policy = config.penalty, config.augment
        shape = GANConfig(
            image_shape, num_classes, LATENT_DIM, config.width_for(image_shape), DEPTH,
            stages=config.stages_for(image_shape), domain=domain,
        )
        self.model = GAN(shape)
        self.discriminator = Discriminator(shape)
        self.average = averaged_copy(self.model)
        self.background = _network_level(self.model.domain, config.background)
        self.optimizers = adversarial_adams(
            self.model, self.discriminator, lr=config.learning_rate, betas=(0.0, 0.99)
        )

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            generated = self.model.decode(batch.noise, batch.labels)
        real, fake = self.as_seen(batch.images), self.as_seen(generated.detach())
        yield self.discriminator_phase(real, fake, batch.labels)
        real, fake = self.as_seen(batch.images), self.as_seen(generated)
        yield self.generator_phase(real, fake, batch.labels)

    def as_seen(self, images: torch.Tensor) -> torch.Tensor:
        """As the discriminator is shown them: the background at 0, where augmentation and the
        padding of convolutions have it too."""
        return augmented(images - self.background, self.policy)

    def discriminator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Phase:
        # The penalties are taken at the augmented images, where they are given: R1 and R2 are
        # expectations over the two distributions that the discriminator tells apart (Mescheder et
        # al., 2018, section 4.1). Slopes in the images before would be nil where a part is cut out,
        # and would weigh each contrast otherwise.
        part = slice(max(1, len(images) // PENALTY_SHARE))
        with self.autocast():
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
            r1 = gradient_penalty(self.discriminator, images[part], labels[part])
            r2 = gradient_penalty(self.discriminator, generated[part], labels[part])
        loss = relativistic_loss(real, fake)
        return Phase(
            minimise={"discriminator": loss + self.penalty / 2 * (r1 + r2)},
            report=detached(discriminator=loss, r1=r1, r2=r2),
        )

    def generator_phase(
        self, images: torch.Tensor, generated: torch.Tensor, labels: torch.Tensor
    ) -> Phase:
        with self.autocast(), frozen(self.discriminator):
            real = self.discriminator(images, labels).float()
            fake = self.discriminator(generated, labels).float()
        loss = relativistic_loss(fake, real)
        return Phase(minimise={"generator": loss}, report=detached(generator=loss))


def _network_level(domain: Domain, level: int | None) -> float:
    """A level of 0 to 255 as networks have it; 0 where there is none."""
    if level is None:
        return 0.0
    return float(domain.to_network(torch.tensor(level, dtype=torch.uint8)))
