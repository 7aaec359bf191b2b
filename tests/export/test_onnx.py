"""The ONNX files against the models they came from, by a runtime that knows nothing of PyTorch."""

import functools
import hashlib
import json
import re

import onnx
import onnxruntime
import pytest
import torch

import duet
from duet.core import latents
from duet.core.domains import Pixels
from duet.export import onnx as onnx_module
from duet.export.narrow import FixedPoint
from duet.export.onnx import ABOUT, ExportError, export
from duet.hub import card
from duet.models.base import ModelConfig
from duet.models.dcgan import DCGAN
from duet.models.gan import GAN, GANConfig
from duet.models.radford import RadfordDCGAN
from duet.models.registry import MODELS
from duet.models.spatial_vae import SpatialVAE, SpatialVAEConfig
from duet.models.vae import VAE, VAEConfig
from duet.store import checkpoint
from duet.store.config import DataRecord
from training.__main__ import main

NAMES = ("a", "b", "ü")
TOYS = {  # odd: colour, not square, three classes, an odd latent
    "gan": lambda: GAN(GANConfig((3, 8, 12), 3, latent_dim=5, width=6, depth=1)),
    "vae": lambda: VAE(VAEConfig((3, 8, 12), 3, 5, width=6, depth=1, flow_layers=2)),
    "vae-spatial": lambda: SpatialVAE(SpatialVAEConfig(
        (3, 8, 12), 3, 24, 6, 1, prior_width=6, prior_depth=1, flow_steps=2, guidance=1.5)),
    "dcgan": lambda: DCGAN(ModelConfig((1, 28, 28), num_classes=0, latent_dim=4)),
    "dcgan-radford": lambda: RadfordDCGAN(ModelConfig((3, 16, 16), num_classes=0, latent_dim=4)),
}


def run(path, **inputs: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return torch.from_numpy(output)


def levels_apart(a: torch.Tensor, b: torch.Tensor) -> int:
    assert a.shape == b.shape
    assert a.dtype == b.dtype == torch.uint8
    return int((a.int() - b.int()).abs().max())


def drawn(model, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    """Image 0 of each of the first seeds."""
    rows = [latents.draw(seed, [0], model.latent_dim, model.num_classes) for seed in range(count)]
    return torch.cat([z for z, _ in rows]), torch.cat([labels for _, labels in rows])


@pytest.fixture(scope="module")
def export_of(tmp_path_factory):
    """export_of("gan") -> a checkpoint of it, and the folder that the command wrote."""

    @functools.cache
    def make(architecture: str):
        torch.manual_seed(1)
        source = tmp_path_factory.mktemp(architecture)
        model = TOYS[architecture]()
        names = NAMES if model.num_classes else ()
        for weight in model.parameters():  # what starts at zero would hide behind it
            weight.data += 0.05 * torch.randn_like(weight)
        checkpoint.save(source, model, name=f"toy-{architecture}",
                        made_from=DataRecord("toy", "Toy", names))
        out = source / "out" / "onnx"
        assert main(["export", str(source), "--out", str(out)]) == 0
        return duet.load(source), out

    return make


@pytest.fixture(params=MODELS)
def exported(request, export_of):
    return export_of(request.param)


def test_pictures_agree_whatever_the_batch(exported):
    loaded, folder = exported
    z, labels = drawn(loaded.model)
    assert levels_apart(run(folder / "decoder.onnx", z=z, labels=labels),
                        loaded.model.render(z, labels)) <= 1
    for rows in (slice(0, 1), slice(5, 12)):
        assert levels_apart(run(folder / "decoder.onnx", z=z[rows], labels=labels[rows]),
                            loaded.model.render(z[rows], labels[rows])) <= 1


def test_what_encodes_has_an_encoder_that_agrees(exported):
    loaded, folder = exported
    encodes = hasattr(loaded.model, "encode")
    assert (folder / "encoder.onnx").exists() == encodes
    if encodes:
        z, labels = drawn(loaded.model, 9)
        images = loaded.model.render(z, labels)
        found = run(folder / "encoder.onnx", pixels=images, labels=labels)
        with torch.no_grad():
            wanted = loaded.model.encode(images.float() / 127.5 - 1, labels)
        assert found.shape == wanted.shape
        assert levels_apart(loaded.model.render(found, labels),
                            loaded.model.render(wanted, labels)) <= 1


def test_the_lines_of_the_card_draw_pictures(exported, tmp_path, monkeypatch):
    loaded, folder = exported
    (tmp_path / "runs" / "onnx").mkdir(parents=True)
    (tmp_path / "runs" / "onnx" / loaded.name).symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", card.text(loaded), re.DOTALL)
    (lines,) = [block for block in blocks if "onnxruntime" in block]
    drawn: dict = {}
    exec(lines, drawn)
    labels = torch.full((16,), 3 if loaded.model.num_classes > 3 else 0)
    wanted = loaded.model.render(torch.from_numpy(drawn["z"]), labels)
    assert levels_apart(torch.from_numpy(drawn["pixels"]), wanted) <= 1


def test_the_lines_of_the_card_for_a_browser_name_what_there_is(exported):
    loaded, folder = exported
    (lines,) = re.findall(r"```js\n(.*?)```", card.text(loaded), re.DOTALL)
    session = onnxruntime.InferenceSession(folder / "decoder.onnx")
    inputs = {value.name: value.type for value in session.get_inputs()}
    assert inputs == {"z": "tensor(float)", "labels": "tensor(int64)"}
    assert f"new Float32Array({loaded.model.latent_dim}), [1, {loaded.model.latent_dim}]" in lines
    assert 'labels: new ort.Tensor("int64", [' in lines
    assert [value.name for value in session.get_outputs()] == ["pixels"]
    assert "const { pixels } =" in lines


def test_the_file_says_what_it_is(exported):
    loaded, folder = exported
    model = onnx.load(folder / "decoder.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    about = json.loads((folder / ABOUT).read_text())
    shape = list(loaded.model.image_shape)
    assert about.items() >= {
        "schema": 1, "name": loaded.name, "architecture": loaded.architecture,
        "title": loaded.model.title, "role": loaded.model.role, "data": "toy", "domain": "pixels",
        "image_shape": shape, "num_classes": loaded.model.num_classes,
    }.items()
    assert said.keys() == about.keys() - {"files"} | {"inputs", "outputs"}
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert said["name"] == loaded.name
    assert said["class_names"] in ("[]", '["a", "b", "ü"]')  # no escapes
    assert said["weights_sha256"] == about["weights_sha256"] == loaded.weights_sha256
    assert int(said["latent_dim"]) == about["latent_dim"] == loaded.model.latent_dim
    assert json.loads(said["class_names"]) == about["class_names"] == list(loaded.class_names)
    decoder = about["files"]["decoder"]
    assert about["files"].keys() == {path.stem for path in folder.glob("*.onnx")}
    assert decoder["name"] == "decoder.onnx"
    last = max(loaded.model.num_classes, 1) - 1
    assert decoder["inputs"] == {
        "z": f"float32 [N, {loaded.model.latent_dim}], standard normal",
        "labels": f"int64 [N], 0..{last}",
    }
    assert decoder["outputs"] == {"pixels": f"uint8 [N, {', '.join(map(str, shape))}], 0..255"}
    assert json.loads(said["inputs"]) == decoder["inputs"]
    assert json.loads(said["outputs"]).keys() == decoder["outputs"].keys() == {"pixels"}
    (first,) = {end.type.tensor_type.shape.dim[0].dim_param for end in model.graph.input}
    assert first == model.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "N"
    content = (folder / "decoder.onnx").read_bytes()
    assert decoder["bytes"] == len(content)
    assert decoder["sha256"] == hashlib.sha256(content).hexdigest()
    assert b"/work" not in content
    assert b".py" not in content  # the exporter's notes on where each node came from


def test_weights_travel_narrow_and_the_model_keeps_its_own():
    model = TOYS["vae"]().eval()
    for module in (onnx_module._decoder(model), onnx_module._encoder(model)):
        assert any(isinstance(part, FixedPoint) for part in module.modules())
    assert not any(isinstance(part, FixedPoint) for part in model.modules())


def test_other_peoples_folders_are_left_alone(export_of, tmp_path, capsys):
    loaded, _ = export_of("gan")
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(ExportError, match="thesis"):
        export(loaded, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert main(["export", str(loaded.folder), "--out", str(tmp_path / "thesis.tex")]) == 2
    assert "name a folder" in capsys.readouterr().err


def test_an_earlier_export_is_no_other_thing(export_of):
    """Whatever of it is there; nor is an empty folder, or none."""
    for architecture in ("gan", "vae"):
        onnx_module._check_place(export_of(architecture)[1])
    onnx_module._check_place(export_of("gan")[1] / "none")


def test_pictures_are_few_where_they_are_large(monkeypatch):
    model = TOYS["gan"]()
    for most, count in ((2**22, 64), (3 * 8 * 12 * 5, 5), (3 * 8 * 12 - 1, 1)):
        monkeypatch.setattr(onnx_module, "BATCH_VALUES", most)
        found, wanted = onnx_module._samples(model, 64), drawn(model, count)
        assert all(map(torch.equal, found, wanted))


def test_levels_are_not_rounded_where_they_are_pixels():
    outputs = torch.tensor([[-2.0, -1.0, 0.001, 1.0, 3.0]])
    expected = torch.tensor([[0, 0, 127.6275, 255, 255]])
    torch.testing.assert_close(onnx_module._levels(Pixels(), outputs), expected)


def test_levels_of_another_domain_are_its_values():
    class Tiles:
        def to_values(self, outputs):
            return outputs.argmax(1, keepdim=True).to(torch.uint8)

    found = onnx_module._levels(Tiles(), torch.tensor([[0.1, 0.7, 0.2]]))
    assert found.dtype == torch.float32
    assert found.tolist() == [[1.0]]


def small_graph(output_type) -> onnx.ModelProto:
    """x + 1, with a note of this machine on each part."""
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    ends = [helper.make_tensor_value_info("x", number, ["batch", 2]),
            helper.make_tensor_value_info("y", output_type, ["batch", 2])]
    node = helper.make_node("Add", ["x", "one"], ["y"])
    one = helper.make_tensor("one", number, [1], [1.0])
    graph = helper.make_graph([node], "a", ends[:1], ends[1:], [one])
    for part in (graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = "/home/me"
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def test_notes_of_this_machine_are_not_written():
    content = onnx_module._content(small_graph(onnx.TensorProto.FLOAT), {"b": "ü", "a": ["ü"]})
    assert b"/home/me" not in content
    model = onnx.load_from_string(content)
    assert [(entry.key, entry.value) for entry in model.metadata_props] == [
        ("a", '["ü"]'), ("b", "ü")
    ]
    for end in (*model.graph.input, *model.graph.output):
        assert end.type.tensor_type.shape.dim[0].dim_param == "N"
    assert model.producer_name == "duet"


def test_a_graph_that_contradicts_itself_is_not_written():
    """Down to the types that follow from its nodes."""
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx_module._content(small_graph(onnx.TensorProto.INT64), {})


def test_a_model_that_the_exporter_cannot_follow_is_refused_in_words(
    export_of, tmp_path, monkeypatch
):
    loaded, _ = export_of("gan")
    decode = GAN.decode

    def branching(self, z, labels):
        return decode(self, z, labels) * (1 if float(z[0, 0]) > 0 else 2)

    monkeypatch.setattr(GAN, "decode", branching)
    with pytest.raises(ExportError, match="toy-gan: the decoder of 'gan' cannot be exported"):
        export(loaded, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_an_earlier_export_is_replaced_by_the_same_bytes(export_of, tmp_path, capfd):
    loaded, folder = export_of("gan")
    (tmp_path / "encoder.onnx").write_bytes(b"old")
    export(loaded, tmp_path)
    assert capfd.readouterr() == ("", "")  # the exporter would talk
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in folder.iterdir()}
    assert (tmp_path / "decoder.onnx").read_bytes() == (folder / "decoder.onnx").read_bytes()


def test_labels_matter(exported):
    loaded, folder = exported
    if loaded.model.num_classes:
        z = drawn(loaded.model, 3)[0]
        pictures = [run(folder / "decoder.onnx", z=z, labels=torch.full((3,), label))
                    for label in (0, 2)]
        assert levels_apart(*pictures) > 1
