"""Latents <-> images, and the folders that models are kept in."""

from models.base import LatentModel, ModelConfig, ModelError
from models.checkpoint import Checkpoint, CheckpointError, load
from models.registry import MODELS

__all__ = [
    "MODELS", "Checkpoint", "CheckpointError", "LatentModel", "ModelConfig", "ModelError", "load",
]
