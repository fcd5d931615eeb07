"""A rule under every threshold, in steps: the exact sweep, what the rule saw, and pages step by step.

One pass over the log gives the firing levels (`alerting.levels`); all thresholds at which anything changes follow from
them, as `alerting.sweep` has them. Pages hang on routes, groups and waits: they are simulated, a step at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting.durations import parse_duration
from onex_analytics.alerting.feeding import AsOf
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.levels import Levels, Placed, Runs, levels_of, pages_of, require_order, runs_of
from onex_analytics.alerting.microseconds import time_of
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.sweeps import Judge, rows_of, to_find
from onex_analytics.alerting.writing import rules_text

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ThresholdSteps:
    """The thresholds of a rule, the lowest first: one for each interval between which nothing changes."""

    here: Placed
    runs: Runs
    levels: Levels
    rows: pl.DataFrame        # as `alerting.sweep` gives them, but for pages
    every: int                # rows that there are; `rows` are fewer where not all are kept
    incidents: pl.DataFrame | None
    thresholds: Float64       # of the rows: the rule's own where it lies in one

    @classmethod
    def of(
        cls, here: Placed, events: pl.LazyFrame, incidents: Any, most: int, *, lead: str | timedelta, labels: Any,
        as_of: AsOf, until: datetime | str | None,
    ) -> ThresholdSteps:  # fmt: skip
        """One pass over the log; see `alerting.sweep` for what is given."""
        require_order(here.group, here.rule)
        (runs,) = runs_of(here, [here.rule], events, as_of, until)
        levels = levels_of(runs, here.rule)
        judge = None
        if incidents is not None:
            found = to_find(load_incidents(incidents), time_of(levels.begin), time_of(levels.end))
            judge = Judge(levels, found, parse_duration(lead) if isinstance(lead, str) else lead,
                          None if labels is None else tuple(labels))  # fmt: skip
        rows = rows_of(levels, None, judge)
        own = row_with(rows, levels, here.rule.when.threshold)
        kept = _spread(rows.height, most, own)
        thresholds = rows["threshold"].to_numpy().copy()
        if own is not None:
            thresholds[own] = here.rule.when.threshold
        return cls(here, runs, levels, rows[kept], rows.height, None if judge is None else judge.incidents,
                   thresholds[kept])  # fmt: skip

    def with_threshold(self, threshold: float) -> RuleSet:
        """The rule's file with another threshold of this rule."""
        rule, own = self.here.rule, self.here.group.name
        changed = rule.model_copy(update={"when": rule.when.model_copy(update={"threshold": float(threshold)})})
        groups = [
            group.model_copy(update={"rules": tuple(changed if held == rule else held for held in group.rules)})
            if group.name == own else group for group in self.here.rules.groups
        ]  # fmt: skip
        return self.here.rules.model_copy(update={"groups": tuple(groups)})

    def text(self, threshold: float) -> str:
        """The rule with a threshold, alone in its group, as the text of a file."""
        changed = self.with_threshold(threshold).rule(self.here.rule.alert, self.here.group.name)
        group = self.here.group.model_copy(update={"rules": (changed,)})
        return rules_text(RuleSet(groups=(group,), dimensions=self.here.rules.dimensions))

    def place(self, threshold: float) -> int | None:
        """The row in which a threshold lies, or that is next to it; None where there is none."""
        found = row_with(self.rows, self.levels, threshold)
        if found is not None or not self.rows.height:
            return found
        return int(np.abs(self.thresholds - threshold).argmin())

    def pages(self, step: int) -> int:
        """The pages that wake somebody at a step, simulated."""
        threshold = float(self.thresholds[step])
        told = self.levels.transitions(self.here.group.name, self.here.rule.alert, threshold)
        if not told.height:
            return 0
        return sum(page.wakes for page in pages_of(self.here.alone(), told, self.levels.end))

    @property
    def days(self) -> float:
        """How long was judged."""
        return (self.levels.end - self.levels.begin) / 86_400e6


def row_with(rows: pl.DataFrame, levels: Levels, threshold: float) -> int | None:
    """The row whose interval of thresholds holds one; as `alerting.sweep` bounds them."""
    low = np.nan_to_num(rows["low"].to_numpy(), nan=-np.inf)
    high = np.nan_to_num(rows["high"].to_numpy(), nan=np.inf)
    holds_low = levels.strict == (levels.sign > 0)
    inside = ((low <= threshold) & (threshold < high)) if holds_low else ((low < threshold) & (threshold <= high))
    found = np.flatnonzero(inside)
    return int(found[0]) if found.size else None


def _spread(size: int, most: int, own: int | None) -> list[int]:
    """At most so many of the rows, evenly; the first, the last and the rule's own among them."""
    if size <= most:
        return list(range(size))
    kept = {place * (size - 1) // max(most - 1, 1) for place in range(most)}
    return sorted(kept | ({own} if own is not None else set()))
