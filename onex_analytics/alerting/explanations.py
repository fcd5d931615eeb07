"""Why an alert fired, evaluation by evaluation; and what would have caught an incident that was missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from onex_analytics.alerting.backtesting import Backtest
from onex_analytics.alerting.durations import duration_text
from onex_analytics.alerting.levels import ORDERED, Levels, Placed, Runs, label_texts, levels_of, runs_of
from onex_analytics.alerting.microseconds import microseconds_of, time_of
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.shapes import EVIDENCE, LABEL_SET, STATES
from onex_analytics.alerting.sweeps import Judge, rows_of, to_find, with_window
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS

EXPLAINED = pl.Schema({
    **{name: STATES[name] for name in ("at", "state", "value", "events")},
    "threshold": pl.Float64(),
    "op": pl.String(),                       # how the value is compared with the threshold
    "holds": pl.Boolean(),                   # the condition; null where the evaluation changes nothing
})
"""One row an evaluation, in the order of time."""

WHY_NOT = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "change": pl.String(),                   # none (it was caught), threshold, for, window, or nothing that would help
    "before": pl.String(),                   # as a rule file writes it
    "after": pl.String(),                    # the smallest change that catches it; null where there is none
    "labels": LABEL_SET,                     # of the first alert that would have caught it
    "fired": UTC_MICROSECONDS,               # when that would have fired
    "firings_before": pl.Int64(),            # of the rule on the whole log
    "firings_after": pl.Int64(),
})
"""One row a rule and a change, in the order of the rule file; threshold, for, window."""

_US = timedelta(microseconds=1)
_FACTORS = (0.5, 2.0, 0.25, 4.0, 0.1, 10.0)


@dataclass(frozen=True, eq=False)
class Explanation:
    """One alert: its evaluations, from when its condition was first met to its end, and the events behind it.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> told = explain(backtest(rules, log), 0)
    >>> told.alert["state"], told.evaluations.height
    ('resolved', 10)
    """

    alert: dict[str, Any]
    """The row of `Backtest.alerts`."""
    evaluations: pl.DataFrame
    """`EXPLAINED`."""
    events: pl.DataFrame
    """`EVIDENCE`: the events in the window when it began, fired and ended."""

    def __repr__(self) -> str:
        return f"Explanation({self.alert['rule']}, {self.evaluations.height} evaluations, {self.events.height} events)"


def explain(result: Backtest, alert: int | Mapping[str, Any], *, around: int = 3) -> Explanation:
    """Why an alert fired: what its rule saw at each evaluation, and the events.

    Args:
        result: a backtest. The log is read again.
        alert: a row of `result.alerts`, or its number.
        around: how many evaluations before and after are told as well.

    Returns:
        The alert, its evaluations and its events. A rule of `mode: event` is told stretch by stretch.

    Raises:
        InvalidOption: there is no such alert.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> told = explain(backtest(rules, log), 0, around=1)
    >>> told
    Explanation(Busy, 7 evaluations, 9 events)
    >>> told.evaluations.head(3).select(pl.col("at").dt.strftime("%H:%M"), "state", "value", "holds").rows()
    [('10:02', 'inactive', 2.0, False), ('10:03', 'pending', 3.0, True), ('10:04', 'firing', 4.0, True)]
    >>> told.events.filter(pl.col("state") == "firing")["event_id"].to_list()
    ['a', 'b', 'c', 'd']
    """
    if isinstance(alert, int):
        if not -result.alerts.height <= alert < result.alerts.height:
            raise InvalidOption("alert", alert, f"the number of one of the {result.alerts.height} alerts, from 0 on")
        alert = result.alerts.row(alert, named=True)
    rule = result.rules.rule(alert["rule"], alert["group"])
    mine = _same_labels(alert["labels"])
    stretches = result.stretches(alert["rule"], alert["group"]).filter(mine)
    if not stretches.height:
        raise InvalidOption("alert", str(dict(alert)), "a row of the backtest's alerts")
    over = alert["resolved"] or result.end
    if rule.mode == "event":
        rows = stretches.rename({"first": "at"})
    else:
        rows = result.states(alert["rule"], alert["group"]).filter(mine).collect()
    rows = rows.sort("at")
    first = (rows["at"] < alert["pending"]).sum()
    last = (rows["at"] <= over).sum()
    rows = rows.slice(max(0, first - around), last - first + around + min(around, first))
    when = rule.when
    value = pl.col("value")
    compared = {
        ">": value > when.threshold, ">=": value >= when.threshold, "<": value < when.threshold,
        "<=": value <= when.threshold, "==": value == when.threshold, "!=": value != when.threshold,
    }[when.op]  # fmt: skip
    without = {"ok": False, "keep": None, "alert": True}[when.no_data]
    enough = pl.col("events") >= when.min_count if when.min_count else pl.lit(True)
    told = rows.with_columns(
        threshold=pl.lit(when.threshold), op=pl.lit(when.op),
        holds=pl.when(value.is_null()).then(pl.lit(without, pl.Boolean)).otherwise(compared & enough),
    ).select(*EXPLAINED).cast(EXPLAINED)  # fmt: skip
    steps = result.transitions.filter(
        (pl.col("rule") == alert["rule"]) & (pl.col("group") == alert["group"]) & mine
        & (pl.col("at") >= alert["pending"]) & (pl.col("at") <= over)
    )  # fmt: skip
    return Explanation(dict(alert), told, result.evidence_of(steps).select(*EVIDENCE))


def why_not(result: Backtest, incident: str, *, rule: str | None = None) -> pl.DataFrame:
    """What would have caught an incident: for each rule the smallest change of its threshold, its `for`, its window.

    Each is changed alone. Every threshold is tried at once, and so is every `for`; of windows, a half, a quarter and a
    tenth of the rule's, and twice, four and ten times of it, where they are whole milliseconds.

    Args:
        result: a backtest with incidents. The log is read again, rule by rule.
        incident: its id.
        rule: only this rule.

    Returns:
        `WHY_NOT`: one row a rule and kind of change. A rule that caught it has one row, with the change "none".

    Raises:
        InvalidOption: no such incident, or none at all.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 3}, for: 2m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> missed = backtest(rules, log, rush)
    >>> why_not(missed, "rush").select("change", "before", "after", "firings_after").rows()
    [('threshold', '3', '2.0', 1), ('for', '2m', '1m', 1), ('window', '5m', '10m', 1)]
    """
    if result.incidents is None:
        raise InvalidOption("incidents", None, "labelled incidents: backtest(rules, events, incidents)")
    one = result.incidents.filter(pl.col("id") == incident)
    if not one.height:
        raise InvalidOption("incident", incident, "one of " + ", ".join(result.incidents["id"].head(20)))
    rows = []
    for group, held in result.rules.rules:
        if rule is None or held.alert == rule:
            rows += _Tried(result, Placed(result.rules, group, held), one).rows()
    return pl.DataFrame(rows, schema=WHY_NOT, orient="row")


class _Tried:
    """One rule, and what becomes of an incident when it is changed."""

    def __init__(self, result: Backtest, here: Placed, incident: pl.DataFrame) -> None:
        self._result, self._here, self._incident = result, here, incident

    def rows(self) -> list[tuple[Any, ...]]:
        rule = self._here.rule
        able = rule.when.op in ORDERED and not rule.reset_after_match
        if not able:
            return [self._row("nothing", None, None, None)]
        runs = self._runs([rule])[0]
        levels = levels_of(runs, rule)
        caught = self._caught(levels, rule.when.threshold)
        before = levels.firings(rule.when.threshold)[0].size
        if caught is not None:
            return [self._row("none", None, None, (*caught, before), before)]
        rows = [self._threshold(levels, before)]
        shorter = self._for(runs)
        rows.append(self._row("for", duration_text(rule.for_), *shorter, before))
        rows.append(self._row("window", *self._window(), before))
        return rows

    def _runs(self, rules: list[Rule]) -> list[Runs]:
        feed = self._result._feed
        return runs_of(self._here, rules, feed.events, feed.as_of, feed.until)

    def _caught(self, levels: Levels, threshold: float) -> tuple[Any, datetime] | None:
        """The first firing that catches it: its labels and its time."""
        label_set, fired, _ = levels.firings(threshold)
        judge = self._judge(levels)
        agreed = judge.agreeing(next(iter(label_texts(self._incident["labels"]))))
        start, end = self._incident["start"][0], self._incident["end"][0]
        begin = microseconds_of(start - self._result.lead)
        over = np.iinfo(np.int64).max if end is None else microseconds_of(end)
        hits = np.flatnonzero((fired >= begin) & (fired <= over) & agreed[label_set])
        if not hits.size:
            return None
        first = hits[np.argmin(fired[hits])]
        return levels.labels[int(label_set[first])].to_list(), time_of(int(fired[first]))

    def _judge(self, levels: Levels) -> Judge:
        some = to_find(self._incident, time_of(levels.begin), time_of(levels.end))
        return Judge(levels, some, self._result.lead, self._result.label_names)

    def _threshold(self, levels: Levels, before: int) -> tuple[Any, ...]:
        rule = self._here.rule
        was = rule.when.threshold
        every = rows_of(levels, None, self._judge(levels)).filter(pl.col("caught") > 0)
        if not every.height:
            return self._row("threshold", f"{was:g}", None, None, before)
        distance = (pl.col("threshold") - was).abs()
        nearest = float(every.sort(distance)["threshold"][0])
        caught = self._caught(levels, nearest)
        assert caught is not None
        firings = levels.firings(nearest)[0].size
        return self._row("threshold", f"{was:g}", repr(nearest), (*caught, firings), before)

    def _for(self, runs: Runs) -> tuple[str | None, tuple[Any, ...] | None]:
        """The longest shorter `for` that catches it: found by halving, since a shorter one fires earlier."""
        rule = self._here.rule
        interval = runs.interval * _US
        ticks = -(-rule.for_ // interval)
        low, high, found = 0, ticks - 1, None
        while low <= high:
            middle = (low + high) // 2
            changed = rule.model_copy(update={"for_": middle * interval})
            levels = levels_of(runs, changed)
            caught = self._caught(levels, rule.when.threshold)
            if caught is None:
                high = middle - 1
            else:
                low = middle + 1
                firings = levels.firings(rule.when.threshold)[0].size
                found = duration_text(changed.for_), (*caught, firings)
        return (None, None) if found is None else found

    def _window(self) -> tuple[str | None, str | None, tuple[Any, ...] | None]:
        rule = self._here.rule
        own: timedelta | None = getattr(rule.when.cell, "window", None)
        if own is None:
            return None, None, None
        lengths = [own * factor for factor in _FACTORS]
        lengths = [length for length in lengths if length >= 1000 * _US and not length % (1000 * _US)]
        variants = [with_window(rule, length) for length in lengths]
        for length, variant, runs in zip(lengths, variants, self._runs(variants), strict=True):
            levels = levels_of(runs, variant)
            caught = self._caught(levels, rule.when.threshold)
            if caught is not None:
                firings = levels.firings(rule.when.threshold)[0].size
                return duration_text(own), duration_text(length), (*caught, firings)
        return duration_text(own), None, None

    def _row(
        self, change: str, before: str | None, after: str | None, found: tuple[Any, ...] | None,
        firings_before: int | None = None,
    ) -> tuple[Any, ...]:  # fmt: skip
        labels, fired, firings = (None, None, None) if found is None else found
        return (self._here.group.name, self._here.rule.alert, change, before, after, labels, fired, firings_before,
                firings)  # fmt: skip


def _same_labels(labels: list[dict[str, str]]) -> pl.Expr:
    values = "\x00".join(label["value"] for label in labels)
    return pl.col("labels").list.eval(pl.element().struct.field("value")).list.join("\x00") == values
