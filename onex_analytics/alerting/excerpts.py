"""A part of a backtest: the alerts and pages of a time range, and of some nodes or other labels.

The rules were evaluated over the whole log, as the live engine had evaluated them by then: a window that reaches back
before the range holds what was there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

import polars as pl

from onex_analytics.alerting.backtesting import Backtest
from onex_analytics.alerting.summaries import SUMMARY, with_alerts

_OF_RULE = ("group", "rule", "label_sets", "evaluations", "over_limit", "biased")


def excerpt(
    result: Backtest, since: datetime | None = None, until: datetime | None = None,
    about: Mapping[str, Collection[str]] | None = None,
) -> Backtest:  # fmt: skip
    """What a backtest found in [since, until), as anybody knew it before `until`.

    Args:
        result: a backtest.
        since: alerts that had ended before, and earlier pages, are left out; one that goes on is there whole.
        until: later alerts and pages are left out; what lasted until then has no end yet.
        about: label → values: alerts that have this label with another value are left out. One without it stays.

    Returns:
        The backtest with fewer `alerts`, `transitions` and `pages`, and a `summary` that counts those; `label_sets`,
        `evaluations` and `over_limit` of it stay those of the whole log. Incidents that lie outside are left out.

    >>> from datetime import timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> result = backtest(rules, log)
    >>> excerpt(result, until=result.alerts["resolved"][0])
    Backtest(1 rules, 1 firings, 1 pages)
    >>> excerpt(result, since=result.alerts["resolved"][0])
    Backtest(1 rules, 0 firings, 0 pages)
    """
    alerts, transitions, pages, incidents = result.alerts, result.transitions, result.pages, result.incidents
    begin, end = result.begin, result.end
    if until is not None:
        bound = pl.lit(until, alerts.schema["pending"])
        ended = pl.col("resolved") < bound
        state = pl.when(pl.col("fired") < bound).then(pl.lit("firing")).otherwise(pl.lit("pending"))
        alerts = alerts.filter(pl.col("pending") < bound).with_columns(
            pl.when(ended).then("state").otherwise(state).alias("state"),
            *(pl.when(pl.col(name) < bound).then(name).alias(name) for name in ("resolved", "known_at", "fired")),
        )
        transitions, pages = (frame.filter(pl.col("at") < bound) for frame in (transitions, pages))
        incidents = None if incidents is None else incidents.filter(pl.col("start") < bound)
        end = min(end, until) if end is not None else None
    if since is not None:
        bound = pl.lit(since, alerts.schema["pending"])
        alerts = alerts.filter((pl.col("resolved") > bound).fill_null(True))
        transitions, pages = (frame.filter(pl.col("at") >= bound) for frame in (transitions, pages))
        incidents = None if incidents is None else incidents.filter((pl.col("end") > bound).fill_null(True))
        begin = max(begin, since) if begin is not None else None
    if begin is not None and end is not None and begin > end:
        begin = end
    for name, values in (about or {}).items():
        alerts, transitions = (frame.filter(_is_about("labels", name, values)) for frame in (alerts, transitions))
        pages = _pages_about(pages, name, values)
    rules = result.summary.select(_OF_RULE)
    summary = with_alerts(rules, alerts, pages, begin, end).select(*SUMMARY)
    return replace(result, alerts=alerts, transitions=transitions, pages=pages, summary=summary, begin=begin, end=end,
                   incidents=incidents)  # fmt: skip


def _is_about(labels: str, name: str, values: Collection[str]) -> pl.Expr:
    """False where a label of this name has another value."""
    label = pl.element().struct
    other = (label.field("name") == name) & ~label.field("value").fill_null("").is_in(list(values))
    return ~pl.col(labels).list.eval(other).list.any().fill_null(False)


def _pages_about(pages: pl.DataFrame, name: str, values: Collection[str]) -> pl.DataFrame:
    """Pages that tell of an alert that may be about one of the values."""
    told = pages.with_row_index("_page")
    alerts = pl.concat(
        told.select("_page", pl.col(kind).alias("alert")).explode("alert", empty_as_null=False)
        for kind in ("firing", "resolved")
    ).select("_page", pl.col("alert").struct.field("labels"))
    kept = alerts.filter(_is_about("labels", name, values)).select("_page").unique()
    return told.join(kept, on="_page", how="semi", maintain_order="left").drop("_page")
