"""Where to compute: what the name of a device means."""

import torch

from duet.core.errors import DeviceError


def pick_device(name: str) -> torch.device:
    """Resolve a device's name, "auto" being cuda where there is one; DeviceError for what this
    machine has not got."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()  # "meta" makes tensors, and holds no numbers
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(
            f"device {name} is not usable on this machine ({str(error).splitlines()[0]}); "
            "try cpu"
        ) from error
    return device
