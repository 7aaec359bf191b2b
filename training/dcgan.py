"""The baseline's recipe. Grey pictures of 28x28 get the DCGAN of TensorFlow's tutorial (networks in
duet/models/dcgan.py), all others that of Radford et al., 2016 (duet/models/radford.py)."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

from typing_extensions import Self

from duet.core.domains import PIXELS
from duet.data import ImageSet
from duet.models import ModelConfig
from duet.models.dcgan import DCGAN, IMAGE_SHAPE, DCGANDiscriminator
from duet.models.radford import RadfordDCGAN, RadfordDiscriminator
from training.config import OPERATIONAL, BatchSize, TrainConfig
from training.losses import dcgan_discriminator_loss, dcgan_generator_loss
from training.objective import Batch, Objective, Phase, adversarial_adams, detached, frozen

LATENT_DIM = 100


class Form(NamedTuple):
    """What a form of the DCGAN was published with."""

    batch_size: int
    learning_rate: float


TUTORIAL = Form(batch_size=256, learning_rate=1e-4)
RADFORD = Form(batch_size=128, learning_rate=2e-4)  # section 4


def form_of(image_shape: tuple[int, int, int]) -> Form:
    return TUTORIAL if image_shape == IMAGE_SHAPE else RADFORD


@dataclass(frozen=True)
class DCGANTraining(TrainConfig):
    """The classic DCGAN, the reference that everything is measured against: TensorFlow's tutorial
    for 28x28 grey, Radford et al.'s for 16, 32 and 64 pixels, grey or colour."""

    recipe: ClassVar[str] = "dcgan"
    least_batch_size: ClassVar[int] = 2

    steps: Annotated[int, OPERATIONAL] = 11_719
    """Optimiser steps in all; 11,719 are the tutorial's 50 epochs of 60,000 images, and 30 of
    CIFAR-10's."""
    batch_size: BatchSize | None = None  # type: ignore[assignment]  # an int, once it is suited
    """Images a step (default: 256 for 28x28 grey, else 128)."""
    learning_rate: float | None = None
    """Of both Adams (default: 1e-4 for 28x28 grey, else 2e-4)."""

    def suited(self, images: ImageSet) -> Self:
        shape = images.image_shape
        return dataclasses.replace(
            super().suited(images), batch_size=self.batch_size or form_of(shape).batch_size,
            learning_rate=self.learning_rate_for(shape),
        )

    def learning_rate_for(self, image_shape: tuple[int, int, int]) -> float:
        return self.learning_rate or form_of(image_shape).learning_rate


class DCGANObjective(Objective):
    """The tutorial's: binary cross-entropy, both networks updated from the same forward pass. No
    weight average: the tutorial has none."""

    def __init__(
        self, config: DCGANTraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = ModelConfig(image_shape, num_classes=0, latent_dim=LATENT_DIM, domain=domain)
        self.model = DCGAN(shape)
        self.discriminator = DCGANDiscriminator()
        self.optimizers = adversarial_adams(
            self.model, self.discriminator, lr=config.learning_rate_for(image_shape), eps=1e-7
        )

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            generated = self.model.decode(batch.noise, batch.labels)
            real = self.discriminator(batch.images).float()
            fake = self.discriminator(generated).float()
        losses = {
            "generator": dcgan_generator_loss(fake),
            "discriminator": dcgan_discriminator_loss(real, fake),
        }
        yield Phase(minimise=losses, report=detached(**losses))


class RadfordObjective(Objective):
    """Radford et al.'s: binary cross-entropy, the discriminator first, then the generator before
    the discriminator as it has become; real and generated images are normalised apart, as the
    authors' code does. No weight average: they have none."""

    def __init__(
        self, config: DCGANTraining, image_shape: tuple[int, int, int], num_classes: int,
        domain: str = PIXELS,
    ) -> None:
        super().__init__(config)
        shape = ModelConfig(image_shape, num_classes=0, latent_dim=LATENT_DIM, domain=domain)
        self.model = RadfordDCGAN(shape)
        self.discriminator = RadfordDiscriminator(shape)
        self.optimizers = adversarial_adams(
            self.model, self.discriminator, lr=config.learning_rate_for(image_shape),
            betas=(0.5, 0.999),
        )

    def phases(self, batch: Batch) -> Iterator[Phase]:
        with self.autocast():
            generated = self.model.decode(batch.noise, batch.labels)
            real = self.discriminator(batch.images).float()
            fake = self.discriminator(generated.detach()).float()
        loss = dcgan_discriminator_loss(real, fake)
        yield Phase({"discriminator": loss}, detached(discriminator=loss))

        with self.autocast(), frozen(self.discriminator):
            fake = self.discriminator(generated).float()
        loss = dcgan_generator_loss(fake)
        yield Phase({"generator": loss}, detached(generator=loss))


def dcgan_objective(
    config: DCGANTraining, image_shape: tuple[int, int, int], num_classes: int,
    domain: str = PIXELS,
) -> Objective:
    """The objective whose networks draw images of that shape."""
    form = DCGANObjective if image_shape == IMAGE_SHAPE else RadfordObjective
    return form(config, image_shape, num_classes, domain)
