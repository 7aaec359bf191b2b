"""The one list of architectures. To add a model: one file, one row."""

from duet.models.base import LatentModel
from duet.models.dcgan import DCGAN
from duet.models.gan import GAN
from duet.models.radford import RadfordDCGAN
from duet.models.spatial_vae import SpatialVAE
from duet.models.vae import VAE

# The architecture's name in config.json -> its class.
MODELS: dict[str, type[LatentModel]] = {
    "dcgan": DCGAN,
    "dcgan-radford": RadfordDCGAN,
    "gan": GAN,
    "vae": VAE,
    "vae-spatial": SpatialVAE,
}
