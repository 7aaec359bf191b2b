"""Quantities in words, for tables, cards and the page."""


def duration(seconds: float) -> str:
    """Wall-clock time: 42 s, 41 min, 1 h 55 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
