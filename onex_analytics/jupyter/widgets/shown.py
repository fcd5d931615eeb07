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

from onex_analytics.exceptions import MissingExtra

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

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.on_msg(self._heard)

    def _heard(self, _: object, asked: Mapping[str, Any], buffers: object) -> None:
        """Do what the browser asks for; what a later version asks for and this one does not know is passed over."""
        action = asked.get("do")
        if isinstance(action, str) and action in self._actions:
            self._actions[action](asked)

    @property
    def _actions(self) -> Mapping[str, Any]:
        raise NotImplementedError
