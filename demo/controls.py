"""From options to components, and handlers that answer bad input in words."""

import functools
import inspect
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import gradio as gr
from gradio.events import api

from demo import class_names
from demo.options import Choice, ClassChoice, Fraction, Option, Seed, Whole, check_all
from duet.core.errors import DuetError

DICE = "Roll"  # style.css draws one before the word
Control = gr.Number | gr.Slider | gr.Radio | gr.Dropdown
FEW = 4  # so many choices stand side by side, more go into a list


def control(option: Option, visible: bool = True) -> Control:
    """The component that sets an option."""
    words = {"label": option.label, "info": option.info, "value": option.default}
    if isinstance(option, Seed):
        return gr.Number(**words, buttons=[gr.Button(DICE, render=False)])
    if isinstance(option, Whole):
        return gr.Slider(option.low, option.high, step=1, **words)
    if isinstance(option, Fraction):
        return gr.Slider(0, 1, step=0.05, **words)
    if isinstance(option, Choice):
        few = len(option.choices) <= FEW and not isinstance(option, ClassChoice)
        kind = gr.Radio if few else gr.Dropdown
        return kind(choices=_labelled(option), visible=visible, **words)
    raise TypeError(f"no control for {type(option).__name__}")


def fitted(option: ClassChoice, value: str) -> dict[str, Any]:
    """What the control of a class becomes when other models come into view: their classes, the
    same value where they have it; out of sight where there is nothing to choose."""
    kept = value if value in option.choices else option.default
    visible = any(class_names.to_class_name(choice) is not None for choice in option.choices)
    return gr.update(choices=_labelled(option), value=kept, visible=visible)


def checked_handler(options: Sequence[Option], function: Callable[..., Any]) -> Callable[..., Any]:
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
    return as_gradio_error(handle)


def endpoint(name: str, options: Sequence[Option], function: Callable[..., Any]) -> None:
    """Within the page that is being built: `function` of checked values for programs, which know it
    by `name`, and for language models as a tool (MCP).

    Gradio describes it by its signature and docstring, which say here what each option may be; one
    without a default has to be given. Not queued by itself: Gradio hands tools but one output of
    what is. Its Python client queues all the same.
    """
    answer = checked_handler(options, function)
    about, _, returns = (inspect.getdoc(function) or "").partition("\nReturns:")
    inputs = "".join(f"\n    {o.name}: {o.label}. {o.info} Must be {o.wanted}." for o in options)
    answer.__name__ = name
    answer.__doc__ = f"{about}\nArgs:{inputs}\nReturns:{returns}"
    kind = inspect.signature(function).return_annotation
    signature = inspect.Signature([_parameter(o) for o in options], return_annotation=kind)
    answer.__signature__ = signature  # type: ignore[attr-defined]
    answer.__annotations__ = {o.name: o.kind for o in options}
    api(answer, api_name=name, queue=False)


def _parameter(option: Option) -> inspect.Parameter:
    default = inspect.Parameter.empty if option.default is None else option.default
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(option.name, kind, default=default, annotation=option.kind)


def as_gradio_error(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, whose refusals reach whoever called it."""

    @functools.wraps(function)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except DuetError as error:
            raise refusal(str(error)) from error

    return answer


def refusal(text: str) -> gr.Error:
    """An error that tells the caller `text` and the log nothing."""
    return gr.Error(in_html(text), print_exception=False)


def in_html(text: str) -> str:
    """Plain text for a component or a message that takes HTML."""
    return escape(text, quote=False)


def _labelled(option: Choice) -> list[tuple[str, str]]:
    """What people read for each choice, and its value."""
    label = class_names.to_label if isinstance(option, ClassChoice) else str
    return [(label(choice), choice) for choice in option.choices]
