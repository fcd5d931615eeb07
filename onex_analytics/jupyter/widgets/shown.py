"""What all widgets share: the browser's half, and how both halves talk.

The browser's half is plain JavaScript beside this module, no build step and nothing from outside: `drawing.js`, which
all widgets use, and a file a widget, put together as one ES module. A widget's state is kept here; what the browser
asks for comes as a message, and what it is to draw goes as the trait `_told`. So several views show the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from onex_analytics.exceptions import MissingExtra, OnexError

try:
    import anywidget
    import traitlets
except ImportError as problem:
    raise MissingExtra("jupyter", "a widget") from problem


@cache
def browser_text(*names: str) -> str:
    """Files of the browser's half, one after the other."""
    folder = files(__package__) / "browser"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Shown(anywidget.AnyWidget):
    """A widget whose state is `_told`, and whose browser sends `{"do": …}`."""

    _css = browser_text("widgets.css")
    _told = traitlets.Dict().tag(sync=True)
    _problem = traitlets.Unicode().tag(sync=True)
    _answered = traitlets.Unicode().tag(sync=True)
    """The id of the last thing that was asked: whoever asks knows when he has the answer."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.on_msg(self._heard)

    def _heard(self, _: object, asked: Mapping[str, Any], buffers: object) -> None:
        """Do what the browser asks for; what a later version asks for and this one does not know is passed over.

        What goes wrong is shown there: nobody reads a kernel's log.
        """
        problem, action = "", asked.get("do")
        try:
            if isinstance(action, str) and action in self._actions:
                self._actions[action](asked)
        except OnexError as found:
            problem = str(found)
        self._problem = problem
        self._answered = str(asked.get("id", ""))

    @property
    def _actions(self) -> Mapping[str, Any]:
        """What the browser may ask of a widget: none but what its class names."""
        return {}
