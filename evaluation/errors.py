"""The one error of this package."""


class EvaluationError(ValueError):
    """Something cannot be measured or compared; the message names it and the mend."""
