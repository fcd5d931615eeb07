"""One row a rule: what it did on a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import polars as pl

from onex_analytics.alerting.group_evaluation import GroupEvaluation
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.recording import AlertRecord, label_key

SUMMARY = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "label_sets": pl.Int64(),                # evaluated
    "evaluations": pl.Int64(),               # of label sets; null of `mode: event`, whose every microsecond is one
    "alerts": pl.Int64(),                    # began
    "firings": pl.Int64(),
    "firing_label_sets": pl.Int64(),         # fired at least once
    "flaps": pl.Int64(),                     # firings within `FLAP` after the end of the label set's last one
    "firing_s": pl.Float64(),                # seconds of firing, all label sets together, up to the end of the log
    "longest_s": pl.Float64(),               # the longest firing; null without one
    "pages": pl.Int64(),                     # that wake somebody and tell that one of its alerts fires
    "pages_per_day": pl.Float64(),           # over the time that was evaluated; null where there was none
    "over_limit": pl.Int64(),                # evaluations at which the group's limit dropped everything
    "biased": pl.Boolean(),                  # sampled events, and a kind whose value sampling bends
})
"""One row a rule, in the order of the rule file."""

FLAP = timedelta(minutes=30)


def summary(
    groups: Sequence[GroupEvaluation], records: Mapping[GroupEvaluation, AlertRecord], alerts: pl.DataFrame,
    pages: pl.DataFrame, begin: datetime | None, end: datetime | None,
) -> pl.DataFrame:  # fmt: skip
    """`SUMMARY` of what the groups came to."""
    rows = []
    for part in groups:
        label_sets = np.bincount(part.fold.series.rule, minlength=len(part.group.rules))
        for place in part.fold.rules:
            rule = part.group.rules[place]
            evaluations = int(records[part].evaluations[place]) if part.mode == "grid" else None
            over = part.over_limit.get(rule.alert, 0)
            biased = place in part.fold.biased
            rows.append(((part.number, place), part.group.name, rule.alert, int(label_sets[place]), evaluations, over,
                         biased))  # fmt: skip
    rows.sort(key=lambda row: row[0])
    first = {name: SUMMARY[name] for name in ("group", "rule", "label_sets", "evaluations", "over_limit", "biased")}
    rules = pl.DataFrame([row[1:] for row in rows], schema=first, orient="row")
    return with_alerts(rules, alerts, pages, begin, end)


def with_alerts(
    rules: pl.DataFrame, alerts: pl.DataFrame, pages: pl.DataFrame, begin: datetime | None, end: datetime | None
) -> pl.DataFrame:
    """`SUMMARY`: what is known of each rule (`group`, `rule`, `label_sets`, `evaluations`, `over_limit`, `biased`), and
    what these alerts and pages of [begin, end) come to."""
    days = (end - begin) / timedelta(days=1) if begin is not None and end is not None else 0.0
    found = (
        rules.join(_fired(alerts, end), on=["group", "rule"], how="left", maintain_order="left")
        .join(pages_by_rule(pages), on=["group", "rule"], how="left", maintain_order="left")
        .with_columns(pl.col("alerts", "firings", "firing_label_sets", "flaps", "firing_s", "pages").fill_null(0))
    )
    per_day = (pl.col("pages") / days) if days > 0 else pl.lit(None, pl.Float64)
    return found.with_columns(per_day.alias("pages_per_day")).select(*SUMMARY).cast(SUMMARY)


def _fired(alerts: pl.DataFrame, end: datetime | None) -> pl.DataFrame:
    fired = pl.col("fired").is_not_null()
    lasting = (pl.col("resolved").fill_null(pl.lit(end)) - pl.col("fired")).dt.total_microseconds() / 1e6
    before = pl.col("resolved").shift(1).over("group", "rule", "_key", order_by="pending")
    found = alerts.with_columns(label_key(), lasting.alias("_s")).filter(fired)
    return found.with_columns((pl.col("fired") - before < FLAP).alias("_flap")).group_by("group", "rule").agg(
        pl.len().alias("firings"), pl.col("_key").n_unique().alias("firing_label_sets"),
        pl.col("_flap").fill_null(False).sum().alias("flaps"), pl.col("_s").sum().alias("firing_s"),
        pl.col("_s").max().alias("longest_s"),
    ).join(alerts.group_by("group", "rule").len("alerts"), on=["group", "rule"], how="full", coalesce=True)  # fmt: skip


def pages_by_rule(pages: pl.DataFrame) -> pl.DataFrame:
    """How many pages wake somebody and tell that an alert of the rule fires: `group`, `rule`, `pages`."""
    alert = pl.col("alert").struct
    return (
        pages.filter(wakes()).with_row_index("_page").select("_page", pl.col("firing").alias("alert"))
        .explode("alert", empty_as_null=False).select("_page", alert.field("group"), alert.field("rule"))
        .unique().group_by("group", "rule").agg(pl.len().cast(pl.Int64).alias("pages"))
    )  # fmt: skip
