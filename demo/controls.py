"""From options to components, and handlers that answer bad input in words."""

import functools
import inspect
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import gradio as gr

from demo.options import Choice, Fraction, Option, OptionError, Seed, Whole, check_all

DICE = "Roll"  # style.css draws one before the word
Control = gr.Number | gr.Slider | gr.Radio | gr.Dropdown
FEW = 4  # so many choices stand side by side, more go into a list


def control(option: Option) -> Control:
    """The component that sets an option."""
    words = _words(option)
    if isinstance(option, Seed):
        return gr.Number(**words, buttons=[gr.Button(DICE, render=False)])
    if isinstance(option, Whole):
        return gr.Slider(option.low, option.high, step=1, **words)
    if isinstance(option, Fraction):
        return gr.Slider(0, 1, step=0.05, **words)
    if isinstance(option, Choice):
        return _choice(option)
    raise TypeError(f"no control for {type(option).__name__}")


def _choice(option: Choice) -> Control:
    kind = gr.Radio if len(option.choices) <= FEW else gr.Dropdown
    return kind(choices=list(option.choices), **_words(option))


def handler(options: Sequence[Option], function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of checked values, as a handler of raw ones that the API knows by the options'
    names. For events with `preprocess=False`: Gradio's own checks do not say which input they mean.
    """

    def handle(*values: Any) -> Any:
        return function(*check_all(options, values))

    functools.update_wrapper(handle, function)
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    handle.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(option.name, kind) for option in options]
    )
    return answering(handle)


def answering(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose refusals reach whoever called it."""

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except OptionError as error:
            raise gr.Error(in_html(str(error)), print_exception=False) from error

    return answer


def in_html(text: str) -> str:
    """Plain text for a component or a message that takes HTML."""
    return escape(text, quote=False)


def _words(option: Option) -> dict[str, Any]:
    return {"label": option.label, "info": option.info, "value": option.default}
