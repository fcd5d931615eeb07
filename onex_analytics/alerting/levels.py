"""Firing levels: up to which threshold each label set of a rule fires, at every evaluation of a log.

Let v be the cell's value at an evaluation, m its least value since `for` ago and d its greatest since `keep_firing_for`
ago. With the threshold θ, an alert can begin where m > θ, and one that fires goes on while d > θ. So it fires exactly
where θ < f, with

    f(t) = max(m(t), min(f(t − 1), d(t)))

One pass gives f, and with it the firings of every threshold: one begins wherever f rises over θ and ends wherever f
falls to it. Where low values are bad the same holds of −v.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.alerting import level_kernels as kernels
from onex_analytics.alerting.cells import RuleRuns
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.feeding import AsOf, fed, utc, whole_times
from onex_analytics.alerting.group_evaluation import GroupEvaluation
from onex_analytics.alerting.lifecycle import Changes
from onex_analytics.alerting.microseconds import time_of
from onex_analytics.alerting.notification import Notifier, Page
from onex_analytics.alerting.rules import Group, Rule, RuleSet
from onex_analytics.alerting.shapes import TRANSITIONS
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS
from onex_analytics.progress import working

Int64 = NDArray[np.int64]
Float64 = NDArray[np.float64]

ORDERED = (">", ">=", "<", "<=")
"""Comparisons whose thresholds have an order, so that there is something to sweep."""
LASTS = np.iinfo(np.int64).max
"""When an alert resolves that lasts to the end of the log."""
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Placed:
    """A rule in the group and the file in which it stands."""

    rules: RuleSet
    group: Group
    rule: Rule

    def alone(self, *variants: Rule) -> RuleSet:
        """The file with nothing in it but variants of this rule."""
        group = self.group.model_copy(update={"rules": variants or (self.rule,)})
        return self.rules.model_copy(update={"groups": (group,)})


def placed(rule: Rule | RuleSet | str, rules: RuleSet | None = None) -> Placed:
    """The rule that is meant: one of its own, the only one of a file, or one of a file by its name.

    Raises:
        InvalidOption: it is not one rule.
    """
    if isinstance(rule, RuleSet):
        every = list(rule.rules)
        if len(every) != 1:
            raise InvalidOption("rule", f"{len(every)} rules", "one rule: name it, and give the file as rules=")
        return Placed(rule, *every[0])
    if isinstance(rule, str):
        if rules is None:
            raise InvalidOption("rule", rule, "a Rule; or its name, with the file that it is in as rules=")
        rule = rules.rule(rule)
    if rules is None:
        alone = Group(name=rule.alert, rules=(rule,))
        return Placed(RuleSet(groups=(alone,)), alone, rule)
    for group, held in rules.rules:
        if held == rule:
            return Placed(rules, group, held)
    raise InvalidOption("rule", rule.alert, "one of the file's rules as it stands there, or no rules=")


def require_order(group: Group, rule: Rule) -> None:
    """Refuse rules whose thresholds cannot be swept.

    Raises:
        InvalidOption: with what to do instead.
    """
    if rule.when.op not in ORDERED:
        wanted = f"one of {' '.join(ORDERED)}; thresholds of == and != have no order: compare with >= or < instead"
        raise InvalidOption("op", rule.when.op, wanted)
    if rule.reset_after_match:
        raise InvalidOption("reset_after_match", True, "false: it makes the values hang on the threshold; leave it out")
    if group.limit:
        wanted = "no limit: it ties the label sets together; leave it out of the group to sweep the rule"
        raise InvalidOption("limit", group.limit, wanted)


@dataclass(frozen=True, eq=False)
class Runs:
    """The values of a rule's cell on a log: runs of ticks with one value, label set by label set, in time."""

    bounds: Int64
    first: Int64          # tick
    last: Int64           # tick, inclusive
    value: Float64        # NaN: no data
    n: Int64              # events behind it
    labels: pl.Series
    interval: int         # of the ticks, in microseconds
    offset: int
    lateness: int
    begin: int            # time of the first evaluation
    end: int              # time up to which everything is known


def runs_of(
    placed: Placed, variants: Sequence[Rule], events: pl.LazyFrame | pl.DataFrame, as_of: AsOf = "event",
    until: datetime | str | None = None,
) -> list[Runs]:  # fmt: skip
    """The runs of variants of a rule, of one pass over the log; exactly those that a backtest judges."""
    named = [rule.model_copy(update={"alert": f"{number}"}) for number, rule in enumerate(variants)]
    log = whole_times(events.lazy())
    evaluation = Evaluation(placed.alone(*named), log.collect_schema())
    (group,) = evaluation.groups
    parts: list[list[tuple[NDArray[np.int32], RuleRuns]]] = [[] for _ in named]

    def keep(_: GroupEvaluation, runs: RuleRuns, changes: Changes) -> None:
        parts[runs.rule].append((np.repeat(runs.series, np.diff(runs.bounds)), runs))

    group.listener = keep
    process = evaluation.process_in_order if as_of == "event" else evaluation.process
    with working("following the log", "events") as tell:
        for slice_ in fed(log, evaluation.columns, as_of, tell=tell):
            if isinstance(slice_, pl.DataFrame):
                process(slice_)
    if until is not None:
        evaluation.advance(utc(until, "until"))
    first = group.fold.first_tick
    begin = 0 if first is None else group.fold.grid.time(first)
    end = begin if group.clock is None else max(group.clock, begin)
    return [_joined(group, of_rule, begin, end) for of_rule in parts]


def _joined(group: GroupEvaluation, parts: list[tuple[NDArray[np.int32], RuleRuns]], begin: int, end: int) -> Runs:
    series = np.concatenate([np.empty(0, np.int32), *(found for found, _ in parts)])
    columns = {
        name: np.concatenate([np.empty(0, kind), *(getattr(runs, name) for _, runs in parts)])
        for name, kind in (("first", np.int64), ("last", np.int64), ("value", np.float64), ("n", np.int64))
    }
    if len(parts) > 1:
        order = np.argsort(series, kind="stable")
        series, columns = series[order], {name: column[order] for name, column in columns.items()}
    starts = np.flatnonzero(np.diff(series, prepend=-1))
    labels = group.fold.series.labels(series[starts])
    return Runs(
        np.append(starts, series.size).astype(np.int64), **columns, labels=labels, interval=group.interval,
        offset=group.offset, lateness=group.lateness, begin=begin, end=end,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Levels:
    """The firing level of each label set as steps, label set by label set, in time; −∞ before the first step.

    Levels are scores: values, or their opposites where low values are bad. A row `k` is the step at which the level of
    `label_set[k]` goes from `before[k]` to `level[k]`, and stays there until `until[k]`.
    """

    label_set: Int64
    at: Int64
    until: Int64
    before: Float64
    level: Float64
    labels: pl.Series
    sign: float           # of a score: 1 where high values are bad, −1 where low ones are
    strict: bool          # fires above the threshold, and not at it
    lateness: int
    begin: int
    end: int
    about: Mapping[str, str] = field(default_factory=dict)  # of the rule

    @property
    def rises(self) -> NDArray[np.bool_]:
        """The steps at which an alert fires, at the thresholds between `before` and `level`."""
        return self.level > self.before

    def below(self, thresholds: Float64, levels: Float64) -> Int64:
        """How many of the thresholds (scores, ascending) fire at each of the levels: those before that place."""
        return np.searchsorted(thresholds, levels, "left" if self.strict else "right")

    def firings(self, threshold: float) -> tuple[Int64, Int64, Int64]:
        """The firings at one threshold: label set, when each fired and when it resolved (`LASTS` where it lasts)."""
        score = self.sign * threshold
        fires, fired = (f > score if self.strict else f >= score for f in (self.level, self.before))
        begins, ends = np.flatnonzero(fires & ~fired), np.flatnonzero(~fires & fired)
        resolved = np.full(begins.size, LASTS)
        after = np.searchsorted(ends, begins)
        has = after < ends.size
        has[has] = self.label_set[ends[after[has]]] == self.label_set[begins[has]]
        resolved[has] = self.at[ends[after[has]]]
        return self.label_set[begins], self.at[begins], resolved

    def transitions(self, group: str, rule: str, threshold: float) -> pl.DataFrame:
        """The changes to firing and resolved at one threshold, as `TRANSITIONS` in order; their values are left out."""
        label_set, fired, resolved = self.firings(threshold)
        over = resolved != LASTS
        at = np.concatenate([fired, resolved[over]])
        key = pl.col("labels").list.eval(pl.element().struct.field("value"))
        return pl.DataFrame({
            "group": pl.repeat(group, at.size, dtype=pl.String, eager=True),
            "rule": pl.repeat(rule, at.size, dtype=pl.String, eager=True),
            "labels": self.labels.gather(np.concatenate([label_set, label_set[over]])),
            "at": pl.Series(at).cast(UTC_MICROSECONDS),
            "state": pl.Series(["firing", "resolved"]).gather(np.repeat([0, 1], [fired.size, int(over.sum())])),
            "value": pl.repeat(None, at.size, dtype=pl.Float64, eager=True),
            "threshold": pl.repeat(threshold, at.size, dtype=pl.Float64, eager=True),
            "known_at": pl.Series(at + self.lateness).cast(UTC_MICROSECONDS),
        }).sort("known_at", key, maintain_order=True).select(TRANSITIONS.names())  # fmt: skip


def pages_of(rules: RuleSet, transitions: pl.DataFrame, end: int) -> list[Page]:
    """The pages that the rules would have made of transitions, known up to `end` (microseconds)."""
    notifier = Notifier(rules)
    notifier.observe_all(transitions)
    return notifier.advance(time_of(end))


def levels_of(runs: Runs, rule: Rule) -> Levels:
    """The firing levels of a rule with the values of `runs`; its threshold is not looked at."""
    when = rule.when
    sign = -1.0 if when.op in ("<", "<=") else 1.0
    score = runs.value * sign
    if when.min_count:
        score = np.where(runs.n < when.min_count, -np.inf, score)
    absent = np.isnan(runs.value)
    bounds, first, last = runs.bounds, runs.first, runs.last
    if when.no_data == "keep":  # such an evaluation changes nothing: it is as if there were none
        upto = np.concatenate([[0], np.cumsum(~absent)])
        bounds, first, last, score = upto[bounds], first[~absent], last[~absent], score[~absent]
    else:
        score = np.where(absent, np.inf if when.no_data == "alert" else -np.inf, score)
    hold, keep = (-(-(d // _MICROSECOND) // runs.interval) for d in (rule.for_, rule.keep_firing_for))
    longest = int(np.diff(bounds).max(initial=0)) + 1
    most = 3 * first.size + bounds.size
    low, high = np.empty(longest, np.int64), np.empty(longest, np.int64)
    label_set, tick, level = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    n = kernels.firing_levels(bounds, first, last, score, hold, keep, low, high, label_set, tick, level)
    label_set, level = label_set[:n].copy(), level[:n].copy()
    at = tick[:n] * runs.interval + runs.offset
    same = np.zeros(n, np.bool_)
    same[1:] = label_set[1:] == label_set[:-1]
    before, until = np.full(n, -np.inf), np.full(n, runs.end)
    before[1:][same[1:]] = level[:-1][same[1:]]
    until[:-1][same[1:]] = at[1:][same[1:]]
    return Levels(
        label_set, at, until, before, level, runs.labels, sign, when.op in ("<", ">"), runs.lateness, runs.begin,
        runs.end, rule.about,
    )  # fmt: skip


def label_texts(labels: pl.Series) -> Iterable[dict[str, str]]:
    """The labels of each label set, by name."""
    return ({label["name"]: label["value"] for label in found} for found in labels.to_list())
