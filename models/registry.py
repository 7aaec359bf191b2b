"""The one list of architectures. To add a model: one file, one row."""

from models.base import LatentModel
from models.dcgan import DCGAN
from models.gan import GAN
from models.vae import VAE

# The architecture's name in config.json -> its class.
MODELS: dict[str, type[LatentModel]] = {
    "dcgan": DCGAN,
    "gan": GAN,
    "vae": VAE,
}
