"""Cells: the numbers that rules are judged by, at every tick and for every label set."""

from __future__ import annotations

from onex_analytics.alerting.cells.fold import Fold
from onex_analytics.alerting.cells.runs import FALSE, KEPT, TRUE, FlatRuns, RuleRuns, Runs
from onex_analytics.alerting.cells.series import SeriesTable

__all__ = ["FALSE", "KEPT", "TRUE", "FlatRuns", "Fold", "RuleRuns", "Runs", "SeriesTable"]
