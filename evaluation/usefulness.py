"""What generated images are worth: a small classifier learns from few real images, with and without
generated ones beside them, and is tested on held-out images.

The generator has seen the whole training split, the classifier a part of it: the gain is what a
user gets who has few labelled images and somebody else's generator. The classifier makes the same
number of steps whatever it learns from; a repetition has its own choice of real images, its own
generated ones and its own initial weights, which its classifiers share, so that they differ in what
they learn from alone.
"""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from duet.core.checks import whole
from duet.core.latents import MAX_SEED, SEEDS, check_truncation
from duet.core.progress import progress_bar
from duet.core.versions import library_versions
from duet.data import ImageSet
from duet.store.checkpoint import Checkpoint
from duet.store.studies import GainRecord, MeanRecord, UtilityRecord
from evaluation.errors import EvaluationError
from evaluation.extractors import entry_of, serving
from evaluation.extractors.base import Classifier, Distortion, Recipe
from evaluation.extractors.distortions import flipped_and_shifted
from evaluation.extractors.residual import ResidualClassifier
from evaluation.extractors.training import accuracy, begin, learn
from evaluation.harness import LIBRARIES
from evaluation.measuring import subset
from evaluation.real import images_record
from evaluation.welch import student_quantile

MOST_REPEATS, MOST_STEPS, MOST_A_CLASS = 100, 1_000_000, 1_000_000
STEM, WIDTHS, FEATURE_DIM, LEARNING_RATE = 8, (16, 32, 64), 64, 3e-3  # 35 ms a batch on one core


@dataclass(frozen=True)
class Plan:
    """What is tried: `per_class` real images a class, `generated` ones a class, each in `steps`
    steps, `repeats` times; repetition r draws everything from `seed` + r."""

    per_class: tuple[int, ...] = (10, 100, 1000)
    generated: int = 1000
    repeats: int = 5
    steps: int = 200
    seed: int = 0
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if not self.per_class:
            raise EvaluationError("--per-class names no number of images")
        for count in self.per_class:
            whole("--per-class", count, 1, MOST_A_CLASS)
        whole("--generated", self.generated, 1, MOST_A_CLASS)
        whole("--repeats", self.repeats, 2, MOST_REPEATS)
        whole("--steps", self.steps, 1, MOST_STEPS)
        whole("--seed", self.seed, 0, MAX_SEED - MOST_REPEATS, SEEDS)
        check_truncation(self.truncation, "--truncation")

    @property
    def seeds(self) -> range:
        return range(self.seed, self.seed + self.repeats)


class Learnt(NamedTuple):
    """Images, a classifier that learnt from them, and its accuracy on the held-out ones."""

    images: ImageSet
    network: Classifier
    accuracy: float


def check_classes(checkpoint: Checkpoint) -> None:
    """EvaluationError where a model's images have no label to learn from."""
    if checkpoint.model.num_classes < 2:
        has = "one class only" if checkpoint.model.num_classes else "no classes"
        raise EvaluationError(
            f"{checkpoint.name} draws {has}: there is nothing that a classifier could learn"
        )


def check_enough(train: ImageSet, plan: Plan) -> None:
    """EvaluationError where a class has fewer training images than are asked for."""
    counts = train.labels.bincount(minlength=len(train.class_names))
    least, asked = int(counts.argmin()), max(plan.per_class)
    if counts[least] < asked:
        raise EvaluationError(
            f"--per-class {asked}: {train.class_names[least]} of {train.name} has "
            f"{int(counts[least])} training images"
        )


class Bench:
    """The real images of a data set, and what was learnt from them alone: made once, for all
    checkpoints made from it."""

    def __init__(
        self, train: ImageSet, test: ImageSet, plan: Plan, device: torch.device
    ) -> None:
        check_enough(train, plan)
        self.train, self.test, self.plan, self.device = train, test, plan, device
        self.recipe = recipe_for(train)

    def learn(self, images: ImageSet, seed: int) -> Learnt:
        """Train a classifier, and test it."""
        network, optimizer = begin(self.recipe, seed, self.device)
        pixels, labels = images.images.to(self.device), images.labels.to(self.device)
        for step in range(self.plan.steps):
            learn(network, optimizer, self.recipe, pixels, labels, seed, step, self.plan.steps)
        network.eval()
        return Learnt(images, network, accuracy(network, self.recipe, self.test))

    @functools.cached_property
    def real(self) -> list[dict[int, Learnt]]:
        """By repetition and number of images a class."""
        counts = sorted(set(self.plan.per_class))
        with progress_bar(self.plan.repeats * len(counts), "real images", "classifier") as bar:
            found: list[dict[int, Learnt]] = []
            for seed in self.plan.seeds:
                found.append({})
                for count in counts:
                    found[-1][count] = self.learn(some_of(self.train, count, seed), seed)
                    bar.update()
        return found

    def study(self, checkpoint: Checkpoint) -> UtilityRecord:
        """What a checkpoint's images add, and what they are alone."""
        both: list[dict[int, float]] = []
        alone, reverse = [], []
        trainings = self.plan.repeats * (len(self.real[0]) + 1)
        with progress_bar(trainings, checkpoint.name, "classifier") as bar:
            for seed, real in zip(self.plan.seeds, self.real, strict=True):
                drawn = draw(checkpoint, self.plan, seed, self.device)
                both.append({})
                for count, learnt in real.items():
                    together = joined(learnt.images, drawn)
                    both[-1][count] = self.learn(together, seed).accuracy
                    bar.update()
                alone.append(self.learn(drawn, seed).accuracy)
                reverse.append(accuracy(real[max(real)].network, self.recipe, drawn))
                bar.update()
        return self._record(checkpoint, both, alone, reverse)

    def _record(
        self, checkpoint: Checkpoint, both: list[dict[int, float]], alone: list[float],
        reverse: list[float],
    ) -> UtilityRecord:
        plan, gains = self.plan, []
        for count in self.real[0]:
            before = [repetition[count].accuracy for repetition in self.real]
            after = [repetition[count] for repetition in both]
            differences = [two - one for one, two in zip(before, after, strict=True)]
            gains.append(GainRecord(count, *map(mean_of, (before, after, differences))))
        return UtilityRecord(
            gains=tuple(gains),
            generated_to_real=mean_of(alone),
            real_to_generated=mean_of(reverse),
            generated_per_class=plan.generated,
            repeats=plan.repeats,
            steps=plan.steps,
            seed=plan.seed,
            truncation=plan.truncation,
            training=images_record(self.train),
            held_out=images_record(self.test),
            subject_sha256=checkpoint.weights_sha256,
            device=str(self.device),
            versions=library_versions(LIBRARIES),
            classifier=described(self.recipe),
        )


def recipe_for(images: ImageSet) -> Recipe:
    """How the classifiers learn: a ResNet of 9 layers, narrow, with the distortions that suit the
    data set."""
    row = serving(images.name)
    registered = None if row is None else entry_of(row).recipe
    distort: Distortion = flipped_and_shifted if registered is None else registered.distort
    build = functools.partial(
        ResidualClassifier, images.image_shape[0], WIDTHS, FEATURE_DIM, len(images.class_names),
        STEM,
    )
    return Recipe(build, distort, epochs=1, learning_rate=LEARNING_RATE)


def described(recipe: Recipe) -> str:
    """All that decides what a classifier learns from given images, in one line."""
    widths = "-".join(map(str, (STEM, *WIDTHS, FEATURE_DIM)))
    distorted = getattr(recipe.distort, "__name__", "")
    return (
        f"residual {widths}, {recipe.optimizer.__name__} {recipe.learning_rate:g}, batches of "
        f"{recipe.batch_size}, {distorted}"
    )


def some_of(images: ImageSet, per_class: int, seed: int) -> ImageSet:
    """`per_class` random images of each class: of one seed, more of them contain the fewer."""
    order = np.random.default_rng(seed).permutation(len(images))
    labels = images.labels.numpy()[order]
    chosen = [order[labels == label][:per_class] for label in range(len(images.class_names))]
    return subset(images, torch.from_numpy(np.concatenate(chosen)))


def draw(checkpoint: Checkpoint, plan: Plan, seed: int, device: torch.device) -> ImageSet:
    """As many images of each of the model's classes as planned, all different, of stream `seed`."""
    model = checkpoint.model.to(device)
    images = [
        model.sample(
            plan.generated, seed=seed, first=label * plan.generated, label=label,
            truncation=plan.truncation,
        )
        for label in range(model.num_classes)
    ]
    labels = torch.arange(model.num_classes).repeat_interleave(plan.generated)
    return ImageSet(checkpoint.name, "generated", torch.cat(images), labels, checkpoint.class_names)


def joined(one: ImageSet, two: ImageSet) -> ImageSet:
    """The images of both."""
    return dataclasses.replace(
        one, images=torch.cat([one.images, two.images]),
        labels=torch.cat([one.labels, two.labels]), files=(),
    )


def mean_of(values: Sequence[float]) -> MeanRecord:
    """The mean of at least two independent repetitions, by Student's t."""
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    margin = student_quantile(0.975, len(values) - 1) * spread / len(values) ** 0.5
    return MeanRecord(mean, spread, (mean - margin, mean + margin))
