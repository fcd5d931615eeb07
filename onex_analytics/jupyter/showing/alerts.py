"""What rules did: backtests, and what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import polars as pl

from onex_analytics.jupyter.cards import Card, CardTable
from onex_analytics.views.tables import Column

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from onex_analytics.alerting import Backtest, Comparison, Explanation, Suggestion, WhatIfSampled
    from onex_analytics.alerting.scoring import Load

_ALERTS = (
    Column("rule", "rule", "word"), Column("labels", "labels"), Column("fired", "fired (UTC)", "time"),
    Column("resolved", "resolved (UTC)", "time"), Column("value", "value", "number"), Column("peak", "worst", "number"),
    Column("threshold", "threshold", "number"),
)  # fmt: skip
_SUMMARY = (
    Column("rule", "rule", "word"), Column("label_sets", "label sets", "count"), Column("firings", "firings", "count"),
    Column("firing_s", "firing for", "seconds"), Column("longest_s", "longest", "seconds"),
    Column("pages", "pages", "count"), Column("pages_per_day", "pages a day", "number"),
)  # fmt: skip
_LEFT_OUT = {
    "late": "events not counted, as their evaluations had been made when they came",
    "ahead": "events not counted, as they lie too far ahead of their arrival",
    "untimed": "events not counted, as they have no time",
    "skipped": "values not counted, as they are no numbers to add up",
    "over_series_limit": "label sets not evaluated, as there are more than a rule may have",
    "untracked": "events that a rule could not follow",
    "over_limit": "evaluations over the limit of alerts of their group, which dropped them all",
}


def backtest(result: Backtest) -> Card:
    """A summary by rule, the first alerts, and the timeline."""
    from onex_analytics.alerting.notification import wakes

    fired = result.alerts.filter(pl.col("fired").is_not_null())
    facts: dict[str, tuple[object, str]] = {
        "rules": (result.summary.height, "count"), "firings": (fired.height, "count"),
        "pages that wake": (result.pages.filter(wakes()).height, "count"),
        "first evaluation (UTC)": (result.begin, "time"), "known up to (UTC)": (result.end, "time"),
    }  # fmt: skip
    if result.incidents is not None:
        verdicts = result.verdicts["verdict"].to_list()
        judged = sum(verdict in ("caught", "missed") for verdict in verdicts)
        facts["incidents caught"] = (f"{verdicts.count('caught'):,} of {judged:,}", "text")
    return Card(
        "Backtest", facts=facts, left_out=_unseen(result), figure=lambda: _timeline(result),
        tables=(
            CardTable(".summary", result.summary.sort("firing_s", descending=True), _SUMMARY, "no rule",
                      "those that fired for the longest"),
            CardTable(".alerts, those that fired", fired, _ALERTS, "no alert fired", "the first"),
        ),
    )  # fmt: skip


def comparison(compared: Comparison) -> Card:
    """Rules whose firings changed, and incidents won and lost."""
    changed = pl.any_horizontal(
        pl.col(f"{what}_before").ne_missing(pl.col(f"{what}_after")) for what in ("firings", "pages", "firing_s")
    )
    moved = compared.rules.filter(changed | (pl.col("change") != "same"))
    new, gone = (compared.firings.filter(pl.col("change") == word).height for word in ("new", "gone"))
    facts: dict[str, tuple[object, str]] = {
        "rules": (compared.rules.height, "count"), "of them do otherwise": (moved.height, "count"),
        "firings that are new": (new, "count"), "firings that are gone": (gone, "count"),
    }  # fmt: skip
    if compared.incidents is not None:
        changes = compared.incidents["change"].to_list()
        facts |= {f"incidents {word}": (changes.count(word), "count") for word in ("won", "lost")}
    columns = (
        Column("rule", "rule", "word"), Column("change", "as written", "word"),
        Column("firings_before", "firings before", "count"), Column("firings_after", "after", "count"),
        Column("pages_before", "pages before", "count"), Column("pages_after", "after", "count"),
        Column("night_pages_before", "at night before", "count"), Column("night_pages_after", "after", "count"),
    )  # fmt: skip
    return Card(
        "Comparison of two rule files", facts=facts, figure=lambda: _before_after(compared),
        tables=(CardTable(".rules, those that do otherwise", moved, columns, "every rule does what it did"),),
        left_out=_unseen(compared.after),
    )  # fmt: skip


def explanation(told: Explanation) -> Card:
    """The evaluations around the moment when an alert fired, and the values beside the threshold."""
    alert = told.alert
    evaluations = told.evaluations
    at = evaluations["at"].search_sorted(alert["fired"] or alert["pending"])
    near = evaluations.slice(max(0, int(at) - 4), 9)
    columns = (
        Column("at", "evaluation (UTC)", "time"), Column("state", "state", "word"), Column("value", "value", "number"),
        Column("op", "", "word"), Column("threshold", "threshold", "number"), Column("holds", "holds", "flag"),
        Column("events", "events in the window", "count"),
    )  # fmt: skip
    return Card(
        f"Explanation of {alert['rule']}",
        facts={
            "labels": (alert["labels"], "text"), "pending (UTC)": (alert["pending"], "time"),
            "fired (UTC)": (alert["fired"], "time"), "resolved (UTC)": (alert["resolved"], "time"),
            "worst value": (alert["peak"], "number"), "evaluations": (evaluations.height, "count"),
            "events behind it": (told.events["event_id"].n_unique(), "count"),
        },
        tables=(
            CardTable(".evaluations", near, columns, order="around the moment it fired", rows=evaluations.height,
                      most=9),
            CardTable(".events", told.events,
                      (Column("event_id", "event", "code"), Column("timestamp", "time (UTC)", "time"),
                       Column("state", "in the window when", "word")), "no event", "the first", most=4),
        ),
        figure=lambda: _values(told),
    )  # fmt: skip


def suggestion(told: Suggestion) -> Card:
    """What became of each rule, how the rest of the log judges them, and the timeline."""
    choices = told.choices
    columns = (
        Column("rule", "rule", "word"), Column("kept", "kept", "flag"),
        Column("threshold_before", "threshold before", "number"), Column("threshold", "after", "number"),
        Column("firings", "firings", "count"), Column("true_firings", "of them true", "count"),
        Column("caught", "incidents caught", "count"),
    )  # fmt: skip
    scores = (
        Column("part", "part of the log", "word"), Column("precision", "precision", "share"),
        Column("recall", "recall", "share"), Column("caught", "caught", "count"),
        Column("incidents", "incidents", "count"), Column("pages_per_day", "pages a day", "number"),
        Column("random_recall", "recall of random alerts", "share"),
    )  # fmt: skip
    together = told.scores.filter(pl.col("group").is_null())
    dropped = choices.filter(~pl.col("kept")).height
    return Card(
        "Suggestion", lead=told.verdict,
        facts={"goal met": (told.met, "flag"), "rules kept": (choices.filter("kept").height, "count")},
        tables=(
            CardTable(".scores, all rules together", together, scores, "no part of the log"),
            CardTable(".choices", choices.sort("caught", descending=True, nulls_last=True), columns, "no rule",
                      "those that caught the most"),
        ),
        left_out=[f"{dropped:,} rules had no threshold that was worth its pages (.choices)"] * bool(dropped),
        figure=lambda: _timeline(told.backtest),
    )  # fmt: skip


def what_if_sampled(found: WhatIfSampled) -> Card:
    """How likely each incident is to be found, and how late."""
    together = found.detections.filter(pl.col("group").is_null())
    rows = together if together.height else found.detections
    shares = found.runs["kept_share"].drop_nulls()
    columns = (
        Column("incident", "incident", "word"), Column("labels", "labels"), Column("start", "start (UTC)", "time"),
        Column("probability", "found with probability", "share"), Column("full_delay_s", "delay, whole log", "seconds"),
        Column("delay_s_p50", "delay, half of the runs", "seconds"),
    )  # fmt: skip
    biased = found.rules.filter(pl.col("bias").is_not_null())["rule"].drop_nulls().to_list()
    return Card(
        "What if only a part were kept",
        facts={
            "runs": (found.runs.height, "count"), "events kept, on average": (shares.mean(), "share"),
            "firings on the whole log": (found.full.alerts["fired"].count(), "count"),
            "to be found": (rows.height, "count"),
        },
        tables=(CardTable(".detections", rows.sort("probability"), columns, "nothing was to be found",
                          "the likeliest to be missed"),),
        left_out=[f"not right even on average, as their values bend: {', '.join(biased)}"] * bool(biased),
        figure=lambda: _delays(found),
    )  # fmt: skip


def load(found: Load) -> Card:
    """How many pages a day people get."""
    form = {"night_share": "share", "weekend_share": "share"}
    facts = {name.replace("_", " "): (value, form.get(name, "number")) for name, value in vars(found).items()}
    return Card("Load of pages", facts=facts)


# ---------------------------------------------------------------------- figures


def _timeline(result: Backtest) -> go.Figure:
    from onex_analytics.views.alerting import timeline

    return timeline(result)


def _before_after(compared: Comparison) -> go.Figure:
    from onex_analytics.views.alerting import before_after

    return before_after(compared)


def _values(told: Explanation) -> go.Figure:
    """The evaluations as buckets from one to the next, as `value_against_threshold` takes them."""
    from onex_analytics.views.alerting import value_against_threshold

    rows: list[dict[str, Any]] = told.evaluations.head(2_000).to_dicts()
    ends = [later["at"] for _, later in pairwise(rows)] + ([rows[-1]["at"]] if rows else [])
    frame = pl.DataFrame([
        {"rank": 0, "labels": told.alert["labels"], "label_sets": 1, "start": row["at"], "end": end,
         "low": row["value"], "high": row["value"], "state": row["state"], "firing": int(row["state"] == "firing"),
         "op": row["op"], "threshold": row["threshold"], "min_count": 0}
        for row, end in zip(rows, ends, strict=True)
    ], infer_schema_length=None)  # fmt: skip
    return value_against_threshold(frame, told.alert["rule"])


def _delays(found: WhatIfSampled) -> go.Figure:
    from onex_analytics.views.alerting import timeline

    return timeline(found.full)


def _unseen(result: Backtest) -> list[str]:
    """What no evaluation counted, by reason and group."""
    return unseen(result.accounts)


def unseen(accounts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What rules did not count, by reason and group.

    >>> unseen({"nodes": {"events": 10, "late": 2, "untimed": 0}})
    ['events not counted, as their evaluations had been made when they came: 2 by group nodes']
    """
    told = []
    for name, words in _LEFT_OUT.items():
        by = [f"{account[name]:,} by group {group}" for group, account in accounts.items() if account.get(name)]
        told += [f"{words}: {', '.join(by)}"] * bool(by)
    return told
