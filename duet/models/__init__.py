"""Latents <-> images: networks, the contract they keep, and their list."""

from duet.models.base import LatentModel, ModelConfig, ModelError, Role
from duet.models.registry import MODELS

__all__ = ["MODELS", "LatentModel", "ModelConfig", "ModelError", "Role"]
