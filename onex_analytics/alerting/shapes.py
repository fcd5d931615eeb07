"""The shapes of what rules come to: every column and its type, written once."""

from __future__ import annotations

import polars as pl

from onex_analytics.model.shapes import UTC_MICROSECONDS

LABEL_SET = pl.List(pl.Struct({"name": pl.String(), "value": pl.String()}))
"""The labels of `by`, sorted by name; an empty list where `by` is empty."""

TRANSITIONS = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "at": UTC_MICROSECONDS,                  # the time of the evaluation
    "state": pl.String(),                    # pending, firing, resolved (was firing), inactive (was pending)
    "value": pl.Float64(),                   # of the cell at that evaluation; null where there was no data
    "threshold": pl.Float64(),               # what the value is compared with
    "known_at": UTC_MICROSECONDS,            # when the tick could close: `at` and the group's allowed lateness
})
"""One row a change of state, in the order of `known_at`, group, rule and labels."""

SET_ASIDE = pl.Schema({
    "group": pl.String(),
    "mode": pl.String(),                     # of the rules that did not see it: grid, event
    "event_id": pl.String(),
    "timestamp": UTC_MICROSECONDS,
    "reason": pl.String(),                   # a word of `ASIDE_REASONS`
})
"""One row an event that a group's rules did not see."""

ASIDE_REASONS = {
    "late": "its evaluations had been made when it arrived; a longer allowed_lateness waits for it",
    "ahead": "its time lies more than max_ahead after its arrival",
    "untimed": "it has no time",
}
"""Why rules did not see an event, word by word."""
