"""Our path through torch-fidelity's functions, against its own and against independent maths."""

import dataclasses

import numpy as np
import pytest
import torch
import torch_fidelity
from torch_fidelity import FeatureExtractorInceptionV3

from duet.core.tensors import save_tensors
from duet.store.metrics import ReferenceRecord
from evaluation import fidelity
from evaluation.errors import EvaluationError
from evaluation.extractors import EXTRACTORS
from evaluation.extractors.mnist import MnistClassifier
from evaluation.fidelity import open_extractor
from evaluation.harness import Request, protocol_of, score
from evaluation.metrics import FeatureSet
from evaluation.reference import Reference

CPU = torch.device("cpu")


class Images(torch.utils.data.Dataset):
    """What torch-fidelity wants: one uint8 CHW tensor an item."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


def feature_set(images, extractor):
    features, logits = extractor(images)
    return FeatureSet(features, logits, fidelity.statistics(features))


def noisy(images, seed, level=40):
    noise = torch.from_numpy(np.random.default_rng(seed).integers(-level, level, images.shape))
    return (images.int() + noise).clamp(0, 255).to(torch.uint8)


@pytest.fixture
def pair(toy_data):
    """1200 images each: noisy toys, and noisier ones."""
    images = toy_data.images.repeat(4, 1, 1, 1)
    return noisy(images, 1, level=48), noisy(images, 2)


def test_same_scores_as_calculate_metrics(extractor, pair):
    """The oracle: the library's own command on the same images."""
    generated, real = pair
    real_set = feature_set(real, extractor)
    about = ReferenceRecord("toy", "train", 1200, "", 1200, "", 0, "")
    reference = Reference(real_set, about)
    protocol = dataclasses.replace(
        protocol_of(Request(1200), extractor, reference), inception_score_splits=10
    )
    scores = score(feature_set(generated, extractor), reference, protocol)
    found = {key: value.value for key, value in scores.items()}
    oracle = torch_fidelity.calculate_metrics(
        input1=Images(generated), input2=Images(real), isc=True, fid=True, kid=True, prc=True,
        cuda=False, cache=False, verbose=False, save_cpu_ram=True, batch_size=250,
        feature_extractor=EXTRACTORS["mnist"].registered_name,
        feature_extractor_weights_path=EXTRACTORS["mnist"].weights,
    )
    # Their means are float32, ours float64: 1e-5. The rest is the same arithmetic.
    oracle = {key.replace("inception_distance", "distance"): v for key, v in oracle.items()}
    assert found["frechet_distance"] == pytest.approx(oracle["frechet_distance"], rel=1e-4)
    assert found["kernel_distance"] == pytest.approx(oracle["kernel_distance_mean"], rel=1e-4)
    assert found["inception_score"] == pytest.approx(oracle["inception_score_mean"], rel=1e-6)
    assert found["precision"] == pytest.approx(oracle["precision"])
    assert found["recall"] == pytest.approx(oracle["recall"])
    assert 0 < found["precision"] < 1


def test_frechet_distance_equals_an_independent_one(extractor, pair):
    """By the symmetric form tr sqrt(A B) = tr sqrt(sqrt(A) B sqrt(A)) and eigh, in float64."""
    one, two = (feature_set(images, extractor).features.double().numpy() for images in pair)

    def root(matrix):
        values, vectors = np.linalg.eigh(matrix)
        return vectors * np.sqrt(values.clip(0)) @ vectors.T

    covariance = [np.cov(x, rowvar=False) for x in (one, two)]
    half = root(covariance[0])
    cross = np.trace(root(half @ covariance[1] @ half))
    shift = np.square(one.mean(0) - two.mean(0)).sum()
    expected = shift + np.trace(covariance[0]) + np.trace(covariance[1]) - 2 * cross
    statistics = [fidelity.statistics(torch.from_numpy(x)) for x in (one, two)]
    assert fidelity.frechet_distance(*statistics) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_by_hand():
    """One subset of all images: the unbiased estimate written out."""
    one, two = torch.randn(50, 3), torch.randn(50, 3) + 0.5
    mean, _ = fidelity.kernel_distance(one, two, subsets=1, subset_size=50)

    def kernel(x, y):
        return (x.double() @ y.double().T / 3 + 1) ** 3

    off = ~torch.eye(50, dtype=torch.bool)
    within = kernel(one, one)[off].mean() + kernel(two, two)[off].mean()
    assert mean == pytest.approx((within - 2 * kernel(one, two).mean()).item(), abs=1e-6)


def test_inception_score_bounds():
    sure = torch.eye(10).repeat(100, 1) * 100
    assert fidelity.inception_score(sure, splits=1)[0] == pytest.approx(10)
    assert fidelity.inception_score(torch.zeros(1000, 10), 10)[0] == pytest.approx(1)


def test_not_finite_features_are_an_error(extractor, monkeypatch):
    monkeypatch.setattr(
        extractor.network, "forward", lambda x: (torch.full((len(x), 64), torch.nan), x)
    )
    with pytest.raises(EvaluationError, match="not finite"):
        extractor(torch.zeros(2, 1, 28, 28, dtype=torch.uint8))


def test_the_shipped_extractor_reads_digits(mnist, extractor):
    test = mnist("test")
    guesses = torch.cat([extractor(batch)[1].argmax(1) for batch in test.images.split(1000)])
    assert (guesses == test.labels).double().mean() >= 0.994


def test_the_shipped_features_are_alive_and_scaled(mnist, extractor):
    features, _ = extractor(mnist("train").images[:2000])
    assert features.std(0).min() > 0.01  # no dead unit
    assert features.square().mean().sqrt() == pytest.approx(1, abs=0.05)


def test_grey_as_three_channels_is_the_same(extractor):
    images = torch.randint(0, 256, (4, 1, 28, 28), dtype=torch.uint8)
    expected = extractor(images)[0]
    torch.testing.assert_close(extractor(images.expand(-1, 3, -1, -1))[0], expected)


def test_unknown_and_missing_extractors_are_named(tmp_path):
    with pytest.raises(EvaluationError, match="--extractor nope is unknown; known: auto, mnist"):
        open_extractor("nope", CPU)
    with pytest.raises(EvaluationError, match="there is no weights file"):
        open_extractor("mnist", CPU, tmp_path / "absent.safetensors")
    wrong = MnistClassifier().state_dict()
    wrong.pop("head.bias")
    save_tensors(tmp_path / "wrong.safetensors", wrong)
    with pytest.raises(EvaluationError, match="does not fit"):
        open_extractor("mnist", CPU, tmp_path / "wrong.safetensors")


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory):
    """A weights file in the published one's form, with random values."""
    folder = tmp_path_factory.mktemp("inception")
    path = folder / "weights.pth"
    torch.save({}, path)

    class Blank(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict, *args, **kwargs):
            return None

    torch.manual_seed(0)
    network = Blank("inception-v3-compat", ["2048"], feature_extractor_weights_path=path)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_inception_is_wired(inception_weights):
    """Grey digits go in as three channels; features and logits come from the right layers."""
    inception = open_extractor("inception", CPU, inception_weights)
    images = torch.randint(0, 256, (2, 1, 28, 28), dtype=torch.uint8)
    features, logits = inception(images)
    assert features.shape == (2, 2048)
    assert logits.shape == (2, 1008)
    own = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048", "logits", "logits_unbiased"],
        feature_extractor_weights_path=inception_weights,
    )
    with torch.no_grad():
        own.fc.bias.fill_(3.0)  # by which the biased logits would differ
        expected, biased, unbiased = own(images.expand(-1, 3, -1, -1))
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits, unbiased, rtol=1e-4, atol=1e-4)
    assert (biased - unbiased).abs().min() > 1


def test_inception_without_network_says_what_to_do(tmp_path, monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(EvaluationError, match=r"cannot fetch.*--weights FILE"):
        open_extractor("inception", CPU)


@pytest.mark.parametrize("name", ["evil.pth", "evil.bin", "evil", "evil.safetensors"])
@pytest.mark.parametrize("extractor_name", ["inception", "mnist"])
def test_a_weights_file_with_code_in_it_is_not_loaded(tmp_path, capsys, name, extractor_name):
    class Evil:
        def __reduce__(self):
            return print, ("the code ran",)

    path = tmp_path / name
    torch.save({"a": Evil()}, path)
    with pytest.raises(EvaluationError, match=r"not a plain file of tensors|does not fit"):
        open_extractor(extractor_name, CPU, path)
    assert "the code ran" not in capsys.readouterr().out


@pytest.mark.parametrize("key", [1, ("a",)])
def test_tensors_without_names_are_no_weights(tmp_path, key):
    torch.save({key: torch.zeros(2)}, tmp_path / "x.bin")
    with pytest.raises(EvaluationError, match="not a plain file of tensors"):
        open_extractor("inception", CPU, tmp_path / "x.bin")
