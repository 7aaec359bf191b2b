"""What every refusal of Duet is."""


class DuetError(ValueError):
    """Something is refused; the message names it and the mend."""


class ArgumentError(DuetError):
    """An argument is of a type or a size that a function does not take."""


class DeviceError(DuetError):
    """A device is asked for that this machine has not got."""
