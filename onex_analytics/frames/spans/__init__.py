"""Spans: operations made from start and end events, or brought from elsewhere.

Names are loaded when first used: pairing needs compiled kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.frames.spans.foreign import complete_spans
from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.frames.spans.building import build_spans
    from onex_analytics.frames.spans.diagnostics import DIAGNOSTICS, FINDINGS, span_diagnostics
    from onex_analytics.frames.spans.open_work import open_spans

__all__ = ["DIAGNOSTICS", "FINDINGS", "build_spans", "complete_spans", "open_spans", "span_diagnostics"]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "building": ("build_spans",),
    "diagnostics": ("DIAGNOSTICS", "FINDINGS", "span_diagnostics"),
    "open_work": ("open_spans",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
