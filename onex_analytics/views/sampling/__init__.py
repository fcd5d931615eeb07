"""Figures of sampling. Each takes collected results: of `onex_analytics.sampling`, or of a door that joins rooms.

What a figure shows in words, for those who do not see it, stands in its layout: `views.theme.description(figure)`.
"""

from __future__ import annotations

from onex_analytics.views.sampling.error_bars import group_errors
from onex_analytics.views.sampling.frontiers import frontier, volume_and_error
from onex_analytics.views.sampling.impacts import alert_impact
from onex_analytics.views.sampling.losses import lost

__all__ = [
    "alert_impact",
    "frontier",
    "group_errors",
    "lost",
    "volume_and_error",
]
