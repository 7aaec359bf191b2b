"""Words for tables, cards, records and the page."""


def duration(seconds: float) -> str:
    """Wall-clock time: 42 s, 41 min, 1 h 55 min."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def as_unicode(text: str) -> str:
    """A path or an argument as valid Unicode, which not every file system and terminal gives."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
