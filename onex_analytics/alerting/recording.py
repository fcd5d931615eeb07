"""What a backtest keeps of the runs as they go by: alerts with their worst value, and stretches where asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import recording_kernels as kernels
from onex_analytics.alerting.cells import RuleRuns
from onex_analytics.alerting.group_evaluation import GroupEvaluation
from onex_analytics.alerting.lifecycle import STATES, Changes
from onex_analytics.alerting.lifecycle_kernels import FIRING, INACTIVE, PENDING
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.shapes import ALERTS, STRETCHES
from onex_analytics.model.shapes import UTC_MICROSECONDS

_WORDS = pl.Series([STATES[code] for code in sorted(STATES)])
_LOW_IS_BAD = ("<", "<=")


@dataclass(frozen=True)
class _InOrder:
    """Changes of one rule by label set and time, and where each label set's lie."""

    changes: Changes
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def _in_order(runs: RuleRuns, changes: Changes) -> _InOrder:
    order = np.lexsort((changes.tick, changes.series))
    found = Changes(changes.series[order], changes.run[order], changes.tick[order], changes.state[order])
    low = np.searchsorted(found.series, runs.series, "left").astype(np.int64)
    return _InOrder(found, low, np.searchsorted(found.series, runs.series, "right").astype(np.int64))


class AlertRecord:
    """The alerts of one group, as its runs go by."""

    def __init__(self, group: GroupEvaluation) -> None:
        self._group = group
        self._active, self._peak = np.zeros(0, np.int8), np.zeros(0)
        self._changes: list[pl.DataFrame] = []
        self.evaluations = np.zeros(len(group.group.rules), np.int64)
        """By rule: its evaluations of label sets."""

    def __call__(self, group: GroupEvaluation, runs: RuleRuns, changes: Changes) -> None:
        self.evaluations[runs.rule] += int((runs.last - runs.first + 1).sum())
        if (more := len(group.fold.series) - self._active.size) > 0:
            self._active = np.append(self._active, np.zeros(more, np.int8))
            self._peak = np.append(self._peak, np.full(more, np.nan))
        rule: Rule = group.group.rules[runs.rule]
        ordered = _in_order(runs, changes)
        its = ordered.changes
        found = np.full(its.run.size, np.nan)
        kernels.peaks(
            runs.series, runs.bounds, runs.first, runs.value, ordered.low, ordered.high, its.run, its.tick, its.state,
            -1.0 if rule.when.op in _LOW_IS_BAD else 1.0, self._active, self._peak, found,
        )
        if its.run.size:
            self._changes.append(pl.DataFrame({
                "_rule": np.full(its.run.size, runs.rule, np.int32), "series": its.series,
                "at": its.tick * group.interval + group.offset, "code": its.state,
                "value": runs.value[its.run], "events": runs.n[its.run], "peak": found,
            }))

    def alerts(self, known_before: int) -> pl.DataFrame:
        """The alerts, as far as their transitions are known before that time."""
        empty = {"_rule": pl.Int32, "series": pl.Int32, "at": pl.Int64, "code": pl.Int8, "value": pl.Float64,
                 "events": pl.Int64, "peak": pl.Float64}  # fmt: skip
        rows = pl.concat([pl.DataFrame(schema=empty), *self._changes])
        rows = rows.filter(pl.col("at") + self._group.lateness < known_before).sort("series", "at")
        code = pl.col("code")
        begins = (code == PENDING) | ((code == FIRING) & (code.shift(1).over("series").fill_null(INACTIVE) != PENDING))
        ends = ~code.is_in([PENDING, FIRING])
        fires, at = code == FIRING, pl.col("at")
        found = rows.with_columns(begins.cum_sum().alias("alert")).group_by("alert", maintain_order=True).agg(
            pl.col("_rule").first(), pl.col("series").first(),
            at.first().alias("pending"), at.filter(fires).first().alias("fired"),
            at.filter(ends).first().alias("resolved"), code.last(),
            pl.coalesce(pl.col("value").filter(fires).first(), pl.col("value").first()).alias("value"),
            pl.coalesce(pl.col("events").filter(fires).first(), pl.col("events").first()).alias("events"),
            pl.col("peak").last(),
        )  # fmt: skip
        rules, series = self._group.group.rules, found["series"].to_numpy()
        so_far = pl.Series(self._peak[series] if series.size else np.zeros(0))
        return found.with_columns(
            group=pl.lit(self._group.group.name),
            rule=pl.Series([rule.alert for rule in rules], dtype=pl.String).gather(found["_rule"]),
            labels=self._group.fold.series.labels(series),
            known_at=pl.col("fired") + self._group.lateness,
            state=_WORDS.gather(found["code"]),
            threshold=pl.Series([rule.when.threshold for rule in rules], dtype=pl.Float64).gather(found["_rule"]),
            peak=pl.when(pl.col("resolved").is_null()).then(so_far).otherwise("peak").fill_nan(None),
            value=pl.col("value").fill_nan(None),
        ).with_columns(
            pl.col("pending", "fired", "resolved", "known_at").cast(UTC_MICROSECONDS)
        ).select(*ALERTS, "_rule")  # fmt: skip


class StretchRecord:
    """Stretches of one value and one state, of the rules that are wanted."""

    def __init__(self, group: GroupEvaluation, wanted: Callable[[Rule], bool]) -> None:
        self._wanted = [wanted(rule) for rule in group.group.rules]
        self._group = group
        self._state = np.zeros(0, np.int8)
        self._parts: list[pl.DataFrame] = []

    def __call__(self, group: GroupEvaluation, runs: RuleRuns, changes: Changes) -> None:
        if not self._wanted[runs.rule]:
            return
        if (more := len(group.fold.series) - self._state.size) > 0:
            self._state = np.append(self._state, np.zeros(more, np.int8))
        ordered = _in_order(runs, changes)
        its, most = ordered.changes, runs.first.size + changes.run.size
        series, run, state = np.empty(most, np.int32), np.empty(most, np.int64), np.empty(most, np.int8)
        first, last = np.empty(most, np.int64), np.empty(most, np.int64)
        n = kernels.stretches(
            runs.series, runs.bounds, runs.first, runs.last, ordered.low, ordered.high, its.run, its.tick, its.state,
            self._state, series, run, first, last, state,
        )
        self._parts.append(pl.DataFrame({
            "_rule": np.full(n, runs.rule, np.int32), "series": series[:n], "first": first[:n], "last": last[:n],
            "state": state[:n], "value": runs.value[run[:n]], "events": runs.n[run[:n]],
        }))

    def stretches(self) -> pl.DataFrame:
        """All of them; those beside each other that are alike are one, however the log was sliced."""
        empty = {"_rule": pl.Int32, "series": pl.Int32, "first": pl.Int64, "last": pl.Int64, "state": pl.Int8,
                 "value": pl.Float64, "events": pl.Int64}  # fmt: skip
        rows = pl.concat([pl.DataFrame(schema=empty), *self._parts]).sort("_rule", "series", "first")
        same = ("series", "state", "value", "events")
        new = ~pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift(1)) for name in same)
        joined = rows.with_columns(new.cum_sum().alias("stretch")).group_by("stretch", maintain_order=True).agg(
            pl.col("_rule", "series", "first", "state", "value", "events").first(), pl.col("last").last()
        )  # fmt: skip
        group, interval, offset = self._group, self._group.interval, self._group.offset
        times = [(pl.col(name) * interval + offset).cast(UTC_MICROSECONDS) for name in ("first", "last")]
        return joined.with_columns(
            group=pl.lit(group.group.name),
            rule=pl.Series([rule.alert for rule in group.group.rules], dtype=pl.String).gather(joined["_rule"]),
            labels=group.fold.series.labels(joined["series"].to_numpy()),
            evaluations=pl.col("last") - pl.col("first") + 1,
            state=_WORDS.gather(joined["state"]),
            value=pl.col("value").fill_nan(None),
        ).with_columns(*times, label_values()).sort("_rule", "_key", "first").select(*STRETCHES)  # fmt: skip


def label_values() -> pl.Expr:
    """The values of `labels`, to sort and to join by, as `_key`."""
    return pl.col("labels").list.eval(pl.element().struct.field("value")).alias("_key")


def label_key() -> pl.Expr:
    """The values of `labels` as one text, to join by, as `_key`."""
    return pl.col("labels").list.eval(pl.element().struct.field("value")).list.join("\x00").alias("_key")
