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

ALERTS = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "pending": UTC_MICROSECONDS,             # when its condition was first met
    "fired": UTC_MICROSECONDS,               # null where it never fired
    "resolved": UTC_MICROSECONDS,            # when it ended; null where it lasts to the end of the log
    "known_at": UTC_MICROSECONDS,            # when anybody could know that it fired; null where it did not
    "state": pl.String(),                    # at the end: pending, firing, resolved (had fired), inactive (had not)
    "value": pl.Float64(),                   # where it fired, else where it began
    "peak": pl.Float64(),                    # the worst value while it was active: the highest, of < and <= the lowest
    "threshold": pl.Float64(),
    "events": pl.Int64(),                    # in the window at the evaluation of `value`, each counted once
})
"""One row an alert, from its first true evaluation on, ordered by that, group, rule and labels."""

STATES = pl.Schema({
    "at": UTC_MICROSECONDS,                  # the evaluation; of `mode: event`, the first of those that are all alike
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "state": pl.String(),                    # inactive, pending, firing
    "value": pl.Float64(),                   # null where there was no data
    "events": pl.Int64(),                    # in the window, each counted once
})
"""One row an evaluation of a label set, rule by rule, label set by label set, in the order of time."""

STRETCHES = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "first": UTC_MICROSECONDS,               # the first evaluation
    "last": UTC_MICROSECONDS,                # the last evaluation, inclusive
    "evaluations": pl.Int64(),
    "state": pl.String(),                    # inactive, pending, firing
    "value": pl.Float64(),                   # null where there was no data
    "events": pl.Int64(),                    # in the window, each counted once
})
"""One row a stretch of evaluations of one value and one state, rule by rule, label set by label set, in time."""

EVIDENCE = pl.Schema({
    "group": pl.String(),
    "rule": pl.String(),
    "labels": LABEL_SET,
    "at": UTC_MICROSECONDS,                  # of the transition
    "state": pl.String(),                    # of the transition
    "event_id": pl.String(),
    "timestamp": UTC_MICROSECONDS,
})
"""One row a transition and an event in its window, in the order of the transitions and of time."""
