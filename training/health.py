"""Whether a run's numbers are finite, step by step, without waiting for the device."""

import torch

from training.config import TrainingError
from training.objective import Losses

NEVER = 2**62  # a step that no run reaches


class NotFiniteError(TrainingError):
    """Losses or gradients are not finite; `step`: the first at which they were not."""

    def __init__(self, step: int, names: list[str]) -> None:
        super().__init__(
            f"not finite at step {step}: {', '.join(names)}; the last good state is kept. Go on "
            "from it with other random numbers by --retry 3, or begin anew with a lower "
            "--learning-rate or --precision float32"
        )
        self.step, self.names = step, names


class Health:
    """For each of the numbers that a step tells the first step at which it was not finite. It stays
    on the device: to ask an accelerator is to wait for it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._first: torch.Tensor | None = None

    def note(self, step: int, numbers: Losses) -> None:
        """Look at the numbers of a finished step; on a CPU they are judged at once."""
        self._names = list(numbers)
        finite = torch.stack([number.detach().float() for number in numbers.values()]).isfinite()
        first = torch.where(finite, NEVER, step)
        self._first = first if self._first is None else torch.minimum(self._first, first)
        if first.device.type == "cpu":
            self.check()

    def check(self) -> None:
        """NotFiniteError where a number was not finite in any step so far."""
        if self._first is None:
            return
        firsts = self._first.tolist()
        self._first = None
        if (step := min(firsts)) < NEVER:
            found = zip(self._names, firsts, strict=True)
            raise NotFiniteError(step, [name for name, first in found if first == step])
