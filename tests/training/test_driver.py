"""One training step of each recipe, recomputed by hand in plain lines."""

import contextlib
import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Normal

from duet.core.domains import DOMAINS, Pixels
from duet.data import ImageSet
from duet.models import ModelError
from training import losses
from training.augment import augmented
from training.driver import move, take_gradients, train_step
from training.objective import Batch, Objective, frozen
from training.recipes import RECIPES

SHAPE, CLASSES, COUNT, STEP = (1, 28, 28), 10, 8, 50
SIZES = {
    "gan": {"width": 4, "penalty": 0.7, "augment": "none"}, "vae": {"width": 4, "latent_dim": 6},
    "dcgan": {},
}


@pytest.fixture
def batch():
    """Images in [-1, 1] and their labels, most classes once."""
    return torch.rand(COUNT, *SHAPE) * 2 - 1, torch.tensor([3, 1, 4, 1, 5, 9, 2, 6])


def build(recipe, num_classes=CLASSES, shape=SHAPE, **settings):
    """An objective in full precision. Layers that begin at zero hide what stands behind them, so
    every weight is moved a little."""
    config = RECIPES[recipe].config(precision="float32", **SIZES[recipe] | settings)
    objective = RECIPES[recipe].objective(config, shape, num_classes)
    with torch.no_grad():
        for parameter in objective.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return objective


def stepped(objective, images, labels):
    """(the objective as it was, a step's report): the step draws from seed 5."""
    before = copy.deepcopy(objective)
    torch.manual_seed(5)
    return before, train_step(objective, STEP, images, labels).losses


def check_gradients(network, loss, by_hand):
    expected = torch.autograd.grad(loss, list(by_hand.parameters()), retain_graph=True)
    for (name, parameter), gradient in zip(network.named_parameters(), expected, strict=True):
        assert gradient.abs().max() > 0 or name == "score.bias"  # which a difference cancels
        torch.testing.assert_close(
            parameter.grad, gradient, rtol=1e-4, atol=1e-5 * gradient.abs().max().item() + 1e-7,
            msg=lambda text, name=name: f"{name}: {text}",
        )


def check_first_adam_step(network, before, rate, eps=1e-8):
    """Adam's first step is the rate times the gradient's sign, but for epsilon."""
    for new, old in zip(network.parameters(), before.parameters(), strict=True):
        gradient = new.grad
        torch.testing.assert_close(
            new.detach(), old.detach() - rate * gradient / (gradient.abs() + eps), rtol=1e-4,
            atol=1e-6,
        )


def squared_gradient(network, images, labels):
    """E ||d D / d x||^2, image by image."""
    total = 0.0
    for image, label in zip(images, labels, strict=True):
        x = image[None].detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network(x, label[None]).sum(), x, create_graph=True)
        total = total + (gradient**2).sum() / len(images)
    return total


@pytest.mark.parametrize("num_classes", [CLASSES, 0])
def test_gan_step_by_hand(batch, num_classes):
    images, labels = batch if num_classes else (batch[0], torch.zeros_like(batch[1]))
    objective = build("gan", num_classes, background=51)
    before, report = stepped(objective, images, labels)
    torch.manual_seed(5)
    # 51 of 255 is -0.6 in networks, and 0 to the discriminator.
    images, generated = images + 0.6, before.model.decode(torch.randn(COUNT, 64), labels) + 0.6
    rate = 5e-4 * (STEP + 1) / 100  # warming up

    # The discriminator's phase: real above generated; penalties on a quarter of each.
    critic, fixed = before.discriminator, generated.detach()
    gap = critic(images, labels) - critic(fixed, labels)
    loss = torch.log(1 + torch.exp(-gap)).mean()
    r1 = squared_gradient(critic, images[:2], labels[:2])
    r2 = squared_gradient(critic, fixed[:2], labels[:2])
    for name, value in {"discriminator": loss, "r1": r1, "r2": r2}.items():
        torch.testing.assert_close(report[name], value.detach())
    check_gradients(objective.discriminator, loss + 0.7 / 2 * (r1 + r2), critic)
    check_first_adam_step(objective.discriminator, critic, rate)

    # The generator's phase: generated above real, before the critic as it has become.
    critic = objective.discriminator
    loss = torch.log(1 + torch.exp(critic(images, labels) - critic(generated, labels))).mean()
    torch.testing.assert_close(report["generator"], loss.detach())
    check_gradients(objective.model, loss, before.model)
    check_first_adam_step(objective.model, before.model, rate)


def test_gan_step_by_hand_where_pictures_are_few(batch):
    """Real and generated alike are changed in either phase, each anew; labels stay; the penalties
    are the slopes in the changed images."""
    images, labels = batch
    objective = build("gan", augment="all", background=0)
    before, report = stepped(objective, images, labels)
    torch.manual_seed(5)
    images, generated = images + 1, before.model.decode(torch.randn(COUNT, 64), labels) + 1
    critic = before.discriminator
    real, fake = augmented(images, "all"), augmented(generated, "all").detach()
    loss = torch.log(1 + torch.exp(critic(fake, labels) - critic(real, labels))).mean()
    r1 = squared_gradient(critic, real[:2], labels[:2])
    r2 = squared_gradient(critic, fake[:2], labels[:2])
    for name, value in {"discriminator": loss, "r1": r1, "r2": r2}.items():
        torch.testing.assert_close(report[name], value.detach())
    check_gradients(objective.discriminator, loss + 0.7 / 2 * (r1 + r2), critic)

    critic = objective.discriminator
    real, fake = augmented(images, "all"), augmented(generated, "all")
    loss = torch.log(1 + torch.exp(critic(real, labels) - critic(fake, labels))).mean()
    torch.testing.assert_close(report["generator"], loss.detach())
    check_gradients(objective.model, loss, before.model)


def test_without_augmentation_a_step_draws_its_noise_and_nothing_else(batch):
    stepped(build("gan"), *batch)
    left = torch.rand(3)
    torch.manual_seed(5)
    torch.randn(COUNT, 64)
    assert torch.equal(left, torch.rand(3))


@pytest.mark.parametrize("num_classes", [CLASSES, 0])
def test_vae_step_by_hand(batch, num_classes):
    images, labels = batch if num_classes else (batch[0], torch.zeros_like(batch[1]))
    objective = build("vae", num_classes)
    before, report = stepped(objective, images, labels)
    model = before.model
    torch.manual_seed(5)
    mean, log_variance = model.posterior(images, labels)
    posterior = Normal(mean, torch.exp(log_variance / 2))
    z = mean + torch.randn(COUNT, 6) * posterior.scale

    noise, log_determinant = model.prior.inverse(z, labels)
    assert log_determinant.abs().min() > 1e-3
    log_prior = Normal(0, 1).log_prob(noise).sum(1) + log_determinant
    kl = (posterior.log_prob(z).sum(1) - log_prior).mean()
    outputs = model.decoder(z, labels)
    deviation = (outputs - images).square().mean().sqrt()
    nll = -Normal(outputs, deviation).log_prob(images).sum(dim=(1, 2, 3)).mean()

    for name, value in {"kl": kl, "reconstruction": nll, "elbo": -(nll + kl)}.items():
        torch.testing.assert_close(report[name], value.detach())
    check_gradients(objective.model, nll + kl, model)
    check_first_adam_step(objective.model, model, 1e-3 * (STEP + 1) / 100)


GRID_SHAPE = (3, 16, 16)
MOVES = ("features", "autoencoder", "prior")


@pytest.fixture
def colours(batch):
    return torch.rand(COUNT, *GRID_SHAPE) * 2 - 1, batch[1]


@pytest.mark.parametrize("num_classes", [CLASSES, 0])
def test_spatial_vae_step_by_hand(colours, num_classes):
    """The features first, the autoencoder before them as they have become, the prior on latents of
    the average as it was."""
    images, labels = colours if num_classes else (colours[0], torch.zeros_like(colours[1]))
    objective = build("vae", num_classes, GRID_SHAPE, latent_dim=32)
    objective.max_gradient_norm = math.inf
    before, report = stepped(objective, images, labels)
    model, few = before.model, images[: COUNT // 2]
    torch.manual_seed(5)
    noise = torch.randn(COUNT, 32).view(COUNT, 2, 4, 4)

    turns = torch.randint(4, (len(few),))
    turned = [few[i].rot90(int(turn), (1, 2)) for i, turn in enumerate(turns)]
    log_shares = before.features(torch.stack(turned)).log_softmax(1)
    rotation = -sum(log_shares[i, turn] for i, turn in enumerate(turns)) / len(few)
    torch.testing.assert_close(report["rotation"], rotation.detach())
    check_gradients(objective.features, rotation, before.features)

    mean, log_variance = model.posterior(few)
    posterior = Normal(mean, torch.exp(log_variance / 2))
    z = mean + torch.randn(mean.shape) * posterior.scale
    kl = torch.distributions.kl_divergence(posterior, Normal(0.0, 1.0)).sum() / len(few)
    outputs = model.decoder(z)
    nll = -Normal(outputs, (outputs - few).square().mean().sqrt()).log_prob(few).sum() / len(few)
    nats = []
    maps = zip(objective.features.maps(outputs), objective.features.maps(few), strict=True)
    for drawn, seen in maps:
        seen = seen.detach()
        log_density = Normal(drawn, (drawn - seen).square().mean().sqrt()).log_prob(seen)
        nats.append(-log_density.mean())
    assert len(nats) == 3
    perceptual = 3 * 16 * 16 * sum(nats) / 3
    for name, value in {
        "kl": kl, "reconstruction": nll, "elbo": -(nll + kl), "perceptual": perceptual,
    }.items():
        torch.testing.assert_close(report[name], value.detach())
    for part in ("encoder", "decoder"):
        check_gradients(getattr(objective.model, part), nll + kl + perceptual, getattr(model, part))

    mean, log_variance = before.average.posterior(images)
    z = (mean + torch.randn(mean.shape) * torch.exp(log_variance / 2)).detach()
    told = [num_classes if chance < 0.1 else label
            for chance, label in zip(torch.rand(COUNT), labels.tolist(), strict=True)]
    times = torch.sigmoid(torch.randn(COUNT))
    errors = []
    for i, time in enumerate(times):
        between = (1 - time) * noise[i] + time * z[i]
        found = model.prior.velocity(between[None], time[None], torch.tensor([told[i]]))[0]
        errors.append((found - (z[i] - noise[i])).square().sum() / 2)
    prior = sum(errors) / COUNT
    torch.testing.assert_close(report["prior"], prior.detach())
    check_gradients(objective.model.prior, prior, model.prior)
    check_first_adam_step(objective.model, model, 1e-3 * (STEP + 1) / 100)
    assert tuple(objective.optimizers) == MOVES


def test_labels_are_dropped_in_one_of_ten_images(monkeypatch):
    """And the prior is told "any" instead."""
    objective = build("vae", 3, GRID_SHAPE, latent_dim=16)
    told = []
    velocity = objective.model.prior.velocity

    def spy(z, times, labels):
        told.extend(labels.tolist())
        return z * times[:, None, None, None]

    monkeypatch.setattr(velocity, "forward", spy)
    images, labels = torch.zeros(1000, *GRID_SHAPE), torch.arange(1000) % 3
    objective.prior_phase(Batch(images, labels, torch.randn(1000, objective.model.latent_dim)))
    assert 60 < told.count(3) < 140
    assert all(a in (b, 3) for a, b in zip(told, labels.tolist(), strict=True))


def test_an_outlier_batch_of_the_vae_is_clipped(batch):
    images, labels = batch
    objective = build("vae")
    stepped(objective, 100 * images, labels)
    norms = torch.stack([parameter.grad.norm() for parameter in objective.model.parameters()])
    assert norms.norm().item() == pytest.approx(1000, rel=1e-3)


def test_dcgan_step_by_hand(batch):
    """Both from one forward pass: neither sees the other's update."""
    images, labels = batch
    objective = build("dcgan")
    before, report = stepped(objective, images, labels)
    torch.manual_seed(5)
    generated = before.model.decode(torch.randn(COUNT, 100), labels)
    critic = before.discriminator
    real, fake = critic(images), critic(generated)  # in this order, for the dropout
    entropy, ones, zeros = F.binary_cross_entropy_with_logits, torch.ones(COUNT), torch.zeros(COUNT)
    losses = {
        "generator": entropy(fake, ones),
        "discriminator": entropy(real, ones) + entropy(fake, zeros),
    }
    for name, loss in losses.items():
        torch.testing.assert_close(report[name], loss.detach())
    check_gradients(objective.model, losses["generator"], before.model)
    check_gradients(objective.discriminator, losses["discriminator"], critic)
    check_first_adam_step(objective.model, before.model, 1e-4, eps=1e-7)
    check_first_adam_step(objective.discriminator, critic, 1e-4, eps=1e-7)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 16, 16)])
def test_radford_dcgan_step_by_hand(shape):
    """In turn; batch norm of the real and of the generated images apart."""
    images, labels = torch.rand(COUNT, *shape) * 2 - 1, torch.zeros(COUNT, dtype=torch.int64)
    objective = build("dcgan", shape=shape)
    before, report = stepped(objective, images, labels)
    torch.manual_seed(5)
    generated = before.model.decode(torch.randn(COUNT, 100), labels)
    entropy, ones, zeros = F.binary_cross_entropy_with_logits, torch.ones(COUNT), torch.zeros(COUNT)

    critic = before.discriminator
    real, fake = critic(images), critic(generated.detach())
    loss = entropy(real, ones) + entropy(fake, zeros)
    torch.testing.assert_close(report["discriminator"], loss.detach())
    check_gradients(objective.discriminator, loss, critic)
    for new, old in zip(objective.discriminator.parameters(), critic.parameters(), strict=True):
        moved = (new - old).abs().max().item()  # by Adam's first step: the rate, whatever the slope
        assert moved == pytest.approx(2e-4, rel=0.01)

    loss = entropy(objective.discriminator(generated), ones)
    torch.testing.assert_close(report["generator"], loss.detach())
    check_gradients(objective.model, loss, before.model)
    check_first_adam_step(objective.model, before.model, 2e-4)
    betas = {group["betas"] for o in objective.optimizers.values() for group in o.param_groups}
    assert betas == {(0.5, 0.999)}
    assert objective.shipped is objective.model


@pytest.mark.parametrize(
    ("recipe", "published"),
    [("gan", {"betas": (0.0, 0.99), "eps": 1e-8}), ("dcgan", {"betas": (0.9, 0.999), "eps": 1e-7}),
     ("vae", {"betas": (0.9, 0.999), "eps": 1e-8})],
)
def test_optimisers_are_the_published_ones(recipe, published):
    """Adam's first step hides its betas."""
    for optimizer in build(recipe).optimizers.values():
        assert {key: optimizer.defaults[key] for key in published} == published


@pytest.mark.parametrize(("count", "part"), [(1, 1), (3, 1), (8, 2), (9, 2)])
def test_penalties_are_estimated_on_a_quarter_of_the_batch(batch, monkeypatch, count, part):
    seen = []

    def spy(discriminator, images, labels):
        seen.append((len(images), len(labels)))
        return images.sum() * 0

    monkeypatch.setattr("training.gan.gradient_penalty", spy)
    images, labels = (torch.cat([tensor] * 2)[:count] for tensor in batch)
    stepped(build("gan"), images, labels)
    assert seen == [(part, part)] * 2


FORMS = [("gan", SHAPE), ("vae", SHAPE), ("dcgan", SHAPE), ("dcgan", (3, 16, 16))]


@pytest.mark.parametrize(("recipe", "shape"), [*FORMS, ("vae", GRID_SHAPE)])
def test_losses_are_computed_in_float32(batch, monkeypatch, recipe, shape):
    """Of networks in bfloat16: sums and differences of rough logits would be rougher still."""
    grid = {"latent_dim": 32} if (recipe, shape) == ("vae", GRID_SHAPE) else {}
    config = RECIPES[recipe].config(precision="bfloat16", **SIZES[recipe] | grid)
    objective = RECIPES[recipe].objective(config, shape, 0)

    def in_float32(function):
        def checked(*tensors):
            assert {tensor.dtype for tensor in tensors} == {torch.float32}
            return function(*tensors)
        return checked

    for place in ("gan.relativistic_loss", "dcgan.dcgan_discriminator_loss",
                  "dcgan.dcgan_generator_loss"):
        module, name = place.split(".")
        function = getattr(losses, name)
        monkeypatch.setattr(f"training.{module}.{name}", in_float32(function))
    images = torch.rand(COUNT, *shape) * 2 - 1
    report = train_step(objective, 0, images, torch.zeros(COUNT, dtype=torch.int64))
    for value in (*report.losses.values(), *report.norms.values()):
        assert value.dtype == torch.float32
        assert not value.requires_grad  # a log that keeps graphs runs out of memory


@pytest.mark.parametrize(("recipe", "shape"), FORMS)
def test_a_step_computes_where_its_images_are(monkeypatch, recipe, shape):
    """On a device without numbers, which no other device's tensor may meet."""
    monkeypatch.setattr(Objective, "autocast", lambda self: contextlib.nullcontext())
    config = RECIPES[recipe].config(**SIZES[recipe] | {"precision": "float32"})
    with torch.device("meta"):
        objective = RECIPES[recipe].objective(config, shape, 0)
        images, labels = torch.empty(COUNT, *shape), torch.empty(COUNT, dtype=torch.int64)
    report = train_step(objective, 0, images, labels)
    assert {value.device.type for value in report.losses.values()} == {"meta"}


def test_a_frozen_network_asks_for_no_gradients():
    """Until the end, whatever happens in between."""
    network = torch.nn.Linear(2, 2)
    for ending in (None, KeyError):
        with contextlib.suppress(KeyError), frozen(network):
            assert not any(parameter.requires_grad for parameter in network.parameters())
            if ending:
                raise ending
        assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("shape", [SHAPE, (3, 16, 16)])
def test_a_dcgan_draws_pixels_and_nothing_else(monkeypatch, shape):
    monkeypatch.setitem(DOMAINS, "tiles", Pixels())
    recipe = RECIPES["dcgan"]
    with pytest.raises(ModelError, match="pixels"):
        recipe.objective(recipe.config(), shape, 0, "tiles")


def test_each_form_of_the_dcgan_has_its_own_defaults(toy_data):
    config = RECIPES["dcgan"].config
    tutorial = config().suited(toy_data)
    assert (tutorial.batch_size, tutorial.learning_rate) == (256, 1e-4)
    colour = ImageSet("rgb", "train", torch.zeros(9, 3, 32, 32, dtype=torch.uint8),
                      torch.zeros(9, dtype=torch.int64), ())
    radford = config().suited(colour)
    assert (radford.batch_size, radford.learning_rate) == (128, 2e-4)
    asked = config(batch_size=9, learning_rate=1e-3).suited(colour)
    assert (asked.batch_size, asked.learning_rate) == (9, 1e-3)


@pytest.mark.parametrize("recipe", ["gan", "vae"])
def test_what_ships_is_the_average_over_the_steps(batch, recipe):
    objective = build(recipe)
    averages = []
    for step in range(3):
        train_step(objective, step, *batch)
        keep = (1 - 1 / (step + 1)) ** 7.94
        new = [parameter.detach().clone() for parameter in objective.model.parameters()]
        averages = [keep * a + (1 - keep) * b for a, b in zip(averages or new, new, strict=True)]
    for shipped, average, raw in zip(objective.shipped.parameters(), averages, new, strict=True):
        torch.testing.assert_close(shipped, average, rtol=1e-5, atol=1e-7)
        assert not torch.equal(shipped, raw)


def test_dcgan_ships_its_last_weights(batch):
    objective = build("dcgan")
    train_step(objective, 0, *batch)
    assert objective.shipped is objective.model
    assert objective.average is None


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_forgets_the_gradients_of_the_one_before(batch, recipe):
    objective = build(recipe)
    stepped(objective, *batch)
    twin = copy.deepcopy(objective)
    twin.zero_grad()
    for one in (objective, twin):
        stepped(one, *batch)
    for parameter, other in zip(objective.parameters(), twin.parameters(), strict=True):
        assert torch.equal(parameter, other)


def test_networks_of_one_phase_move_at_once():
    """Two numbers that play for and against their product, both from where they were."""
    objective = Objective(RECIPES["gan"].config())
    objective.numbers = torch.nn.ParameterList([torch.tensor(2.0), torch.tensor(3.0)])
    one, other = objective.numbers
    objective.optimizers = {
        name: torch.optim.SGD([number], lr=0.1)
        for name, number in zip("ab", objective.numbers, strict=True)
    }
    product = one * other
    take_gradients(objective, {"a": product, "b": -product})
    norms = move(objective, "ab")
    assert {name: norm.item() for name, norm in norms.items()} == {"a": 3.0, "b": 2.0}
    assert (one.item(), other.item()) == pytest.approx((2 - 0.1 * 3, 3 + 0.1 * 2))


def test_parts_of_a_batch_make_the_step_of_the_whole(batch):
    """Of a recipe that has no statistics of its batch, but for rounding. The penalties' quarter of
    eight images is two: one of each part."""
    whole = build("gan")
    split, told = copy.deepcopy(whole), []
    for objective, parts in ((whole, 1), (split, 2)):
        torch.manual_seed(5)
        told.append(train_step(objective, STEP, *batch, parts=parts))
    for one, other in zip(*told, strict=True):
        for name in one:
            torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-5)
    for one, other in zip(whole.parameters(), split.parameters(), strict=True):
        if one.grad is not None:
            scale = one.grad.abs().max().item()
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-4 * scale + 1e-7)
