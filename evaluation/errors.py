"""The one error of this package."""

from duet.core.errors import DuetError


class EvaluationError(DuetError):
    """Something cannot be measured or compared; the message names it and the mend."""
