"""What is handed to the libraries and to the parts, and what comes back from them."""

import dataclasses
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

import duet
from duet.core.tensors import load_tensors, save_tensors
from duet.data import DataError
from duet.store.checkpoint import save
from duet.store.config import DataRecord
from duet.store.metrics import ReferenceRecord
from evaluation import fidelity, harness, manifolds
from evaluation import reference as reference_module
from evaluation.__main__ import main
from evaluation.classifier_features import ClassifierFeatures
from evaluation.errors import EvaluationError
from evaluation.extractors import entry_of, inception, is_made_for, own
from evaluation.fidelity import Extractor, open_extractor
from evaluation.harness import Request, generate, measure_held_out, record
from evaluation.metrics import FeatureSet
from evaluation.reference import Reference, build, extract, open_reference, random_part, sha256
from evaluation.sets import SetId

CPU = torch.device("cpu")
SHA = "0123456789abcdef" * 4


def reference_of(features):
    about = ReferenceRecord("toy", "train", 9, "0" * 64, len(features), "r", 0, "0" * 64)
    return Reference(FeatureSet(features, None, fidelity.statistics(features)), about)


# The commands.


def test_by_default_the_published_protocol_is_measured(folder, reference, monkeypatch):
    asked = []

    def spy(checkpoint, extractor, reference, request):
        asked.append(request)
        raise EvaluationError("enough")

    monkeypatch.setattr("evaluation.measuring.measure", spy)
    assert main(["measure", str(folder)]) == 2
    assert asked == [Request()] == [Request(samples=50_000, seed=0, truncation=1.0)]


@pytest.mark.parametrize("command", ["reference", "train-extractor"])
@pytest.mark.parametrize(
    ("flags", "place", "decoding"),
    [
        ([], None, {"image_size": None, "colour": "auto", "skip_broken": False}),
        (["--image-size", "16", "--colour", "rgb", "--skip-broken", "--data-dir", "here"],
         Path("here"), {"image_size": 16, "colour": "rgb", "skip_broken": True}),
    ],
)
def test_both_splits_are_loaded_as_the_flags_say(monkeypatch, command, flags, place, decoding):
    asked = []

    def load(*given, **named):
        asked.append((given, named))
        if len(asked) == 2:
            raise DataError("enough")

    monkeypatch.setattr("duet.data.load", load)
    assert main([command, "--data", "cats", *flags]) == 2
    assert asked == [(("cats", split, place), decoding) for split in ("train", "test")]


# torch-fidelity.


def test_the_librarys_functions_get_what_they_are_given(monkeypatch, capsys):
    """And say nothing themselves. The seed is of the protocol, not the library's default."""
    monkeypatch.setattr(fidelity, "RNG_SEED", 7)
    one, two = torch.randn(60, 4), torch.randn(50, 4) + 0.3
    kernel = kid_features_to_metric(
        one, two, kid_subsets=3, kid_subset_size=20, rng_seed=7, verbose=False
    )
    assert fidelity.kernel_distance(one, two, 3, 20) == (
        kernel["kernel_inception_distance_mean"], kernel["kernel_inception_distance_std"]
    )
    assert kernel["kernel_inception_distance_std"] > 0
    logits = torch.randn(60, 3).sort(dim=0).values  # sorted: a split in order is another
    inception_score = isc_features_to_metric(logits, splits=3, shuffle=True, rng_seed=7)
    assert fidelity.inception_score(logits, 3) == (
        inception_score["inception_score_mean"], inception_score["inception_score_std"]
    )
    shares = prc_features_to_metric(
        one, two, prc_neighborhood=5, prc_batch_size=100, save_cpu_ram=False, verbose=False
    )
    found = manifolds.compare(one, two, 5)
    assert (found.precision, found.recall) == pytest.approx(
        (shares["precision"], shares["recall"])
    )
    assert shares["precision"] != shares["recall"]
    fidelity.frechet_distance(fidelity.statistics(one), fidelity.statistics(two))
    assert capsys.readouterr() == ("", "")


class Counting(torch.nn.Module):
    """Notes the shape of what it is given; answers with what it was made with."""

    def __init__(self, features=0.0, logits=0.0):
        super().__init__()
        self.answers, self.seen = (features, logits), []

    def forward(self, images):
        self.seen.append(tuple(images.shape))
        found = torch.zeros(2, len(images), 3)
        found[0, -1, 1], found[1, -1, 1] = self.answers
        return found.unbind()


@pytest.mark.parametrize(
    ("image_shape", "channels", "seen"),
    [(None, 1, 3), (None, 3, 3), (None, 2, 2), ((1, 8, 9), 1, 1), ((3, 8, 9), 3, 3)],
)
def test_grey_is_repeated_where_any_shape_is_taken(image_shape, channels, seen):
    network = Counting()
    images = torch.zeros(2, channels, 8, 9, dtype=torch.uint8)
    Extractor("x", network, SHA, image_shape, CPU)(images)
    assert network.seen == [(2, seen, 8, 9)]


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
@pytest.mark.parametrize("where", ["features", "logits"])
def test_one_number_that_is_not_finite_is_an_error(where, wrong):
    with pytest.raises(EvaluationError, match="features that are not finite"):
        Extractor("x", Counting(**{where: wrong}), SHA, None, CPU)(torch.zeros(2, 1, 8, 8))


def test_inception_is_opened_from_tensors_alone(tmp_path, monkeypatch):
    weights, given = {"a": torch.randn(3), "b": torch.ones(2)}, []
    load, loads = torch.load, []
    torch.save(weights, tmp_path / "mine.pth")

    def create(name, layers, **options):
        path = options.pop("feature_extractor_weights_path")
        given.append((name, layers, options, load(path, weights_only=True)))
        return Counting()

    monkeypatch.setattr("torch_fidelity.utils.create_feature_extractor", create)
    monkeypatch.setattr(
        torch, "load", lambda *given, **named: loads.append(named) or load(*given, **named)
    )
    opened = open_extractor("inception", CPU, tmp_path / "mine.pth")
    ((name, layers, options, tensors),) = given
    assert (name, layers) == ("inception-v3-compat", ["2048", "logits_unbiased"])
    assert options == {"cuda": False, "verbose": False}
    assert all(torch.equal(tensors[key], weights[key]) for key in weights | tensors)
    assert loads == [{"weights_only": True, "map_location": "cpu"}]
    assert (opened.name, opened.image_shape) == ("inception", None)
    assert opened.weights_sha256 == sha256(tmp_path / "mine.pth")


@pytest.mark.parametrize(
    "content", [[torch.ones(1)], torch.ones(1), {"a": torch.ones(1), "b": 3}, {"a": 3}]
)
def test_files_of_other_than_named_tensors_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "mine.pth")
    with pytest.raises(EvaluationError, match=r"mine\.pth is not a plain file of tensors"):
        open_extractor("inception", CPU, tmp_path / "mine.pth")


def test_a_file_that_does_not_fit_is_named_and_not_our_copy(tmp_path):
    path = tmp_path / "wrong.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(EvaluationError) as caught:
        open_extractor("mnist", CPU, path)
    assert str(caught.value).count(str(path)) == 2
    assert "/weights" not in str(caught.value)


def test_an_extractor_is_opened_on_its_device():
    opened = open_extractor("mnist", torch.device("meta"))
    assert next(opened.network.parameters()).device == opened.device == torch.device("meta")


def test_nothing_of_ours_is_compiled():
    class Digits(ClassifierFeatures):
        image_shape = (1, 28, 28)

    assert not Digits.can_be_compiled()
    dummy = Digits.get_dummy_input_for_compile()
    assert torch.equal(dummy, torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
    assert dummy.dtype == torch.uint8


def test_inceptions_weights_are_fetched_once_and_checked(tmp_path, monkeypatch):
    calls = []

    def download(url, path, hash_prefix):
        calls.append((url, path, hash_prefix))
        Path(path).write_bytes(b"weights")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "a" / "b"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    path = tmp_path / "a/b/checkpoints/weights-inception-2015-12-05-6726825d.pth"
    with pytest.raises(EvaluationError, match="is not the file that torch-fidelity published"):
        inception.fetch()
    monkeypatch.setattr(inception, "sha256", lambda _: "6726825d" + "0" * 56)
    assert inception.fetch() == inception.fetch() == path
    assert calls == [(inception.URL, str(path), "6726825d")]
    path.unlink()
    assert inception.fetch() == path
    assert len(calls) == 2


# The harness.


def test_labels_are_of_models_with_classes_and_extractors_that_know_them(
    tmp_path, toy_data, extractor
):
    from duet.models.gan import GAN, GANConfig

    model = GAN(GANConfig((1, 28, 28), num_classes=0, latent_dim=6, width=4, depth=1)).eval()
    save(tmp_path, model, name="plain", made_from=DataRecord("toy", "Toy", toy_data.class_names))
    assert generate(duet.load(tmp_path), extractor, Request(100)).labels is None
    stranger = dataclasses.replace(extractor, name="cifar10")
    real = dataclasses.replace(
        toy_data, images=toy_data.images[:150], labels=toy_data.labels[:150]
    )
    reference = reference_of(torch.randn(120, 64))
    scores = [measure_held_out(real, one, reference).scores for one in (extractor, stranger)]
    assert "label_agreement" in scores[0]
    assert scores[0].keys() - scores[1].keys() == {"label_agreement"}


def test_every_score_tells_of_how_many_images(extractor, toy_data):
    found = extract([toy_data.images], 300, extractor, "toy")
    found = dataclasses.replace(found, labels=toy_data.labels)
    measured = record(found, extractor, reference_of(torch.randn(120, 64)), Request(300), SHA)
    counts = {key: score.count for key, score in measured.scores.items()}
    pairs = ("precision", "recall", "density", "coverage")
    assert {key: counts[key] for key in pairs} == dict.fromkeys(pairs, 120)
    whole = ("frechet_distance", "kernel_distance", "inception_score", "label_agreement", "specks")
    assert {key: counts[key] for key in whole} == dict.fromkeys(whole, 300)
    assert (measured.subject_sha256, measured.device) == (SHA, "cpu")
    assert measured.versions.keys() == {"python", "torch", "torch-fidelity", "numpy"}
    assert measured.versions["torch-fidelity"] == version("torch-fidelity")
    assert harness.MIN_SAMPLES == 100  # what every message and the README promise


def test_progress_is_of_every_image(extractor, toy_data, monkeypatch):
    made, moved = [], []

    class Bar:
        def __init__(self, *given, disable):
            made.append((*given, disable))

        def __enter__(self):
            return self

        def __exit__(self, *_):
            moved.append("closed")

        def update(self, count):
            moved.append(count)

    monkeypatch.setattr(reference_module, "progress_bar", Bar)
    extract(toy_data.images.split(200), 300, extractor, "toy")
    assert (made, moved) == ([(300, "toy", "img", False)], [200, 100, "closed"])


# References.


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_module, "FOLDER", tmp_path / "reference")
    return tmp_path / "reference"


def test_a_reference_tells_what_it_is_of(home, toy_data, extractor):
    path = build(toy_data, extractor)
    assert path == home / "toy-mnist.safetensors"
    tensors, about = load_tensors(path)
    assert about == {
        "data": "toy", "split": "train", "images": "300", "images_sha256": toy_data.sha256,
        "features": "300", "rule": "stratified-by-class-smallest-keyed-hash", "seed": "0",
        "extractor": "mnist", "extractor_sha256": extractor.weights_sha256,
    }
    assert tensors.keys() == {
        "mu", "sigma", "features", "class_counts", "class_mu", "class_sigma", "patch_directions",
        "patch_moments", "patch_quantiles",
    }
    opened = open_reference(SetId.of(toy_data), extractor)
    assert opened.about == ReferenceRecord(
        "toy", "train", 300, toy_data.sha256, 300, about["rule"], 0, sha256(path)
    )
    assert torch.equal(opened.features.features, tensors["features"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": ...}, "of another version of Duet"), ({"images": "many"}, "of another version"),
        ({"seed": None}, "of another version"), (None, "cannot be read"),
    ],
)
def test_references_that_cannot_be_read_are_to_be_made_anew(
    home, toy_data, extractor, change, said
):
    path = build(toy_data, extractor)
    if change is None:
        path.write_bytes(path.read_bytes()[:-1])
    else:
        tensors, about = load_tensors(path)
        about = {key: value for key, value in (about | change).items() if value is not ...}
        save_tensors(path, tensors, about)
    with pytest.raises(EvaluationError, match=f"{said}.*make it anew: .* --data toy --extr"):
        open_reference(SetId.of(toy_data), extractor)


def test_who_lacks_a_reference_is_told_how_to_make_it(home, toy_data, extractor):
    for name, argument in (("toy", "toy"), ("cats", "PATH")):
        with pytest.raises(EvaluationError, match=f"no reference of {name} .* --data {argument} "):
            open_reference(SetId(name, SHA), extractor)


def test_the_rule_is_the_published_one(toy_data):
    """In a class, those with the smallest keyed hash of their pixels, together in its order."""
    import hashlib

    keyed = [
        int.from_bytes(
            hashlib.blake2b(image.numpy().tobytes(), key=(5).to_bytes(8, "little"),
                            digest_size=8).digest(), "little")
        for image in toy_data.images
    ]
    one_class = dataclasses.replace(toy_data, labels=torch.zeros(300, dtype=torch.int64))
    assert random_part(one_class, 40, 5).tolist() == sorted(range(300), key=keyed.__getitem__)[:40]


@pytest.mark.parametrize(
    ("sizes", "count", "shares"),
    [
        ([10, 7, 3], 7, [4, 2, 1]),  # 3.5, 2.45, 1.05: the largest remainder first
        ([3, 7, 10], 7, [1, 2, 4]),
        ([5, 0, 5], 4, [2, 0, 2]),
        ([10] * 40, 60, [2] * 20 + [1] * 20),  # of equal ones the first
        ([4, 4], 8, [4, 4]),
    ],
)
def test_shares_are_in_proportion(sizes, count, shares):
    assert reference_module._shares(np.array(sizes), count) == shares


# Whose pictures.


@pytest.mark.parametrize(
    ("name", "images", "answer"),
    [
        ("mnist", SetId("mnist", None), True), ("mnist", SetId("mnist", SHA), True),
        ("cifar10", SetId("mnist", SHA), False), ("own-0123456789abcdef", SetId("cats", SHA), True),
        ("own-0123456789abcdef", SetId("cats", None), False), ("mnist", SetId("cats", SHA), False),
    ],
)
def test_an_extractor_is_made_for_its_own_pictures(name, images, answer):
    assert is_made_for(name, images) is answer


def test_a_sets_files_have_its_name_or_its_hash(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path))
    known, cats = SetId("mnist", None), SetId("cats", SHA)
    assert known.path(Path("code"), "references", "x.json") == Path("code/mnist-x.json")
    expected = tmp_path / "references" / "0123456789abcdef-x.json"
    assert cats.path(Path("code"), "references", "x.json") == expected
    assert (known.title, cats.title) == ("MNIST", "cats")
    with pytest.raises(EvaluationError, match="does not say by hash"):
        SetId("cats", None).path(Path("code"), "references", "x.json")


def test_what_ships_for_own_pictures_goes_before_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "cache"))
    (tmp_path / "0123456789abcdef-x.json").touch()
    cats = SetId("cats", SHA)
    assert cats.path(tmp_path, "references", "x.json") == tmp_path / "0123456789abcdef-x.json"
    assert cats.path(tmp_path, "references", "y.json").parent == tmp_path / "cache" / "references"


def test_an_own_extractor_that_ships_is_found_without_a_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUET_CACHE", str(tmp_path / "empty"))
    shipped = [path.stem for path in Path(own.__file__).parent.glob("own-*.safetensors")]
    assert shipped, "emoji's"
    for name in shipped:
        assert entry_of(name).knows_classes


# Density and coverage.


@pytest.mark.parametrize("offset", [0, 3000])
def test_the_edge_of_a_ball_is_outside_and_near_things_are_told_apart(offset):
    """Distances of whole numbers, many of them equal, far from the origin too."""
    rng = np.random.default_rng(4)
    real, generated = (rng.integers(0, 4, (count, 2)) / 8 + offset for count in (40, 30))
    inside, covered = 0, 0
    for i, x in enumerate(real):
        others = np.sort([np.hypot(*(x - y)) for j, y in enumerate(real) if j != i])
        hits = sum(np.hypot(*(x - y)) < others[2] for y in generated)
        inside, covered = inside + hits, covered + (hits > 0)
    found = manifolds.compare(
        torch.from_numpy(generated).float(), torch.from_numpy(real).float(), 3
    )
    assert (found.density, found.coverage) == pytest.approx((inside / 3 / 30, covered / 40))
    assert 0 < covered < 40
