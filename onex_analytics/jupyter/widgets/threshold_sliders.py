"""A slider over every threshold at which anything changes: what a rule would have done, at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import traitlets

from onex_analytics.alerting.feeding import AsOf
from onex_analytics.alerting.levels import placed
from onex_analytics.alerting.rules import Rule, RuleSet
from onex_analytics.alerting.sweeps import SWEEP
from onex_analytics.exceptions import InvalidOption
from onex_analytics.jupyter.widgets.shown import Shown, browser_text
from onex_analytics.jupyter.widgets.threshold_steps import ThresholdSteps
from onex_analytics.jupyter.widgets.value_bands import ValueBands
from onex_analytics.jupyter.widgets.words import milliseconds_of, text_of
from onex_analytics.store import EventStore

_SENT = ("low", "high", "firings", "firing_label_sets", "firing_s", "judged", "true_firings", "caught", "delay_s_p50")
_AT_FIRST, _AT_ONCE, _PATIENCE, _IN_ALL = 8_000, 4_000, 50_000, 500_000
"""Firings whose pages are simulated at the start, in one go later, for one step, and in all: some 16,000 a second."""
_MOST_INCIDENTS = 60


class ThresholdSlider(Shown):
    """What a rule would have done with another threshold: alerts and pages, and with incidents how well it finds them.

    The slider stops at the thresholds at which something changes, and at no others: between two of them nothing does.
    All numbers are those of `alerting.sweep`, so those of a backtest with this threshold. Pages are simulated, at first
    for some steps, then for those that are looked at and those around them.

    Args:
        rule: a rule; or a file with one rule; or the name of a rule in `rules`. See `alerting.sweep` for those that
            have no threshold to move.
        events: a frame, or a store: all its events.
        incidents: what went wrong, as `backtest` takes it: recall, precision and delay.
        rules: the file in which the rule stands: its grid, lateness and notification.
        most: steps at most. Of more than that some are left out, evenly, and it is said.
        lead, labels, as_of, until: as `alerting.sweep` takes them.

    Raises:
        InvalidOption: a rule that cannot be swept, or a bad option.
        MissingColumns: the rule reads a column that is not there.

    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": [str(i) for i in range(6)],
    ...                     "timestamp": [start + timedelta(seconds=s) for s in (10, 130, 140, 310, 320, 610)]})
    >>> busy = Rule.model_validate({"alert": "Busy", "when": {"count": {"window": "1m"}, "threshold": 0}})
    >>> widget = ThresholdSlider(busy, log)
    >>> widget.row["firings"], widget.row["pages"]
    (3, 1)
    >>> widget.step += 1
    >>> widget.threshold, widget.row["firings"], widget.rule.when.threshold
    (1.0, 2, 1.0)
    """

    _esm = browser_text("drawing.js", "threshold_slider.js")

    step = traitlets.Int(0).tag(sync=True)
    """The row of `sweep` that is chosen."""
    _columns = traitlets.Bytes().tag(sync=True)
    _bands = traitlets.Bytes().tag(sync=True)
    _pages = traitlets.Bytes().tag(sync=True)
    _more = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self, rule: Rule | RuleSet | str, events: EventStore | pl.LazyFrame | pl.DataFrame, incidents: Any = None, *,
        rules: RuleSet | None = None, most: int = 10_000, lead: str | timedelta = "15m",
        labels: Iterable[str] | None = None, as_of: AsOf = "event", until: datetime | str | None = None,
    ) -> None:  # fmt: skip
        if isinstance(most, bool) or most < 2:
            raise InvalidOption("most", most, "a whole number from 2")
        log = events.scan() if isinstance(events, EventStore) else events.lazy()
        self._steps = ThresholdSteps.of(
            placed(rule, rules), log, incidents, most, lead=lead, labels=labels, as_of=as_of, until=until
        )
        self._count = np.full(self._steps.rows.height, -1, np.int32)
        self._done = 0
        own = self._steps.place(self._steps.here.rule.when.threshold)
        super().__init__(step=own or 0)
        self._simulate(self._spread_out(), _AT_FIRST)
        self._visit()
        self._tell(own)

    def __repr__(self) -> str:
        rule = self.rule
        return f"ThresholdSlider({rule.alert}: {rule.when.op} {rule.when.threshold:g}, {self._count.size:,} steps)"

    # ------------------------------------------------------------------ what is chosen

    @property
    def threshold(self) -> float | None:
        """The threshold; None where the rule was never evaluated. Setting it moves to the step in which it lies."""
        return float(self._steps.thresholds[self.step]) if self._count.size else None

    @threshold.setter
    def threshold(self, wanted: float) -> None:
        place = self._steps.place(float(wanted))
        if place is not None:
            self.step = place

    @property
    def row(self) -> dict[str, Any]:
        """The step as a row of `sweep`; empty where the rule was never evaluated."""
        return self.sweep.row(self.step, named=True) if self._count.size else {}

    @property
    def sweep(self) -> pl.DataFrame:
        """`alerting.SWEEP`: a row a step; pages are null where they were not simulated yet."""
        steps = self._steps
        pages = pl.Series("pages", self._count, dtype=pl.Int64)
        window = getattr(steps.here.rule.when.cell, "window", None)
        return steps.rows.with_columns(
            pl.lit(window, SWEEP["window"]).alias("window"), pl.lit(steps.here.rule.for_, SWEEP["for"]).alias("for"),
            pl.Series("threshold", steps.thresholds), pages.replace(-1, None),
            (pages.replace(-1, None) / (steps.days or None)).alias("pages_per_day") if steps.days
            else pl.lit(None, pl.Float64).alias("pages_per_day"),
        ).select(*SWEEP).cast(SWEEP)  # fmt: skip

    @property
    def rules(self) -> RuleSet:
        """The rule's file with the chosen threshold."""
        own = self._steps.here.rule.when.threshold
        return self._steps.with_threshold(own if self.threshold is None else self.threshold)

    @property
    def rule(self) -> Rule:
        """The rule with the chosen threshold."""
        return self.rules.rule(self._steps.here.rule.alert, self._steps.here.group.name)

    @property
    def rule_text(self) -> str:
        """The same as the text of a file."""
        return self._steps.text(self.rule.when.threshold)

    # ------------------------------------------------------------------ inside

    @traitlets.validate("step")
    def _in_reach(self, proposal: Mapping[str, Any]) -> int:
        return max(0, min(int(proposal["value"]), self._count.size - 1)) if self._count.size else 0

    @traitlets.observe("step")
    def _visit(self, _: object = None) -> None:
        if not hasattr(self, "_done") or not self._count.size:
            return
        if self._count[self.step] < 0 and self._firings[self.step] <= _PATIENCE:
            self._simulate([self.step], _PATIENCE)

    @property
    def _firings(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        return self._steps.rows["firings"].to_numpy()

    def _spread_out(self) -> list[int]:
        """All steps, first those that halve what lies between those before."""
        size = self._count.size
        found: dict[int, None] = {}
        parts = 1
        while len(found) < size:
            found |= dict.fromkeys(min(number * size // parts, size - 1) for number in range(parts + 1))
            parts *= 2
        return list(found)

    def _simulate(self, places: Iterable[int], budget: int) -> None:
        """Simulate the pages of steps, as far as the budget of firings goes; at least of the first."""
        firings, spent = self._firings, 0
        for place in places:
            if self._count[place] >= 0 or firings[place] > _PATIENCE:
                continue
            spent += int(firings[place])
            if spent > budget and spent > firings[place]:
                break
            self._count[place] = self._steps.pages(place)
        self._done += min(spent, budget)
        self._more = bool(self._done < _IN_ALL and ((self._count < 0) & (firings <= _PATIENCE)).any())
        self._pages = self._count.tobytes()

    def _tell(self, own: int | None) -> None:
        steps = self._steps
        rule, levels = steps.here.rule, steps.levels
        columns = [steps.thresholds, *(steps.rows[name].cast(pl.Float64).fill_null(float("nan")) for name in _SENT)]
        self._columns = np.array([np.asarray(column, np.float64) for column in columns]).tobytes()
        bands = ValueBands.of(steps.runs, levels, rule.when.min_count)
        self._bands = np.array([bands.low, bands.high, bands.level]).tobytes()
        incidents = [] if steps.incidents is None else steps.incidents.sort("start").to_dicts()
        before, after = self._text_around()
        self._told = {
            "alert": rule.alert, "op": rule.when.op, "sign": levels.sign, "strict": levels.strict,
            "steps": steps.rows.height, "every": steps.every, "own": own, "days": steps.days,
            "incidents": None if steps.incidents is None else len(incidents),
            "drawn": [
                {"start": milliseconds_of(one["start"]), "end": milliseconds_of(one["end"]),
                 "text": text_of(one.get("id"), 60)} for one in incidents[:_MOST_INCIDENTS]
            ],
            "before": before, "after": after,
            "begin": bands.begin / 1000, "width": bands.width / 1000, "end": levels.end / 1000,
            "buckets": bands.low.shape[1], "names": [text_of(name, 120) for name in bands.names],
            "label_sets": bands.label_sets, "patience": _PATIENCE,
        }  # fmt: skip

    def _text_around(self) -> tuple[str, str]:
        """The rule's text, before its threshold and behind it."""
        number = 1234.5678
        while True:
            text = self._steps.text(number)
            parts = text.split(f"threshold: {number}")
            if len(parts) == 2:
                return f"{parts[0]}threshold: ", parts[1]
            number *= 3

    @property
    def _actions(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        return {"more": lambda _: self._simulate(
            sorted(range(self._count.size), key=lambda place: abs(place - self.step)), _AT_ONCE
        )}  # fmt: skip
