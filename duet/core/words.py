"""Words for tables, cards, records and the page."""

from collections.abc import Sequence


def duration(seconds: float) -> str:
    """Wall-clock time: 42 s, 41 min, 1 h 55 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def as_unicode(text: str) -> str:
    """A path or an argument as valid Unicode, which not every file system and terminal gives."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def aligned(lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Columns for a fixed-width font: the first `words` to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    sides = [str.ljust] * words + [str.rjust] * (len(widths) - words)
    return "\n".join(
        "  ".join(side(cell, width) for side, cell, width in zip(sides, line, widths, strict=True))
        .rstrip()
        for line in lines
    )
