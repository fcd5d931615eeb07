"""Figures of alert rules. Each takes collected results of `onex_analytics.alerting`.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.alerting.comparisons import before_after
from onex_analytics.views.alerting.curves import sweep_curve
from onex_analytics.views.alerting.delays import delay_ecdf
from onex_analytics.views.alerting.frontiers import frontier
from onex_analytics.views.alerting.grids import threshold_by_for
from onex_analytics.views.alerting.incidents import incident_matrix
from onex_analytics.views.alerting.pages import pages_by_hour
from onex_analytics.views.alerting.timelines import timeline
from onex_analytics.views.alerting.values import value_against_threshold

__all__ = [
    "before_after",
    "delay_ecdf",
    "frontier",
    "incident_matrix",
    "pages_by_hour",
    "sweep_curve",
    "threshold_by_for",
    "timeline",
    "value_against_threshold",
]
