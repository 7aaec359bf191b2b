"""Duet: a GAN and a VAE on the same pictures. duet.load("mnist-gan").model.sample(16, seed=0)."""

from duet.core.errors import DuetError
from duet.hub.sources import load
from duet.store.checkpoint import Checkpoint, CheckpointError

__all__ = ["Checkpoint", "CheckpointError", "DuetError", "load"]
