"""Which rule found which incident, how soon, and when it was told: what `scoring` counts, incident by incident."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from onex_analytics.alerting.incidents import HARMLESS, UNJUDGED
from onex_analytics.alerting.notification import wakes
from onex_analytics.alerting.notification.pages import LabelSet, outgoing
from onex_analytics.alerting.shapes import LABEL_SET
from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.shapes import UTC_MICROSECONDS

if TYPE_CHECKING:
    from onex_analytics.alerting.backtesting import Backtest

INCIDENT_MATRIX = pl.Schema({
    "incident": pl.String(),
    "kind": pl.String(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # null while it lasts
    "labels": LABEL_SET,                     # of the incident
    "group": pl.String(),
    "rule": pl.String(),
    "firings": pl.Int64(),                   # of the rule that catch the incident; 0: it missed it
    "delay_s": pl.Float64(),                 # of the first of them; negative: before the incident's start; null: missed
    "rules": pl.Int64(),                     # that caught the incident, of all
})
"""One row an incident and a rule: incidents by start, rules as in the rule file."""

DELAYS = pl.Schema({
    "group": pl.String(),                    # null: all rules together, whichever tells first
    "rule": pl.String(),
    "delay_s": pl.Float64(),                 # of a first firing; negative: before the incident's start
    "caught": pl.Int64(),                    # incidents that were caught at this delay or sooner
    "incidents": pl.Int64(),                 # in all, those that were missed as well
    "share": pl.Float64(),                   # caught of incidents, above 0, up to 1; the last row's is the recall
})
"""One row a rule and a delay, all together first, then as in the rule file; a rule that caught nothing has none."""

VERDICTS = pl.Schema({
    "incident": pl.String(),
    "kind": pl.String(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # that of the log while it lasts
    "labels": LABEL_SET,
    "verdict": pl.String(),                  # caught, missed; not scored: harmless, unjudged, outside (of the log)
    "rules": pl.Int64(),                     # that caught it
    "delay_s": pl.Float64(),                 # until somebody could know of it; null where nobody could
})
"""One row an incident, harmless ones as well, by start."""

TELLINGS = pl.Schema({
    "incident": pl.String(),
    "kind": pl.String(),
    "start": UTC_MICROSECONDS,
    "end": UTC_MICROSECONDS,                 # that of the log while it lasts
    "delay_s": pl.Float64(),                 # until somebody could know of it; null where nobody could
    "told_s": pl.Float64(),                  # until a page named an alert that caught it; null where none did
    "in_time": pl.Boolean(),                 # such a page came before the incident was over
})
"""One row an incident that is scored, by start. A firing that ends before its group is told is caught, and not told."""

_BY = ("group", "rule")


def verdicts(result: Backtest) -> pl.DataFrame:
    """What became of each incident.

    Args:
        result: a backtest with incidents; reads its `matches`.

    Returns:
        `VERDICTS`.

    Raises:
        InvalidOption: the backtest was given no incidents.
    """
    if result.incidents is None:
        raise InvalidOption("incidents", None, "labelled incidents: backtest(rules, events, incidents)")
    found = result.matches.group_by("incident").agg(
        pl.struct(_BY).n_unique().alias("rules"), pl.col("delay_s").min()
    )  # fmt: skip
    incidents = result.incidents.rename({"id": "incident"})
    start, end, kind = pl.col("start"), pl.col("end"), pl.col("kind")
    holes = incidents.filter(kind.is_in(list(UNJUDGED)) & end.is_not_null())
    in_hole = incidents.join_where(
        holes.select(start.alias("_from"), end.alias("_to")), start >= pl.col("_from"), end <= pl.col("_to")
    )["incident"].unique().to_list()  # fmt: skip
    begin, last = (pl.lit(moment, UTC_MICROSECONDS) for moment in (result.begin, result.end))
    inside = start.is_between(begin, last) | ((start < begin) & (end.is_null() | (end > begin)))
    words = (
        pl.when(kind.is_in(list(UNJUDGED))).then(pl.lit("unjudged"))
        .when(kind.is_in(list(HARMLESS))).then(pl.lit("harmless"))
        .when(~inside.fill_null(False)).then(pl.lit("outside"))
        .when(pl.col("incident").is_in(in_hole)).then(pl.lit("unjudged"))
    )  # fmt: skip
    return (
        incidents.join(found, on="incident", how="left", maintain_order="left")
        .with_columns(
            pl.col("rules").fill_null(0),
            pl.coalesce("end", pl.max_horizontal("start", pl.lit(result.end, UTC_MICROSECONDS))).alias("end"),
            words.when(pl.col("rules") > 0).then(pl.lit("caught")).otherwise(pl.lit("missed")).alias("verdict"),
        )
        .select(*VERDICTS).cast(VERDICTS)
    )  # fmt: skip


def tellings(result: Backtest) -> pl.DataFrame:
    """When people heard of each incident: alerts wait for their group, and are silenced and inhibited.

    Args:
        result: a backtest with incidents; reads its `matches` and `pages`.

    Returns:
        `TELLINGS`.

    Raises:
        InvalidOption: the backtest was given no incidents.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> tellings(backtest(rules, log, rush)).select("incident", "delay_s", "told_s", "in_time").rows()
    [('rush', 240.0, 270.0, True)]
    """
    judged = verdicts(result).filter(pl.col("verdict").is_in(["caught", "missed"]))
    told = _first_pages(result)
    after = (pl.col("told") - pl.col("start")).dt.total_microseconds() / 1e6
    return (
        judged.join(told, on="incident", how="left", maintain_order="left")
        .with_columns(after.alias("told_s"), (pl.col("told") <= pl.col("end")).fill_null(False).alias("in_time"))
        .select(*TELLINGS).cast(TELLINGS)
    )  # fmt: skip


def _first_pages(result: Backtest) -> pl.DataFrame:
    """Of each incident, when the first page woke somebody with an alert that caught it."""
    named: dict[LabelSet, list[tuple[datetime, datetime]]] = {}
    for at, firing in result.pages.filter(wakes()).select("at", "firing").iter_rows():
        for alert in firing:
            labels = tuple((label["name"], label["value"]) for label in alert["labels"])
            named.setdefault(labels, []).append((alert["starts_at"], at))
    given = {(group.name, rule.alert): rule.labels for group, rule in result.rules.rules}
    found: dict[str, datetime] = {}
    columns = ("incident", "group", "rule", "labels", "fired")
    for incident, group, rule, labels, fired in result.matches.select(columns).iter_rows():
        pages = named.get(outgoing(rule, labels, given[group, rule]), ())
        for at in (at for begun, at in pages if begun <= fired <= at):
            found[incident] = min(at, found.get(incident, at))
    shape = {"incident": pl.String(), "told": UTC_MICROSECONDS}
    return pl.DataFrame({"incident": list(found), "told": list(found.values())}, schema=shape)


def incident_matrix(result: Backtest) -> pl.DataFrame:
    """Every incident beside every rule.

    Args:
        result: a backtest with incidents; reads its `matches`.

    Returns:
        `INCIDENT_MATRIX`: of the incidents that `scores` counts; harmless ones and such are left out.

    Raises:
        InvalidOption: the backtest was given no incidents.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> result = backtest(rules, log, rush)
    >>> incident_matrix(result).select("incident", "rule", "firings", "delay_s").rows()
    [('rush', 'Busy', 1, 240.0)]
    """
    if result.incidents is None:
        raise InvalidOption("incidents", None, "labelled incidents: backtest(rules, events, incidents)")
    judged = verdicts(result).filter(pl.col("verdict").is_in(["caught", "missed"]))["incident"]
    real = result.incidents.rename({"id": "incident"}).filter(pl.col("incident").is_in(judged.to_list()))
    found = result.matches.group_by("incident", *_BY).agg(pl.len().alias("firings"), pl.col("delay_s").min())
    return (
        real.join(result.summary.select(_BY), how="cross", maintain_order="left_right")
        .join(found, on=["incident", *_BY], how="left", maintain_order="left")
        .with_columns(pl.col("firings").fill_null(0))
        .with_columns((pl.col("firings") > 0).sum().over("incident").alias("rules"))
        .select(*INCIDENT_MATRIX).cast(INCIDENT_MATRIX)
    )  # fmt: skip


def delay_distribution(result: Backtest) -> pl.DataFrame:
    """How soon incidents were known of: the share that was caught at each delay or sooner, the missed ones counted.

    Args:
        result: a backtest with incidents; reads its `matches`.

    Returns:
        `DELAYS`: empty where nothing was caught.

    Raises:
        InvalidOption: the backtest was given no incidents.

    >>> from datetime import datetime, timedelta
    >>> from onex_analytics.alerting import backtest, load_rules
    >>> busy = "{alert: Busy, when: {count: {window: 5m}, threshold: 2}, for: 1m}"
    >>> rules = load_rules(f"groups: [{{name: g, rules: [{busy}]}}]")
    >>> start = datetime(2026, 11, 1, 10)
    >>> log = pl.DataFrame({"event_id": list("abcde"),
    ...                     "timestamp": [start + timedelta(minutes=m) for m in (1, 2, 3, 4, 30)]})
    >>> rush = [{"id": "rush", "start": start, "end": start + timedelta(minutes=10)}]
    >>> result = backtest(rules, log, rush)
    >>> delay_distribution(result).select("rule", "delay_s", "share").rows()
    [(None, 240.0, 1.0), ('Busy', 240.0, 1.0)]
    """
    matrix = incident_matrix(result)
    caught = matrix.filter(pl.col("firings") > 0)
    incidents = matrix["incident"].n_unique()
    nobody = pl.lit(None, pl.String)
    together = caught.group_by("incident").agg(pl.col("delay_s").min()).select(
        nobody.alias("group"), nobody.alias("rule"), "delay_s", pl.lit(-1).alias("_place")
    )  # fmt: skip
    places = result.summary.select(_BY).with_row_index("_place").with_columns(pl.col("_place").cast(pl.Int32))
    alone = caught.join(places, on=_BY).select(*_BY, "delay_s", "_place")
    return (
        pl.concat([together, alone])
        .group_by("_place", *_BY, "delay_s").agg(pl.len().alias("_at"))
        .sort("_place", "delay_s")
        .with_columns(pl.col("_at").cum_sum().over("_place").alias("caught"), pl.lit(incidents).alias("incidents"))
        .with_columns((pl.col("caught") / pl.col("incidents")).alias("share"))
        .select(*DELAYS).cast(DELAYS)
    )  # fmt: skip
