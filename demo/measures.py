"""What can be measured of a picture without knowing what it shows."""

import torch


def _brightness(images: torch.Tensor) -> torch.Tensor:
    return images.double().flatten(1).mean(1)


def _thickness(images: torch.Tensor) -> torch.Tensor:
    """Area by edge: what differs from the ground, over its total variation."""
    mass = _mass(images)
    edges = mass.diff(dim=1).abs().sum((1, 2)) + mass.diff(dim=2).abs().sum((1, 2))
    return mass.sum((1, 2)) / edges.clamp_min(1e-9)


def _slant(images: torch.Tensor) -> torch.Tensor:
    """How far rows shift to the right a row upward: a shear, by second moments."""
    _, height, both = _moments(images)
    return -both / height.clamp_min(1e-9)


def _width(images: torch.Tensor) -> torch.Tensor:
    return _moments(images)[0].sqrt()


def _height(images: torch.Tensor) -> torch.Tensor:
    return _moments(images)[1].sqrt()


def _warmth(images: torch.Tensor) -> torch.Tensor:
    return (images[:, 0].double() - images[:, -1].double()).flatten(1).mean(1)


def _saturation(images: torch.Tensor) -> torch.Tensor:
    return (images.amax(1).double() - images.amin(1).double()).flatten(1).mean(1)


def _mass(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float64 [N, H, W]: how far from the ground, the border's median."""
    grey = images.double().mean(1)
    border = torch.cat([grey[:, 0], grey[:, -1], grey[:, :, 0], grey[:, :, -1]], 1)
    return (grey - border.median(1).values[:, None, None]).abs()


def _moments(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Variance of x, of y, and their covariance under `_mass`, each float64 [N]."""
    mass = _mass(images)
    mass = mass / mass.sum((1, 2), keepdim=True).clamp_min(1e-9)
    y, x = (torch.arange(size, dtype=torch.float64) for size in mass.shape[1:])
    rows, columns = mass.sum(2), mass.sum(1)
    x, y = x - (columns @ x)[:, None], y - (rows @ y)[:, None]  # [N, W], [N, H]
    both = torch.einsum("nhw,nh,nw->n", mass, y, x)
    return (columns * x**2).sum(1), (rows * y**2).sum(1), both


# The name of what grows -> uint8 [N, C, H, W] to float64 [N].
MEASURES = {
    "Thickness": _thickness, "Slant": _slant, "Width": _width, "Height": _height,
    "Brightness": _brightness, "Warmth": _warmth, "Saturation": _saturation,
}


def measured(images: torch.Tensor) -> torch.Tensor:
    """uint8 [N, C, H, W] -> float64 [N, MEASURES]."""
    return torch.stack([measure(images) for measure in MEASURES.values()], 1)
