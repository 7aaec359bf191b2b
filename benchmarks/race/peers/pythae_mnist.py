"""Pythae's VAE, as its own scripts train one on MNIST (clementchadebec/benchmark_VAE 73ff590,
examples/scripts/configs/mnist/base_training_config.json and vae_config.json): batches of 100, Adam
at 1e-3, 16 latent dimensions, squared error; the convolutional networks for MNIST of
pythae.models.nn.benchmarks. Sampled by its NormalSampler, one pass of the decoder.

Without an evaluation set, for which its trainer would stop after each epoch; so what is saved is
the model as it stands when a mark is passed.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pace
import torch
from pythae.models import VAE, VAEConfig
from pythae.models.nn.benchmarks.mnist import Decoder_Conv_AE_MNIST, Encoder_Conv_VAE_MNIST
from pythae.pipelines import TrainingPipeline
from pythae.samplers import NormalSampler
from pythae.trainers import BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback


class Finished(Exception):
    """The last mark was passed: its trainer knows epochs, and no clock."""


class Saving(TrainingCallback):
    def __init__(self, marks: pace.Marks) -> None:
        self.marks = marks

    def on_train_step_end(self, training_config, **told) -> None:
        if self.marks.passed(told["model"]):
            raise Finished


def network() -> VAE:
    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=16, reconstruction_loss="mse")
    return VAE(
        config, encoder=Encoder_Conv_VAE_MNIST(config), decoder=Decoder_Conv_AE_MNIST(config)
    )


def train(data_dir: Path, marks: pace.Marks) -> None:
    images, _ = pace.digits(data_dir)
    config = BaseTrainerConfig(
        output_dir=str(marks.folder / "pythae"), per_device_train_batch_size=100,
        learning_rate=1e-3, num_epochs=10**6, no_cuda=True,
    )
    pipeline = TrainingPipeline(training_config=config, model=network())
    with contextlib.suppress(Finished):
        pipeline(images, callbacks=[Saving(marks)])


def sampler(weights: Path) -> Callable[[int], torch.Tensor]:
    model = network()
    model.load_state_dict(torch.load(weights, weights_only=True))
    normal = NormalSampler(model.eval())
    return lambda count: normal.sample(count, batch_size=count)


if __name__ == "__main__":
    pace.main(train, sampler)
