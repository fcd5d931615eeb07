"""Figures of errors. Each takes collected results of `onex_analytics.error_patterns`, or of `frames.contrast`.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.error_patterns.co_occurrences import co_occurrence_matrix
from onex_analytics.views.error_patterns.contrasts import contrast_forest
from onex_analytics.views.error_patterns.flows import cascade_sankey
from onex_analytics.views.error_patterns.frequencies import pareto
from onex_analytics.views.error_patterns.heat import template_heatmap
from onex_analytics.views.error_patterns.lifetimes import first_seen_timeline
from onex_analytics.views.error_patterns.rates import stacked_rates
from onex_analytics.views.error_patterns.swim_lanes import trace_lanes

__all__ = [
    "cascade_sankey",
    "co_occurrence_matrix",
    "contrast_forest",
    "first_seen_timeline",
    "pareto",
    "stacked_rates",
    "template_heatmap",
    "trace_lanes",
]
