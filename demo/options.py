"""What a control may hold: one object an option, the only home of its words, default and bounds.

The page builds a control from it, a handler checks what the control sends, a link is read by it.
"""

import dataclasses
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from demo import class_names
from duet.core.errors import DuetError

LISTED = 12  # choices that a refusal lists; there may be hundreds


class OptionError(DuetError):
    """A value that an option refuses; the message names the option and what it takes."""


@dataclass(frozen=True)
class Option:
    """`name` is for the API and links, `label` and `info` for people; links that still say
    `old_name` mean this option too."""

    name: str
    label: str
    info: str
    default: Any
    old_name: str = dataclasses.field(default="", kw_only=True)

    def check(self, value: Any) -> Any:
        """`value` in its proper type, or OptionError."""
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        """`check` of a value that comes as text, out of a link."""
        raise NotImplementedError

    def parse_old(self, text: str) -> Any:
        """`check` of what a link gives under the old name."""
        return self.parse(text)

    @property
    def wanted(self) -> str:
        """What it may be, in words."""
        raise NotImplementedError

    @property
    def kind(self) -> Any:
        """The type of a checked value, for signatures."""
        return str

    def refusal(self, value: Any) -> OptionError:
        found = "it is empty" if value is None or value == "" else f"not {_shown(value)}"
        return OptionError(f"{self.label} must be {self.wanted}, {found}.")


@dataclass(frozen=True)
class Whole(Option):
    """An integer in low..high, set with a slider."""

    low: int
    high: int

    @property
    def wanted(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    @property
    def kind(self) -> Any:
        return int

    def check(self, value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not self.low <= value <= self.high:
            raise self.refusal(value)
        return value

    def parse(self, text: str) -> int:
        try:
            return self.check(int(text))
        except ValueError as error:
            raise self.refusal(text) from error


@dataclass(frozen=True)
class Seed(Whole):
    """A whole number that is typed or thrown with a dice. JSON and JavaScript hold it exactly."""

    default: int = 0
    low: int = 0
    high: int = 2**53 - 1


@dataclass(frozen=True)
class Fraction(Option):
    """A number in 0..1, set with a slider in steps of 0.05."""

    @property
    def wanted(self) -> str:
        return "a number from 0 to 1"

    @property
    def kind(self) -> Any:
        return float

    def check(self, value: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise self.refusal(value)
        return float(value)

    def parse(self, text: str) -> float:
        try:
            return self.check(float(text))
        except ValueError as error:
            raise self.refusal(text) from error


@dataclass(frozen=True)
class Choice(Option):
    """One of a few names."""

    choices: tuple[str, ...]

    @property
    def wanted(self) -> str:
        shown = ", ".join(name[:40] for name in self.choices[:LISTED])
        more = f" … ({len(self.choices)} in all)" if len(self.choices) > LISTED else ""
        return f"one of {shown}{more}"

    @property
    def kind(self) -> Any:
        return Literal[self.choices]

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise self.refusal(value)
        return value

    def parse(self, text: str) -> str:
        return self.check(text)


@dataclass(frozen=True)
class ClassChoice(Choice):
    """A class, in the values of demo/class_names.py."""

    def among(self, known: Iterable[str]) -> "ClassChoice":
        """The same choice where only the classes `known` are in view."""
        words = [value for value in self.choices if value in class_names.WORDS]
        return dataclasses.replace(self, choices=class_names.values(words, known))

    def parse_old(self, text: str) -> str:
        return self.check(class_names.OLD_WORDS.get(text) or class_names.to_value(text))


@dataclass(frozen=True)
class Text(Option):
    """A line of at most `longest` characters."""

    longest: int

    @property
    def wanted(self) -> str:
        return f"a text of at most {self.longest} characters"

    def check(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.longest or not _is_unicode(value):
            raise self.refusal(value)
        return value

    def parse(self, text: str) -> str:
        return self.check(text)


def check_all(options: Iterable[Option], values: Iterable[Any]) -> list[Any]:
    """Every value in its proper type, or the first OptionError."""
    return [option.check(value) for option, value in zip(options, values, strict=True)]


def _is_unicode(text: str) -> bool:
    """Whether a text can be sent: JSON may bring half of a surrogate pair."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _shown(value: Any) -> str:
    """A stranger's value in a few letters, however large or deep it is."""
    try:
        return reprlib.repr(value)[:40]
    except ValueError:  # an integer too long to be written
        return f"a {type(value).__name__}"
