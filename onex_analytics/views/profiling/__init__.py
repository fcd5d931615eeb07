"""Figures of spans, traces and profiles. Each takes a collected result of `onex_analytics.profiling`.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.profiling.bands import change_points, percentile_bands
from onex_analytics.views.profiling.comparisons import comparison_forest
from onex_analytics.views.profiling.flames import diff_flame_graph, flame_graph
from onex_analytics.views.profiling.heat import heatmap
from onex_analytics.views.profiling.latencies import ecdf, latency_bars
from onex_analytics.views.profiling.load import concurrency
from onex_analytics.views.profiling.paths import critical_path_bar
from onex_analytics.views.profiling.unfinished import open_spans
from onex_analytics.views.profiling.waterfalls import waterfall

__all__ = [
    "change_points",
    "comparison_forest",
    "concurrency",
    "critical_path_bar",
    "diff_flame_graph",
    "ecdf",
    "flame_graph",
    "heatmap",
    "latency_bars",
    "open_spans",
    "percentile_bands",
    "waterfall",
]
