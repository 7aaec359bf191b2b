"""How controls, links and programs say which class: by its name, or by a word that no name can be.

A word begins with the mark; a class whose own name does is written with one mark more. So a class
may be called "any", "same" or "~any", and is never taken for the word.
"""

from collections.abc import Iterable

MARK = "~"
ANY = MARK + "any"  # leaves the class to the seed
SAME = MARK + "same"  # keeps the class that an interpolation starts with
WORDS = {ANY: "– any –", SAME: "– same –"}  # as people read them
OLD_WORDS = {"any": ANY, "same": SAME}  # as links had them when a class was called a digit


def to_value(class_name: str) -> str:
    """What stands for a class in a control, a link or a call."""
    return MARK + class_name if class_name.startswith(MARK) else class_name


def to_class_name(value: str) -> str | None:
    """The class that a value stands for; None for a word."""
    return None if value in WORDS else value.removeprefix(MARK)


def to_label(value: str) -> str:
    """What people read for a value."""
    return WORDS.get(value, value.removeprefix(MARK))


def values(words: Iterable[str], class_names: Iterable[str]) -> tuple[str, ...]:
    """Words and classes to choose from; each once, though a data set may repeat a name."""
    return (*words, *dict.fromkeys(map(to_value, class_names)))
