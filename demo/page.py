"""What the page and its tabs hand each other."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo import facts
from demo.catalogue import Catalogue
from demo.controls import Control, control, fitted
from demo.options import Choice, ClassChoice, Option

SIDES = ("left", "right")


@dataclass(frozen=True)
class Page:
    """What all tabs share: the models on offer, the choice of one for each side, the pickers."""

    catalogue: Catalogue
    model_options: tuple[Choice, Choice]
    pickers: tuple[Control, Control]

    @functools.cached_property
    def facts(self) -> dict[str, Any]:
        """What the stage's modules are told of the models, whichever tab they draw."""
        return facts.facts(self.catalogue, facts.exported())

    def tell(self, component: gr.HTML) -> dict[str, Any]:
        """A tab's `draw` that writes the picked models' names, as JSON, into a component whose
        script draws."""
        names = "(...models) => JSON.stringify(models)"
        return {"fn": None, "js": names, "inputs": [*self.pickers], "outputs": [component]}

    def control(self, option: Option) -> Control:
        """The component that sets an option, as it is while the default models are in view."""
        if isinstance(option, ClassChoice):
            known = self.catalogue.class_names(self.catalogue.default_pair())
            return control(option.among(known), visible=bool(known))
        return control(option)

    def fitted(self, option: ClassChoice, models: Sequence[str], value: str) -> dict[str, Any]:
        """What a class control becomes while `models` are in view."""
        return fitted(option.among(self.catalogue.class_names(models)), value)


@dataclass(frozen=True)
class Tab:
    """A built tab. A link sets its `options` through `controls`, which stand in the same order.
    `draw` holds fn, inputs and outputs of the event that draws anew for the models picked; none
    where a tab shows the same for all. `asks`: a component whose submit asks for other models, by
    its value, their names as JSON."""

    options: Sequence[Option]
    controls: Sequence[Control]
    draw: dict[str, Any] | None = None
    asks: gr.HTML | None = None
