"""Figures of sizes. Each takes collected results of `onex_analytics.sizing`.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.sizing.growing import growth
from onex_analytics.views.sizing.histograms import size_histogram
from onex_analytics.views.sizing.ways import codec_bars
from onex_analytics.views.sizing.weights import byte_pareto

__all__ = [
    "byte_pareto",
    "codec_bars",
    "growth",
    "size_histogram",
]
