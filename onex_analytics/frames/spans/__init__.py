"""Spans: operations made from start and end events, or brought from elsewhere.

Names are loaded when first used: pairing needs compiled kernels.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from onex_analytics.frames.spans.foreign import complete_spans

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
_MODULE_OF = {name: module for module, names in _LOADED_LATER.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    found: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
