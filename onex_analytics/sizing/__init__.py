"""What events weigh, and how to make them lighter: one decision of what is sent, live and on history.

Names are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.sizing.comparisons import compression_report
    from onex_analytics.sizing.dictionaries import train_dictionary
    from onex_analytics.sizing.encoding import Encoded, decode, encode
    from onex_analytics.sizing.policies import LIMITS, PRESETS, SizePolicy
    from onex_analytics.sizing.reports import size_distribution, size_report
    from onex_analytics.sizing.simulation import encoding_outcomes, simulate_encoding

__all__ = [
    "LIMITS",
    "PRESETS",
    "Encoded",
    "SizePolicy",
    "compression_report",
    "decode",
    "encode",
    "encoding_outcomes",
    "simulate_encoding",
    "size_distribution",
    "size_report",
    "train_dictionary",
]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "comparisons": ("compression_report",),
    "dictionaries": ("train_dictionary",),
    "encoding": ("Encoded", "decode", "encode"),
    "policies": ("LIMITS", "PRESETS", "SizePolicy"),
    "reports": ("size_distribution", "size_report"),
    "simulation": ("encoding_outcomes", "simulate_encoding"),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
