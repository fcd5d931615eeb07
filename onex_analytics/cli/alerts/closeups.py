"""Values of a rule evaluation by evaluation, near one alert or one incident, as the figure of values takes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from onex_analytics.alerting.recording import label_key
from onex_analytics.alerting.scoring import agree
from onex_analytics.alerting.timelines import VALUES

if TYPE_CHECKING:
    from onex_analytics.alerting import Backtest, Explanation, Rule

_MOST = 6


def of_alert(told: Explanation, rule: Rule) -> pl.DataFrame:
    """`alerting.timelines.VALUES` of the evaluations that explain an alert."""
    return _values(told.evaluations.with_columns(labels=pl.lit(told.alert["labels"], VALUES["labels"])), rule)


def of_incident(result: Backtest, incident: Mapping[str, Any], rule: Rule, group: str) -> pl.DataFrame:
    """`alerting.timelines.VALUES` around an incident, of the label sets that can be about it, the worst six."""
    asked = dict(pair.values() for pair in incident["labels"])
    states = result.states(rule.alert, group).filter(
        pl.col("at").is_between(incident["start"] - 4 * result.lead, _end_of(incident, result) + 4 * result.lead)
    ).collect().with_columns(label_key())  # fmt: skip
    sets = states.unique("_key").select("_key", "labels").rows()
    names = result.label_names
    about = [key for key, labels in sets if agree(dict(pair.values() for pair in labels), asked, names)]
    worst = pl.col("value").min() if rule.when.op in ("<", "<=") else -pl.col("value").max()
    shown = (
        states.filter(pl.col("_key").is_in(about)).group_by("_key").agg(worst.alias("_worst"))
        .sort("_worst", "_key", nulls_last=True).head(_MOST)["_key"]
    )  # fmt: skip
    return _values(states.filter(pl.col("_key").is_in(shown.implode())), rule)


def _end_of(incident: Mapping[str, Any], result: Backtest) -> datetime:
    assert result.end is not None
    end: datetime = incident["end"] or result.end
    return end


def _values(states: pl.DataFrame, rule: Rule) -> pl.DataFrame:
    when = rule.when
    firing = pl.col("state") == "firing"
    counts = pl.when(pl.col("events") >= when.min_count).then("value")
    return (
        states.with_columns(label_key()).sort("_key", "at")
        .with_columns(
            rank=(pl.col("_key").rank("dense") - 1).cast(pl.Int64), label_sets=pl.lit(1),
            start=pl.col("at"), end=pl.col("at").shift(-1).over("_key"), low=counts, high=counts,
            firing=firing.cast(pl.Int64), op=pl.lit(when.op), threshold=pl.lit(float(when.threshold)),
            min_count=pl.lit(when.min_count),
        )
        .with_columns(pl.col("end").fill_null(pl.col("at")))
        .select(*VALUES).cast(VALUES)
    )  # fmt: skip
