"""Only the tab in view draws.

Each tab has a hidden text, its key: the models that it shows, or should. A tab draws when its key
changes, and a key is only written while its tab is in view. So a newly picked model makes the other
tabs stale by doing nothing, they draw when they are opened, and nothing is drawn twice. All this
happens in the browser; only drawing asks the server.
"""

import json
from collections.abc import Mapping, Sequence

import gradio as gr

from demo.controls import Control
from demo.page import Tab

# names: those of the tabs. Before the link is followed, no key is written.
WRITE_KEYS = """(shown, followed, left, right, ...keys) => %s.map((name, index) =>
    followed && name === shown ? JSON.stringify([left, right]) : keys[index])"""


class Views:
    """`shown`: the name of the tab in view; `followed`: "yes" once the link has been followed.
    Both are hidden texts, for who restores a link to set; setting one updates the view."""

    def __init__(self, pickers: Sequence[Control], tabs: Mapping[str, gr.Tab]) -> None:
        names = list(tabs)
        self.shown, self.followed = _hidden(names[0]), _hidden("")
        self._keys = {name: _hidden("") for name in names}
        self._update = {
            "fn": None, "js": WRITE_KEYS % json.dumps(names),
            "inputs": [self.shown, self.followed, *pickers, *self._keys.values()],
            "outputs": list(self._keys.values()),
        }
        for name, tab in tabs.items():
            tab.select(None, None, self.shown, js=f"() => {json.dumps(name)}")
        gr.on([self.shown.change, self.followed.change], **self._update)

    def draw_with(self, built: Mapping[str, Tab]) -> None:
        """Let every tab draw when its key changes."""
        for name, tab in built.items():
            if tab.draw is not None:
                self._keys[name].change(**tab.draw, api_visibility="private")

    def update_after(self, event: gr.events.Dependency) -> None:
        """Draw the tab in view once `event`, which may have moved the pickers, is done."""
        event.then(**self._update)


def _hidden(value: str) -> gr.Textbox:
    """A text that nobody sees, though the browser keeps it: what is invisible sends no events."""
    return gr.Textbox(value, visible="hidden", interactive=False)
