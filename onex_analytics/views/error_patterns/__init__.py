"""Figures of errors. Each takes collected results of `onex_analytics.error_patterns`, or of `frames.contrast`.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.error_patterns.frequencies import pareto

__all__ = [
    "pareto",
]
