"""How results look in JupyterLab, what may be typed there, and how long work tells how far it is.

Nothing below knows this room: it registers itself where `onex_analytics` is imported in a running IPython (or by
`%load_ext onex_analytics`), and loads what a result needs when that result is shown.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.jupyter import widgets
    from onex_analytics.jupyter.cards import Card
    from onex_analytics.jupyter.formatters import card_of, register

__all__ = ["Card", "card_of", "register", "widgets"]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "cards": ("Card",), "formatters": ("card_of", "register"), "widgets": (),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
