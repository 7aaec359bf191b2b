"""How our own extractors are trained: one loop for all of them, which may be stopped and resumed.

Order and distortions of an epoch, and of a step, come from (seed, epoch) and (seed, step): no
random state is saved, and a resumed run equals an unbroken one for the same number of threads.
"""

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import Optimizer

from duet.core.checks import whole
from duet.core.files import parse_json
from duet.core.latents import MAX_SEED, SEEDS
from duet.core.lock import locked
from duet.core.optimizers import load_moments, make_moments, moments_of
from duet.core.progress import progress_bar
from duet.core.stop import Interrupted, stop_signals
from duet.core.tensors import load_tensors, misfits, save_tensors
from duet.data import ImageSet
from duet.store import records
from duet.store.records import STRICT
from evaluation.errors import EvaluationError
from evaluation.extractors.base import Classifier, ExtractorEntry, Recipe

STATE = "state.safetensors"
SAVE_SECONDS = 60
TEST_BATCH = 250  # of 1,000, what lies between the layers no longer fits the cache: twice the time
MOST_EPOCHS = 1_000_000
WARM_UP = 0.2  # the share of the steps on which the learning rate rises


@dataclass(frozen=True)
class Plan:
    """What a run of the loop is of; a saved state goes on with the same one only."""

    __pydantic_config__ = STRICT

    data: str
    images_sha256: str
    epochs: int
    seed: int


def train_entry(
    entry: ExtractorEntry, train_set: ImageSet, test_set: ImageSet, folder: Path,
    device: torch.device, seed: int, epochs: int | None, resume: bool,
) -> float:
    """Train the classifier of an extractor's row and write its weights, whole, with what they come
    from; returns the test accuracy. Raises as `train` does, EvaluationError for other images."""
    recipe = entry.recipe
    assert recipe is not None
    assert entry.weights is not None
    if entry.image_shape != train_set.image_shape:
        raise EvaluationError(
            f"the extractor takes images of {entry.image_shape}, {train_set.name} has "
            f"{train_set.image_shape}"
        )
    plan = Plan(
        train_set.name, train_set.sha256,
        recipe.epochs if epochs is None else whole("--epochs", epochs, 1, MOST_EPOCHS),
        whole("--seed", seed, 0, MAX_SEED, SEEDS),
    )
    network = train(recipe, train_set, plan, folder, resume, device)
    found = accuracy(network, recipe, test_set)
    about = {key: str(value) for key, value in asdict(plan).items()} | {
        "test_accuracy": str(found),
        "image_shape": json.dumps(train_set.image_shape),
        "classes": str(len(train_set.class_names)),
    }
    save_tensors(entry.weights, network.state_dict(), about)
    (folder / STATE).unlink()
    return found


def train(
    recipe: Recipe, images: ImageSet, plan: Plan, folder: Path, resume: bool, device: torch.device
) -> Classifier:
    """Fit a classifier on a training split and measure its `feature_rms` there; in eval mode.

    The unfinished state is kept in `folder`, which is made. Raises EvaluationError where `resume`
    finds no state, or one of another plan; Interrupted after Ctrl-C or SIGTERM, the state saved.
    """
    network, optimizer = begin(recipe, plan.seed, device)
    folder.mkdir(parents=True, exist_ok=True)
    state = folder / STATE
    with locked(folder):
        if not resume and state.exists():
            raise EvaluationError(
                f"{folder} holds an unfinished training; go on with it by --resume, or delete it"
            )
        done = _load(state, network, optimizer, plan) if resume else 0
        _fit(network, optimizer, recipe, images, plan, done, state)
    network.eval()
    _measure_features(network, images.images.to(device))
    return network


def _fit(
    network: Classifier, optimizer: Optimizer, recipe: Recipe, images: ImageSet,
    plan: Plan, done: int, state: Path,
) -> None:
    """The loop, from step `done` to the last."""
    device = network.feature_rms.device
    pixels, labels = images.images.to(device), images.labels.to(device)
    steps = plan.epochs * steps_an_epoch(recipe, len(images))
    saved = time.monotonic()
    with stop_signals() as stop, progress_bar(steps, plan.data, "step", initial=done) as bar:
        for step in range(done, steps):
            if stop or time.monotonic() - saved > SAVE_SECONDS:
                _save(state, network, optimizer, plan, step)
                saved = time.monotonic()
            if stop:
                raise Interrupted(
                    f"stopped at step {step} of {steps}, all saved in {state.parent}; go on with "
                    "the same command and --resume", stop[0],
                )

            loss, right = learn(network, optimizer, recipe, pixels, labels, plan.seed, step, steps)
            bar.set_postfix(loss=f"{loss:.4f}", right=f"{right:.3f}", refresh=False)
            bar.update()
        _save(state, network, optimizer, plan, steps)  # what follows may fail: nothing is lost


def steps_an_epoch(recipe: Recipe, images: int) -> int:
    """How many whole batches a pass over so many images is of."""
    return images // min(recipe.batch_size, images)


def begin(recipe: Recipe, seed: int, device: torch.device) -> tuple[Classifier, Optimizer]:
    """A recipe's network with the initial weights of a seed, and its optimiser."""
    _seed(seed, 0, 0)
    network = recipe.build().to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # of convolutions
    return network, recipe.optimizer(network.parameters())


def learn(
    network: Classifier, optimizer: Optimizer, recipe: Recipe, images: torch.Tensor,
    labels: torch.Tensor, seed: int, step: int, steps: int,
) -> tuple[float, float]:
    """Step number `step` of `steps` on its batch of uint8 [N, C, H, W] and int64 [N], both on the
    network's device; returns the loss and the share of the batch that was answered rightly. Raises
    EvaluationError where the loss is not finite."""
    batch_size = min(recipe.batch_size, len(images))
    epoch, position = divmod(step, steps_an_epoch(recipe, len(images)))
    order = np.random.default_rng([seed, epoch]).permutation(len(images))
    first = position * batch_size
    chosen = torch.from_numpy(order[first : first + batch_size]).to(images.device)
    _seed(seed, 1, step)
    for group in optimizer.param_groups:
        group["lr"] = recipe.learning_rate * one_cycle((step + 1) / (steps + 1))
    batch, answers = recipe.distort(images[chosen]), labels[chosen]
    if recipe.task is not None:  # last: a mirrored turn is the opposite one
        batch, answers = recipe.task(batch)
    _, logits = network(batch)
    loss = F.cross_entropy(logits, answers, label_smoothing=recipe.label_smoothing)
    if not loss.isfinite():
        raise EvaluationError(f"the loss is not finite at step {step}; nothing was written")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item(), (logits.argmax(1) == answers).double().mean().item()


def one_cycle(progress: float) -> float:
    """The learning rate's share of its peak at a share of the run: a straight line up from 0, half
    a cosine down to 0 (after Smith & Topin, "Super-convergence", 2019)."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP)))


@torch.inference_mode()
def accuracy(network: Classifier, recipe: Recipe, images: ImageSet) -> float:
    """Share of a split's images for which the classifier, in eval mode, answers rightly."""
    device, right = network.feature_rms.device, 0
    _seed(0, 2, 0)
    for batch, answers in zip(
        images.images.split(TEST_BATCH), images.labels.split(TEST_BATCH), strict=True
    ):
        if recipe.task is not None:
            batch, answers = recipe.task(batch)
        guesses = network(batch.to(device))[1].argmax(1).cpu()
        right += int((guesses == answers).sum())
    return right / len(images)


@torch.no_grad()
def _measure_features(network: Classifier, pixels: torch.Tensor) -> None:
    """Set `feature_rms` to the root mean square of the features of all images."""
    power = [network(batch)[0].double().square().mean(1) for batch in pixels.split(500)]
    network.feature_rms.copy_(torch.cat(power).mean().sqrt())


def _seed(seed: int, purpose: int, step: int) -> None:
    """Seed torch's numbers for the initial weights (purpose 0), for one step's distortions (1) or
    for the test's questions (2)."""
    state = np.random.SeedSequence([seed, purpose, step]).generate_state(1, np.uint64)
    torch.manual_seed(int(state[0]))


def _tensors(network: Classifier, optimizer: Optimizer) -> dict[str, torch.Tensor]:
    """All that a state keeps: network.KEY, and optimizer.INDEX.MOMENT."""
    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    return tensors | moments_of(optimizer, "optimizer")


def _save(path: Path, network: Classifier, optimizer: Optimizer, plan: Plan, step: int) -> None:
    about = {"plan": json.dumps(asdict(plan)), "step": str(step)}
    save_tensors(path, _tensors(network, optimizer), about)


def _load(path: Path, network: Classifier, optimizer: Optimizer, plan: Plan) -> int:
    """Put a saved state into network and optimiser; returns the steps done."""
    if not path.exists():
        raise EvaluationError(f"--resume: there is no {path.name} in {path.parent}")
    saved, step, tensors = _read(path)
    if saved != plan:
        raise EvaluationError(f"--resume: {path.parent} is a training of {saved}, not {plan}")
    if step:
        make_moments(optimizer)
    wrong = misfits(tensors, _tensors(network, optimizer))
    if wrong := wrong or [key for key, value in tensors.items() if not value.isfinite().all()]:
        raise EvaluationError(
            f"--resume: {path} is damaged: absent, unknown, of another shape or not finite are "
            f"{wrong[:3]}; delete it, and begin anew"
        )
    networks = {key: value for key, value in tensors.items() if key.startswith("network.")}
    network.load_state_dict({key.removeprefix("network."): v for key, v in networks.items()})
    load_moments(optimizer, "optimizer", tensors)
    return step


def _read(path: Path) -> tuple[Plan, int, dict[str, torch.Tensor]]:
    """The plan of a saved state, its steps, its tensors."""
    try:
        tensors, about = load_tensors(path)
        plan = records.validate(Plan, parse_json(about["plan"].encode()))
        return plan, whole("step", int(about["step"]), 0, MAX_SEED), tensors
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise EvaluationError(f"--resume: {path} holds no such training ({error})") from error
