"""The language of rules: filters over events, and arithmetic over cells. Small, safe, never evaluated by Python."""

from __future__ import annotations

from onex_analytics.alerting.filters.arithmetic import Arithmetic
from onex_analytics.alerting.filters.filtering import Filter

__all__ = ["Arithmetic", "Filter"]
