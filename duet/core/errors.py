"""What every refusal of Duet is."""


class DuetError(ValueError):
    """Something is refused; the message names it and the mend."""


class DeviceError(DuetError):
    """A device is asked for that this machine has not got."""
