"""Classifiers of our own as feature extractors of torch-fidelity."""

from collections.abc import Callable
from pathlib import Path

import torch
import torch_fidelity

from duet.core.tensors import load_tensors
from evaluation.extractors import ExtractorEntry
from evaluation.extractors.base import Classifier


class ClassifierFeatures(torch_fidelity.FeatureExtractorBase):
    """A classifier of our own behind torch-fidelity's interface; a grey one also takes three equal
    channels. A subclass an extractor, since the library makes it by its class alone."""

    build: Callable[[], Classifier]
    image_shape: tuple[int, int, int]

    def __init__(
        self, name: str, features_list: list[str],
        feature_extractor_weights_path: str | Path, **options: object,
    ) -> None:
        super().__init__(name, features_list)  # `options`: the library hands over all of its own
        self.network = type(self).build()
        tensors, _ = load_tensors(Path(feature_extractor_weights_path))
        self.network.load_state_dict(tensors)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        features, logits = self.network(images[:, : self.image_shape[0]])
        outputs = {"features": features, "logits": logits}
        # The requested order: the library's own docstring says otherwise, and its sets shuffle it.
        return tuple(outputs[name] for name in self.features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return "features", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @classmethod
    def get_dummy_input_for_compile(cls) -> torch.Tensor:
        return torch.zeros(1, *cls.image_shape, dtype=torch.uint8)


def register(entry: ExtractorEntry) -> None:
    """Make a classifier of ours known to torch-fidelity; twice is the same as once."""
    registry = torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY
    if entry.recipe is not None and entry.registered_name not in registry:
        parts = {"build": staticmethod(entry.recipe.build), "image_shape": entry.image_shape}
        kind = type(entry.registered_name, (ClassifierFeatures,), parts)
        torch_fidelity.register_feature_extractor(entry.registered_name, kind)
