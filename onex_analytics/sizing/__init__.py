"""What events weigh, and how to make them lighter: one decision of what is sent, live and on history.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.sizing.encoding import Encoded, decode, encode
    from onex_analytics.sizing.policies import LIMITS, PRESETS, SizePolicy

__all__ = [
    "LIMITS",
    "PRESETS",
    "Encoded",
    "SizePolicy",
    "decode",
    "encode",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "encoding": ("Encoded", "decode", "encode"),
    "policies": ("LIMITS", "PRESETS", "SizePolicy"),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
