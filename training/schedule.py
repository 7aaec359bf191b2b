"""Learning rates over a run: from a base rate and a step, counted from 0, to that step's rate."""

WARM_UP_STEPS = 100
DECAY_FROM_STEP = 2000


def inverse_square_root(base: float, step: int) -> float:
    """Decay without a horizon, so that a run may be stopped or prolonged at any step (Karras et
    al., "Analyzing and improving the training dynamics of diffusion models", 2024, equation 67):
    full rate for the first DECAY_FROM_STEP steps but for a linear warm-up, then 1/sqrt(step)."""
    warmed = base * min(1.0, (step + 1) / WARM_UP_STEPS)
    return warmed / max(1.0, step / DECAY_FROM_STEP) ** 0.5
