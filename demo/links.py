"""A link that reopens the page as it is: tab, models and options as the query of an address."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from demo.options import Option

TAB = "tab"


def query(tab: str, options: Sequence[Option], values: Sequence[Any]) -> str:
    """What stands behind the question mark."""
    named = {option.name: value for option, value in zip(options, values, strict=True)}
    return urlencode({TAB: tab, **named})


def read(
    query: Mapping[str, str], options: Mapping[str, Sequence[Option]]
) -> tuple[str, dict[str, Any], list[str]]:
    """The tab a link names, the values of that tab's options, and what of it was no good.

    `options` are those of each tab. What the link does not mention, or gets wrong, takes its
    default. Other keys are let be: the Hub adds its own to the address of a Space.
    """
    tab = query.get(TAB, next(iter(options)))
    problems = []
    if tab not in options:
        problems.append(f"Tab must be one of {', '.join(options)}.")
        tab = next(iter(options))
    values = {}
    for option in options[tab]:
        try:
            values[option.name] = _value(query, option)
        except ValueError as error:
            values[option.name] = option.default
            problems.append(str(error))
    return tab, values, problems


def _value(query: Mapping[str, str], option: Option) -> Any:
    if option.name in query:
        return option.parse(query[option.name])
    if option.old_name and option.old_name in query:
        return option.parse_old(query[option.old_name])
    return option.default
