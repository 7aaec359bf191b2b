"""A checkpoint as ONNX files: what runs it in a browser, and anywhere else without PyTorch.

`decoder.onnx` takes z float32 [N, latent_dim] and labels int64 [N] to pixels uint8 [N, C, H, W];
`encoder.onnx`, of a model that encodes, takes pixels and labels back to z. Both are written against
the models' contract alone, so a registered model needs nothing of its own. `model.json` beside them
says in JSON what the files' metadata say too: a page reads it before it fetches anything large.
"""

import copy
import dataclasses
import functools
import hashlib
import json
import math
import warnings
from pathlib import Path
from typing import Any, Literal

import onnx
import torch
from torch import nn

from duet.core import latents
from duet.core.domains import Domain, Pixels
from duet.core.errors import DuetError
from duet.core.files import replacing_folder
from duet.export.about import ABOUT, About, File
from duet.export.narrow import narrow
from duet.models.base import BATCH_VALUES, LatentModel
from duet.store import records
from duet.store.checkpoint import Checkpoint

OPSET = 18
SEEDS, PART = 64, 8  # pictures that weights are narrowed on, and of these at a time
Z, LABELS, PIXELS, BATCH = "z", "labels", "pixels", "N"
Role = Literal["decoder", "encoder"]


class ExportError(DuetError):
    """A model cannot be exported, or not to that place; the message says why."""


class Decoder(nn.Module):
    """z, labels -> pixels uint8, as `LatentModel.render` draws them."""

    inputs, output = (Z, LABELS), PIXELS

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return self.model.domain.to_values(self.model.decode(z, labels))


class Encoder(nn.Module):
    """Pixels uint8, labels -> the z that decodes to the reconstruction."""

    inputs, output = (PIXELS, LABELS), Z

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        encode: Any = self.model.encode
        z: torch.Tensor = encode(self.model.domain.to_network(images), labels)
        return z


def export(checkpoint: Checkpoint, folder: Path, *, encoder: bool = True) -> About:
    """Write a checkpoint's ONNX files and `model.json` into `folder`, whole or not at all, that of
    an encoder only where it is wanted; returns what `model.json` says. An earlier export there is
    replaced; ExportError for other contents, and for a model that PyTorch's exporter cannot follow.
    """
    _check_place(folder)
    modules: dict[Role, Decoder | Encoder] = {"decoder": _decoder(checkpoint.model)}
    if encoder and hasattr(checkpoint.model, "encode"):
        modules["encoder"] = _encoder(checkpoint.model)
    about = About.of(checkpoint)
    facts = {name: value for name, value in dataclasses.asdict(about).items() if name != "files"}
    files: dict[Role, File] = {}
    with replacing_folder(folder) as scratch:
        for role, module in modules.items():
            tensors = _tensors(checkpoint.model, module)
            try:
                content = _content(_graph(module, checkpoint.model), {**facts, **tensors})
            except Exception as error:  # the exporter's, of whatever kind it likes
                raise ExportError(
                    f"{checkpoint.name}: the {role} of {checkpoint.architecture!r} cannot be "
                    f"exported; PyTorch's exporter says: {_first_line(error)}"
                ) from error
            (scratch / f"{role}.onnx").write_bytes(content)
            files[role] = File(
                name=f"{role}.onnx", bytes=len(content),
                sha256=hashlib.sha256(content).hexdigest(), **tensors,
            )
        about = dataclasses.replace(about, files=files)
        records.write(scratch / ABOUT, about)
    return about


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]


def _check_place(folder: Path) -> None:
    known = {ABOUT, "decoder.onnx", "encoder.onnx"}
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file; name a folder")
    others = sorted({path.name for path in folder.glob("*")} - known)
    if others:
        raise ExportError(f"{folder} holds other things ({others[0]}); name a new folder")


def _tensors(model: LatentModel, module: Decoder | Encoder) -> dict[str, dict[str, str]]:
    """What goes in and comes out, in words."""
    channels, height, width = model.image_shape
    known = {
        Z: f"float32 [N, {model.latent_dim}], standard normal",
        LABELS: f"int64 [N], 0..{max(model.num_classes, 1) - 1}",
        PIXELS: f"uint8 [N, {channels}, {height}, {width}], 0..255",
    }
    return {
        "inputs": {name: known[name] for name in module.inputs},
        "outputs": {module.output: known[module.output]},
    }


def _decoder(model: LatentModel) -> Decoder:
    slim = copy.deepcopy(model)

    def draw(z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return _levels(model.domain, slim.decode(z, labels))

    narrow(slim, [functools.partial(draw, z, labels) for z, labels in _parts(model)])
    return Decoder(slim)


def _encoder(model: LatentModel) -> Encoder:
    encoder = Encoder(copy.deepcopy(model))

    def draw(images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What matters of a latent is the picture that it stands for."""
        return _levels(model.domain, model.decode(encoder(images, labels), labels))

    narrow(encoder, [
        functools.partial(draw, model.render(z, labels), labels) for z, labels in _parts(model)
    ])
    return encoder


def _parts(model: LatentModel) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The pictures that weights are narrowed on, PART at a time."""
    z, labels = _samples(model, SEEDS)
    return list(zip(z.split(PART), labels.split(PART), strict=True))


def _samples(model: LatentModel, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents and labels of the first pictures of seeds, fewer where pictures are large."""
    count = max(1, min(count, BATCH_VALUES // math.prod(model.image_shape)))
    drawn = [latents.draw(seed, [0], model.latent_dim, model.num_classes) for seed in range(count)]
    return torch.cat([z for z, _ in drawn]), torch.cat([labels for _, labels in drawn])


def _levels(domain: Domain, outputs: torch.Tensor) -> torch.Tensor:
    """A network's outputs on the scale of their values; pixels are not rounded."""
    if not isinstance(domain, Pixels):
        return domain.to_values(outputs).float()
    black, white = domain.to_network(torch.tensor([0, 255], dtype=torch.uint8))
    return (outputs.clamp(black, white) - black) * (255 / (white - black))


def _graph(module: Decoder | Encoder, model: LatentModel) -> onnx.ModelProto:
    """The exporter's graph of a module, its first axis free."""
    z, labels = _samples(model, 2)
    example = (z if module.inputs[0] == Z else model.render(z, labels), labels)
    batch = {0: torch.export.Dim(BATCH)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        # Strict: Dynamo sees through len(z), which the other mode takes for a constant.
        program = torch.export.export(
            module, example, dynamic_shapes=(batch, batch), strict=True
        )
        exported = torch.onnx.export(
            program.run_decompositions(DECOMPOSED), (), opset_version=OPSET, verbose=False,
            input_names=list(module.inputs), output_names=[module.output],
        )
    assert exported is not None
    return exported.model_proto


def _pixel_unshuffle(x: torch.Tensor, factor: int) -> torch.Tensor:
    """F.pixel_unshuffle, [N, C, H, W] -> [N, C·factor², H/factor, W/factor]."""
    squares = x.unflatten(3, (-1, factor)).unflatten(2, (-1, factor))
    return squares.permute(0, 1, 3, 5, 2, 4).flatten(1, 3)


# onnxscript 0.7 writes pixel_unshuffle as SpaceToDepth, which orders the channels differently.
DECOMPOSED = {torch.ops.aten.pixel_unshuffle.default: _pixel_unshuffle}


def _content(graph: onnx.ModelProto, about: dict[str, Any]) -> bytes:
    """The file: without the exporter's notes (paths and names of this machine), with ours."""
    ends = (*graph.graph.input, *graph.graph.output)
    for part in (graph.graph, *graph.graph.node, *graph.graph.initializer, *ends):
        del part.metadata_props[:]
        part.doc_string = ""
    for end in ends:
        end.type.tensor_type.shape.dim[0].dim_param = BATCH
    del graph.graph.value_info[:], graph.metadata_props[:]
    graph.producer_name, graph.producer_version = "duet", ""
    onnx.helper.set_model_props(graph, {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in sorted(about.items())
    })
    onnx.checker.check_model(graph, full_check=True)
    return graph.SerializeToString(deterministic=True)
