import dataclasses
import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import duet
from duet.core.files import read_json, replacing, replacing_folder, sha256, write_json
from duet.core.tensors import load_tensors, save_tensors
from duet.data.mnist import MNIST
from duet.models import ModelConfig
from duet.models.gan import GAN, GANConfig
from duet.models.radford import RadfordDCGAN
from duet.store import checkpoint, weights
from duet.store.checkpoint import CONFIG, METRICS, WEIGHTS, CheckpointError, save
from duet.store.config import DataRecord
from duet.store.records import RecordError
from duet.store.weights import WeightsError

CLASSES = tuple("0123456789")
TOY = DataRecord("toy", "Toy", CLASSES, images_sha256="5" * 64)


@pytest.fixture
def folder(tmp_path, tiny_gan):
    path = tmp_path / "tiny"
    path.mkdir()
    save(path, tiny_gan, name="tiny", made_from=TOY)
    return path


def data(**changes):
    """The toy's record as JSON has it, changed."""
    return {"data": {"name": "toy", "title": "Toy", "class_names": CLASSES} | changes}


def change_config(folder, **changes):
    (folder / CONFIG).write_text(json.dumps(read_json(folder / CONFIG) | changes))


def test_round_trip(folder, tiny_gan):
    loaded = duet.load(folder)
    assert (loaded.name, loaded.architecture, loaded.data) == ("tiny", "gan", "toy")
    assert (loaded.made_from, loaded.class_names) == (TOY, CLASSES)
    assert (loaded.training, loaded.metrics.measurements, loaded.problems) == (None, (), ())
    assert loaded.parameters == sum(p.numel() for p in tiny_gan.parameters())
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert torch.equal(loaded.model.sample(3), tiny_gan.sample(3))
    assert torch.equal(loaded.sample(3), tiny_gan.sample(3))
    asked = {"seed": 4, "first": 2, "label": 3, "truncation": 0.5}
    assert torch.equal(loaded.sample(3, **asked), tiny_gan.sample(3, **asked))


def test_every_model_survives_the_round_trip(tmp_path, tiny_vae):
    save(tmp_path, tiny_vae, name="v", made_from=TOY)
    assert torch.equal(duet.load(tmp_path).model.sample(3), tiny_vae.sample(3))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": 3}, "schema: Input should be 2"),
        ({"schema": True}, "schema: Input should be 2"),
        ({"extra": 1}, "extra: Unexpected keyword"),
        ({"architecture": "diffusion"},
         "unknown architecture 'diffusion'; known: dcgan, dcgan-radford, gan, vae"),
        ({"architecture": ["gan"]}, "architecture: Input should be a valid string"),
        ({"architecture": {"gan": 1}}, "architecture: Input should be a valid string"),
        ({"architecture": None}, "architecture: Input should be a valid string"),
        (data(class_names=["\ud800", *"123456789"]), "half of a surrogate pair"),
        (data(class_names=["x" * 100, *"123456789"]), "class_names.0: String should have at most"),
        (data(class_names=["", *"123456789"]), "class_names.0: String should have at least 1"),
        (data(class_names=["a"]), "10 class_names are wanted"),
        (data(class_names="0123456789"), "class_names: Input should be a valid array"),
        ({"name": "tiny\n"}, "name: String should match pattern"),
        ({"name": "../../evil"}, "name: String should match pattern"),
        ({"name": "x" * 97}, "name: String should match pattern"),
        ({"data": "toy"}, "data: Input should be an object"),
        (data(name="<script>"), "data.name: String should match pattern"),
        (data(name=["toy"]), "data.name: Input should be a valid string"),
        (data(images_sha256="5" * 63), "data.images_sha256: String should match pattern"),
        (data(title="a\x1b[31m"), "data.title: String should match pattern"),
        (data(licence="other\n- evil: 1"), "data.licence: String should match pattern"),
        (data(hub_id="<script>"), "data.hub_id: String should match pattern"),
        (data(about="x" * 4001), "data.about: String should have at most 4000"),
        ({"config": []}, "config: Input should be an object"),
        ({"config": {"width": 4}}, "missing"),
        ({"config": {"width": {}}}, "config.width"),
        ({"config": {"width": True}}, "config.width"),
        ({"weights_sha256": "0" * 64}, "SHA-256 differs"),
    ],
)
def test_a_configuration_that_lies_is_refused(folder, changes, said):
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=said):
        duet.load(folder)


OLD = {"schema": 1, "data": "mnist", "class_names": list(CLASSES)}


def test_folders_of_schema_1_load(folder, tiny_gan):
    """They say the data set's name and classes; what is known of MNIST comes from its facts."""
    change_config(folder, **OLD)
    loaded = duet.load(folder)
    assert torch.equal(loaded.model.sample(3), tiny_gan.sample(3))
    assert loaded.made_from == DataRecord.of(MNIST.facts, None)
    assert loaded.made_from.licence == "cc-by-sa-3.0"
    change_config(folder, **OLD | {"data": "cats", "class_names": list("abcdefghij")})
    assert duet.load(folder).made_from == DataRecord("cats", "cats", tuple("abcdefghij"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": ["mnist"]}, r"data\.name: Input should be a valid string"),
        ({"data": "../x"}, r"data\.name: String should match"),
        ({"class_names": None}, r"data\.class_names: Input should be a valid array"),
        ({"extra": 1}, "extra: Unexpected"),
    ],
)
def test_a_schema_1_that_lies_is_refused(folder, changes, said):
    change_config(folder, **OLD | changes)
    with pytest.raises(CheckpointError, match=said):
        duet.load(folder)


def test_what_is_kept_of_a_data_set():
    """All that the record has a field for, and the images' hash."""
    kept = DataRecord.of(MNIST.facts, "5" * 64)
    assert kept.images_sha256 == "5" * 64
    names = {f.name for f in dataclasses.fields(kept)} & set(vars(MNIST.facts))
    assert {name: getattr(kept, name) for name in names} == {
        name: getattr(MNIST.facts, name) for name in names
    }
    assert names >= {"name", "title", "class_names", "about", "licence", "credit", "hub_id"}


def test_what_would_not_be_read_is_not_written(tmp_path, tiny_gan):
    with pytest.raises(RecordError, match="would not be a valid record"):
        save(tmp_path, tiny_gan, name="no name", made_from=TOY)
    assert not (tmp_path / CONFIG).exists()


@pytest.mark.parametrize(
    ("shape", "width"), [([1024, 1024, 1024], 1), ([1, 1024, 1024], 1024), ([2, 1024, 1024], 1)]
)
def test_the_product_of_sizes_is_bounded(folder, shape, width):
    config = read_config(folder)
    change_config(folder, config=config | {"image_shape": shape, "width": width})
    with pytest.raises(CheckpointError, match=r"is more than \d+ values"):
        duet.load(folder)


def read_config(folder):
    return read_json(folder / CONFIG)["config"]


def test_large_images_are_drawn_a_few_at_a_time(monkeypatch):
    model = GAN(GANConfig((3, 256, 256), 0, 4, width=1, depth=0)).eval()
    decode, sizes = model.decode, []
    monkeypatch.setattr(model, "decode", lambda z, y: sizes.append(len(z)) or decode(z, y))
    assert model.sample(30).shape == (30, 3, 256, 256)
    assert sizes == [21, 9]


def test_a_huge_declared_network_costs_nothing(folder):
    config = read_json(folder / CONFIG)["config"]
    change_config(folder, config=config | {"width": 1024, "depth": 3, "latent_dim": 4096})
    with pytest.raises(CheckpointError, match="does not fit its configuration"):
        duet.load(folder)


def rewrite(folder, change):
    """Change the tensors and let the configuration know the new hash, as an attacker would."""
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)
    change_config(folder, weights_sha256=sha256(folder / WEIGHTS))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.pop("generator.seed.bias"), r"1 tensors .*generator\.seed\.bias"),
        (lambda t: t.update(evil=torch.zeros(1)), "evil"),
        (lambda t: t.update({"generator.seed.bias": torch.zeros(3)}), r"generator\.seed\.bias"),
        (lambda t: t.update({k: v.half() for k, v in t.items()}), "does not fit"),
        (lambda t: t["generator.seed.bias"].fill_(float("nan")), "not finite"),
        (lambda t: t["generator.seed.bias"].fill_(float("-inf")), "not finite"),
        (lambda t: t["generator.seed.bias"].fill_(3e38), r"beyond ±1e\+06"),
        (lambda t: t["generator.seed.bias"][3:4].fill_(-1.001e6), r"beyond ±1e\+06"),
    ],
)
def test_weights_that_do_not_fit_are_refused(folder, change, said):
    rewrite(folder, change)
    with pytest.raises(CheckpointError, match=said):
        duet.load(folder)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x04pickle", struct.pack("<Q", 2**60), struct.pack("<Q", 4) + b"[1]]",
     struct.pack("<Q", 12) + b'{"a": [1]}  ', struct.pack("<Q", 9) + b'{"a": {}}',
     struct.pack("<Q", 100_000) + b"[" * 100_000,
     struct.pack("<Q", 35) + b'{"a": {"dtype": [], "shape": [1]}}  ',
     struct.pack("<Q", 34) + b'{"a": {"dtype": "F32", "shape": 1}}'],
)
def test_a_broken_weights_file_is_named(folder, content):
    (folder / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a readable"):
        duet.load(folder)


def test_a_weights_file_that_may_not_be_read_is_named(folder, monkeypatch):
    def refuse(path, mode):
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match="is not a readable safetensors file: not yours"):
        weights._read_header(folder / WEIGHTS)


def test_what_other_programs_write_beside_the_tensors_is_passed_over(folder, tiny_gan):
    tensors = load_file(folder / WEIGHTS)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
    change_config(folder, weights_sha256=sha256(folder / WEIGHTS))
    assert torch.equal(duet.load(folder).sample(2), tiny_gan.sample(2))


def test_weights_at_the_bounds_are_loaded(tmp_path):
    """A million of either sign; counts of steps, which are no weights, beyond that."""
    model = RadfordDCGAN(ModelConfig((1, 16, 16), 0, 4)).eval()
    with torch.no_grad():
        next(model.parameters()).flatten()[:2] = torch.tensor([1e6, -1e6])
    model.norms[0].num_batches_tracked.fill_(2_000_000)
    save(tmp_path, model, name="a", made_from=TOY)
    loaded = duet.load(tmp_path).model
    assert loaded.norms[0].num_batches_tracked == 2_000_000


def with_header_of(folder, length):
    """The weights file, its table of tensors padded to `length` bytes."""
    whole = (folder / WEIGHTS).read_bytes()
    (old,) = struct.unpack("<Q", whole[:8])
    header, tensors = whole[8 : 8 + old], whole[8 + old :]
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", length) + header.ljust(length) + tensors)
    change_config(folder, weights_sha256=sha256(folder / WEIGHTS))


def test_the_table_of_tensors_is_of_bounded_length(folder):
    with_header_of(folder, 2**20)
    duet.load(folder)
    with_header_of(folder, 2**20 + 1)
    with pytest.raises(CheckpointError, match="its sizes are implausible"):
        duet.load(folder)


def test_a_weights_file_is_a_gigabyte_at_most():
    assert weights.MAX_WEIGHT_BYTES == checkpoint.MAX_BYTES[WEIGHTS] == 2**30


def test_a_network_without_storage_is_not_filled():
    """Whatever would fill a tensor leaves it, and gives it back."""
    tensor = torch.full((3,), 7.0)
    with weights._NoInitialValues():
        assert torch.nn.init.normal_(tensor, std=0.1) is tensor
        for fill in (tensor.normal_, tensor.uniform_, tensor.zero_, lambda: tensor.fill_(1.0),
                     lambda: torch.nn.init.zeros_(tensor), lambda: torch.nn.init.ones_(tensor)):
            assert fill() is tensor
        assert tensor.tolist() == [7.0] * 3
        assert tensor.add(1, alpha=2).tolist() == [9.0] * 3
    assert tensor.zero_().tolist() == [0.0] * 3


def test_a_folder_reached_by_a_link_may_link_within(folder, tmp_path, monkeypatch):
    (folder / METRICS).symlink_to(CONFIG)
    (tmp_path / "link").symlink_to(folder)
    for path in (tmp_path / "link", folder):
        (problem,) = checkpoint.load(path).problems
        assert METRICS in problem
    monkeypatch.chdir(tmp_path)
    checkpoint.load(Path("link"))
    with pytest.raises(CheckpointError, match="is a link out of its folder"):
        checkpoint.load(folder, links_within=tmp_path / "elsewhere")


def test_a_huge_weights_file_is_not_read(folder, monkeypatch):
    size = (folder / WEIGHTS).stat().st_size
    monkeypatch.setattr(weights, "MAX_WEIGHT_BYTES", size)
    duet.load(folder)
    monkeypatch.setattr(weights, "MAX_WEIGHT_BYTES", size - 1)
    with pytest.raises(CheckpointError, match="its sizes are implausible"):
        duet.load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, METRICS])
@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to(path.name),
             lambda path: path.symlink_to("nowhere")],
    ids=["pipe", "folder", "loop", "dangling"],
)
def test_what_is_no_file_is_not_waited_for(folder, name, make):
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    if name == METRICS:
        (problem,) = duet.load(folder).problems
        assert METRICS in problem
    else:
        with pytest.raises(CheckpointError, match="not a readable safetensors file"):
            duet.load(folder)


def test_weights_that_overflow_on_the_way_are_told(folder):
    """Each of them is of a plausible size, but nothing finite comes out."""
    rewrite(folder, lambda tensors: [tensor.fill_(9e5) for tensor in tensors.values()])
    loaded = duet.load(folder)
    with pytest.raises(duet.DuetError, match="this GAN's weights are broken: its images are not"):
        loaded.sample(1)


def test_truncated_weights(folder):
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:-100])
    with pytest.raises(CheckpointError, match=r"does not fit .* \d+ bytes of tensors instead of"):
        duet.load(folder)


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "\x00", '{"schema": NaN}'])
def test_a_broken_configuration_is_named(folder, text):
    (folder / CONFIG).write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        duet.load(folder)


def test_oversized_json_is_not_read(folder):
    (folder / CONFIG).write_text(" " * (2**20 + 1))
    with pytest.raises(CheckpointError, match="larger than"):
        duet.load(folder)


def test_an_unknown_name_lists_the_shipped(tmp_path):
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*nope"):
        duet.load(tmp_path / "nope")


@pytest.mark.parametrize("source", ["x" * 300, "a\0b", "\ud800", "x/" * 3000, "."])
def test_a_source_that_names_nothing(source):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        duet.load(source)


def test_shipped_names_load_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in checkpoint.shipped_names():
        loaded = duet.load(name)
        assert loaded.name == name
        assert loaded.training.command.startswith("python -m training ")
        assert (loaded.folder / WEIGHTS).stat().st_size < 10_000_000
        assert read_json(loaded.folder / CONFIG)["schema"] == 2
        assert loaded.made_from.images_sha256 == measured_with(loaded).images_sha256


def measured_with(loaded):
    """The record of the real images that a checkpoint was measured with."""
    (extractor,) = loaded.metrics.extractors()
    return loaded.metrics.published(extractor).protocol.reference


def test_json_refuses_nan_and_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_tensors_and_texts_make_the_same_file(tmp_path):
    about = {str(number): "x" for number in range(9)}
    for name, texts in (("a", about), ("b", dict(reversed(about.items())))):
        save_tensors(tmp_path / name, {"t": torch.ones(2)}, texts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert load_tensors(tmp_path / "a")[1] == about


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")

    def interrupted():
        with replacing(path) as scratch:
            scratch.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_replacing_a_folder_is_all_or_nothing(tmp_path):
    path = tmp_path / "folder"
    for content in ("one", "two"):
        with replacing_folder(path) as scratch:
            (scratch / "f").write_text(content)
        assert (path / "f").read_text() == content

    def broken():
        with replacing_folder(path) as scratch:
            (scratch / "f").write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        broken()
    assert (path / "f").read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]
