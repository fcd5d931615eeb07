"""Two rule files on one log: what is won, what is lost, and how the pages change. And one file on a shifted grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import polars as pl

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.incidents import HARMLESS, UNJUDGED
from onex_analytics.alerting.recording import label_key
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.scoring import at_night
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.alerting.summaries import pages_by_rule
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS

COMPARED_RULES = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "change": pl.String(),                   # added, removed, changed, same (as written)
    "firings_before": pl.Int64(),            # null where the rule is not there
    "firings_after": pl.Int64(),
    "pages_before": pl.Int64(),
    "pages_after": pl.Int64(),
    "night_pages_before": pl.Int64(),        # 22:00 to 06:00 in the time zone
    "night_pages_after": pl.Int64(),
    "firing_s_before": pl.Float64(),
    "firing_s_after": pl.Float64(),
})
"""One row a rule of either file: those of the new file in its order, then those that are gone."""

COMPARED_INCIDENTS = pl.Schema({
    "incident": pl.String(),
    "kind": pl.String(),
    "start": UTC_MICROSECONDS,
    "labels": LABEL_SET,
    "change": pl.String(),                   # won, lost, both, neither
    "delay_s_before": pl.Float64(),          # of the first firing; null where it was missed
    "delay_s_after": pl.Float64(),
})
"""One row an incident that can be caught, by start."""

COMPARED_FIRINGS = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "fired": UTC_MICROSECONDS,
    "resolved": UTC_MICROSECONDS,
    "change": pl.String(),                   # new, gone; both is told once, as it fires now
})
"""One row a firing, in time. Two firings of a rule and label set that overlap are one that both have."""

STABILITY = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "firings": pl.Int64(),
    "shifted_firings": pl.Int64(),
    "kept": pl.Int64(),                      # firings that overlap one on the shifted grid, give or take an interval
    "kept_share": pl.Float64(),              # of firings; null without one
})
"""One row a rule, in the order of the rule file."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two rule files on one log.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import compare_rules, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> compare_rules(rules, rules, log)
    Comparison(Backtest(1 rules, 1 firings, 1 pages) → Backtest(1 rules, 1 firings, 1 pages))
    """

    before: Backtest
    after: Backtest
    rules: pl.DataFrame
    """`COMPARED_RULES`."""
    firings: pl.DataFrame
    """`COMPARED_FIRINGS`."""
    incidents: pl.DataFrame | None
    """`COMPARED_INCIDENTS`, where incidents were given."""

    def __repr__(self) -> str:
        return f"Comparison({self.before!r} → {self.after!r})"

    def markdown(self) -> str:
        """Before and after as the comment of a pull request."""
        from onex_analytics.alerting.markdown import comparison_text

        return comparison_text(self)


def compare_rules(
    before: RuleSet, after: RuleSet, events: pl.LazyFrame | pl.DataFrame, incidents: Any = None, **options: Any
) -> Comparison:
    """What another rule file would have changed.

    Args:
        before: the rules as they are.
        after: the rules as they might be.
        events: the log.
        incidents: as `backtest` takes them; without them only firings and pages are compared.
        options: those of `backtest`, the same for both.

    Returns:
        Both backtests, and frames of rules, firings and incidents beside each other.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> stricter = load_rules(f"groups: [{{name: g, rules: [{busy.replace('2', '9')}]}}]")
    >>> both = compare_rules(rules, stricter, log, rush)
    >>> both.rules.select("rule", "change", "firings_before", "firings_after").rows()
    [('Busy', 'changed', 1, 0)]
    >>> both.incidents.select("incident", "change", "delay_s_before").rows()
    [('rush', 'lost', 240.0)]
    """
    one, other = (backtest(rules, events, incidents, **options) for rules in (before, after))
    return Comparison(
        one, other, rules=_rules(one, other), firings=_firings(one, other),
        incidents=None if one.incidents is None else _incidents(one, other),
    )


def stability(result: Backtest, shift: float = 0.5) -> pl.DataFrame:
    """How much of what fired hangs on where the ticks lie: the same rules on a grid that is shifted.

    Args:
        result: a backtest; its log is evaluated once more.
        shift: by how much, as a share of each group's interval.

    Returns:
        `STABILITY`: one row a rule. Rules of `mode: event` know no grid and are left out.

    Raises:
        InvalidOption: the shift is no share between 0 and 1.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> stability(backtest(rules, log)).select("rule", "firings", "kept").rows()
    [('Busy', 1, 1)]
    """
    if not 0 < shift < 1:
        raise InvalidOption("shift", shift, "a share of the interval between 0 and 1, such as 0.5")
    groups = tuple(
        group.model_copy(update={
            "offset": (group.offset + timedelta(microseconds=round(group.interval / timedelta(microseconds=1) * shift)))
            % group.interval
        })
        for group in result.rules.groups
    )  # fmt: skip
    shifted = result.again(result.rules.model_copy(update={"groups": groups}))
    rows = []
    for group, rule in result.rules.rules:
        if rule.mode == "event":
            continue
        mine = (pl.col("group") == group.name) & (pl.col("rule") == rule.alert) & pl.col("fired").is_not_null()
        ours, theirs = result.alerts.filter(mine), shifted.alerts.filter(mine)
        kept = _overlapping(ours, theirs, group.interval).sum()
        share = kept / ours.height if ours.height else None
        rows.append((group.name, rule.alert, ours.height, theirs.height, kept, share))
    return pl.DataFrame(rows, schema=STABILITY, orient="row")


def _overlapping(ours: pl.DataFrame, theirs: pl.DataFrame, slack: timedelta = timedelta()) -> pl.Series:
    """Whether each of our firings overlaps one of theirs of the same rule and label set."""
    end = pl.lit(None, UTC_MICROSECONDS).fill_null(pl.datetime(9999, 1, 1, time_zone="UTC"))
    by = ("group", "rule", "_key")
    mine = ours.select("group", "rule", label_key(), "fired", pl.col("resolved").fill_null(end)).with_row_index("_row")
    other = theirs.select("group", "rule", label_key(), pl.col("fired").alias("_from"),
                          pl.col("resolved").fill_null(end).alias("_to"))  # fmt: skip
    met = mine.join(other, on=by, how="inner").filter(
        (pl.col("fired") - slack <= pl.col("_to")) & (pl.col("_from") - slack <= pl.col("resolved"))
    )
    return mine.select(pl.col("_row").is_in(met["_row"].unique().to_list())).to_series()


def _firings(before: Backtest, after: Backtest) -> pl.DataFrame:
    fired = pl.col("fired").is_not_null()
    old, new = before.alerts.filter(fired), after.alerts.filter(fired)
    gone, kept = old.filter(~_overlapping(old, new)), _overlapping(new, old)
    words = pl.Series("change", ["both" if one else "new" for one in kept], dtype=pl.String)
    return pl.concat([
        new.with_columns(words).select(*COMPARED_FIRINGS),
        gone.with_columns(pl.lit("gone").alias("change")).select(*COMPARED_FIRINGS),
    ]).sort("fired", "group", "rule", "change")  # fmt: skip


def _rules(before: Backtest, after: Backtest) -> pl.DataFrame:
    written = [
        {(g.name, r.alert): (r, g.model_copy(update={"rules": ()})) for g, r in result.rules.rules}
        for result in (before, after)
    ]
    old, new = (_volume(result) for result in (before, after))
    rows = []
    for key in [*written[1], *(key for key in written[0] if key not in written[1])]:
        if key not in written[0]:
            change = "added"
        elif key not in written[1]:
            change = "removed"
        else:
            change = "same" if written[0][key] == written[1][key] else "changed"
        beside = [value for pair in zip(old.get(key, (None,) * 4), new.get(key, (None,) * 4), strict=True)
                  for value in pair]  # fmt: skip
        rows.append((*key, change, *beside))
    return pl.DataFrame(rows, schema=COMPARED_RULES, orient="row")


def _volume(result: Backtest) -> dict[tuple[str, str], tuple[Any, ...]]:
    """By rule: firings, pages, pages at night, seconds of firing."""
    at_nights = pages_by_rule(result.pages.filter(at_night(result.tz))).rename({"pages": "night"})
    found = result.summary.join(at_nights, on=["group", "rule"], how="left").with_columns(pl.col("night").fill_null(0))
    rows = found.select("group", "rule", "firings", "pages", "night", "firing_s").iter_rows()
    return {(group, rule): tuple(rest) for group, rule, *rest in rows}


def _incidents(before: Backtest, after: Backtest) -> pl.DataFrame:
    assert before.incidents is not None
    real = before.incidents.filter(~pl.col("kind").is_in([*HARMLESS, *UNJUDGED])).rename({"id": "incident"})
    for name, result in (("before", before), ("after", after)):
        delays = result.matches.group_by("incident").agg(pl.col("delay_s").min().alias(f"delay_s_{name}"))
        real = real.join(delays, on="incident", how="left", maintain_order="left")
    was, now = pl.col("delay_s_before").is_not_null(), pl.col("delay_s_after").is_not_null()
    change = (
        pl.when(was & now).then(pl.lit("both")).when(now).then(pl.lit("won")).when(was).then(pl.lit("lost"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip
    return real.with_columns(change.alias("change")).select(*COMPARED_INCIDENTS)
