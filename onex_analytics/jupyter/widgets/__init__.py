"""Widgets for a notebook: choose events with a brush, move a threshold, look into a trace.

    from onex_analytics.jupyter.widgets import ThresholdSlider, TimeRange, TraceExplorer

    TimeRange(store)                          # brush and filters; `.events` is what they select
    ThresholdSlider(rule, store.scan())       # alerts and pages with every threshold; `.rule` is what was chosen
    TraceExplorer(store.spans())              # a heat map, traces to look at, the waterfall of each

They need the extra `jupyter`, and are loaded when first used. Whatever they show is shipped with the package: nothing
is fetched from outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onex_analytics.loading import loaded_later

if TYPE_CHECKING:
    from onex_analytics.jupyter.widgets.selections import Selection
    from onex_analytics.jupyter.widgets.threshold_sliders import ThresholdSlider
    from onex_analytics.jupyter.widgets.time_ranges import TimeRange
    from onex_analytics.jupyter.widgets.trace_explorers import TraceExplorer

__all__ = ["Selection", "ThresholdSlider", "TimeRange", "TraceExplorer"]

_LOADED_LATER: dict[str, tuple[str, ...]] = {
    "selections": ("Selection",),
    "threshold_sliders": ("ThresholdSlider",),
    "time_ranges": ("TimeRange",),
    "trace_explorers": ("TraceExplorer",),
}
__getattr__, __dir__ = loaded_later(__name__, __all__, _LOADED_LATER)
