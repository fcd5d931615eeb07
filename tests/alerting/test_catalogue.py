"""General rules come from what a log holds, and from nothing that we know of the fleet."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.catalogue import SYMPTOM, catalogue, group_of, meaning
from onex_analytics.alerting.loading import presets
from onex_analytics.alerting.rules import Rule, RuleSet
from tests.alerting.arrivals import when

WEEK_H = 24.0


def calm(hours: float = WEEK_H) -> pl.DataFrame:
    """Two nodes that end an operation every ten seconds, of which one in fifty fails."""
    n = int(hours * 360)
    return pl.DataFrame({
        "event_id": [f"{k:06}" for k in range(2 * n)],
        "timestamp": [when(10.0 * (k // 2)) for k in range(2 * n)],
        "node": ["it's a", "b"] * n,
        "operation": ["run", None] * n,
        "outcome": ["failure" if k % 50 == 0 else "success" for k in range(2 * n)],
        "error_code": ["E1" if k % 50 == 0 else None for k in range(2 * n)],
        "execution_time_ms": [float(k % 100) for k in range(2 * n)],
        "event_type": ["NODE_SUCCESS"] * 2 * n,
        "correlation_id": [f"{k}" for k in range(2 * n)],
        "payload_bytes": [k % 1000 for k in range(2 * n)],
    })  # fmt: skip


def rules_of(log: pl.DataFrame, hours: float = WEEK_H) -> dict[str, object]:
    return {family.first.alert: family for family in catalogue(log.lazy(), hours, timedelta(hours=6))}


def test_each_symptom_has_a_rule():
    found = rules_of(calm())
    assert {rule.first.labels[SYMPTOM] for rule in found.values()} == {
        "failures", "slowness", "hanging", "restarts", "silence"
    }  # fmt: skip
    assert {"FailuresOfLargePayloadBytes", "SlowOfLargePayloadBytes"} <= found.keys()


def test_all_of_them_stand_in_one_file_that_runs_and_are_silent_while_all_is_well():
    families = catalogue(calm().lazy(), WEEK_H, timedelta(hours=6))
    file = RuleSet(groups=(group_of([rule for family in families for rule in family.rules]),))
    again = RuleSet.model_validate(file.model_dump(by_alias=True))
    assert again == file
    quiet = backtest(file, calm())
    fired = quiet.alerts.filter(pl.col("fired").is_not_null())["rule"].unique().to_list()
    assert set(fired) <= {"FailuresOfACode", "FailuresOfACodeInANode"}  # counts, whose thresholds are not yet tuned


def test_a_node_that_falls_silent_while_the_other_goes_on_is_noticed():
    families = catalogue(calm().lazy(), WEEK_H, timedelta(hours=6))
    (silence,) = [family for family in families if family.first.labels[SYMPTOM] == "silence"]
    assert [rule.alert for rule in silence.rules] == ["Silent_b", "Silent_it's a"]
    file = RuleSet(groups=(group_of(silence.rules),))
    gone = calm().filter((pl.col("node") != "it's a") | (pl.col("timestamp") < when(12 * 3600)))
    fired = backtest(file, gone).alerts.filter(pl.col("fired").is_not_null())
    assert fired["rule"].to_list() == ["Silent_it's a"]
    night = calm().filter((pl.col("timestamp") < when(8 * 3600)) | (pl.col("timestamp") > when(16 * 3600)))
    assert backtest(file, night).alerts["fired"].count() == 0  # all of them are silent at night


@pytest.mark.parametrize("column", ["node", "outcome", "error_code", "execution_time_ms", "event_type", "operation",
                                    "correlation_id"])
def test_what_the_log_does_not_hold_has_no_rule(column):
    log = calm().drop(column)
    for family in catalogue(log.lazy(), WEEK_H, timedelta(hours=6)):
        backtest(RuleSet(groups=(group_of(family.rules),)), log)  # MissingColumns, if one read it


def test_a_log_without_events_has_the_rules_that_need_no_history():
    assert {family.first.labels[SYMPTOM] for family in catalogue(calm().clear().lazy(), 0, timedelta(hours=1))} == {
        "hanging", "restarts"
    }  # fmt: skip


def test_too_few_events_of_a_node_show_nothing_by_their_absence():
    seldom = pl.int_range(pl.len()) % 1000 == 0
    rare = calm().with_columns(pl.when(seldom).then(pl.lit("c")).otherwise("node").alias("node"))
    silence = rules_of(rare)["Silent_b"]
    assert "Silent_c" not in [rule.alert for rule in silence.rules]


def test_a_new_code_means_the_same_however_long_codes_are_learnt_and_the_presets_ask_for_it_already():
    ours = rules_of(calm())["NewErrorCodes"].first
    assert meaning(ours) == meaning(presets().rule("NewErrorCode"))


@pytest.mark.parametrize("other", [{"where": "node == 'b'"}, {"by": ["node"]}, {"when": {"window": "2h"}}])
def test_rules_that_ask_different_things_mean_different_things(other):
    when = {"count": {"of": "outcome == 'failure'", "window": "1h"}, "threshold": 3}
    rule = Rule.model_validate({"alert": "A", "when": when})
    stricter = Rule.model_validate({"alert": "B", "when": {**when, "threshold": 9}, "for": "5m"})
    assert meaning(stricter) == meaning(rule)
    changed = {**other, "when": {**when, "count": {**when["count"], **other.get("when", {})}}}
    assert meaning(Rule.model_validate({"alert": "A", **changed})) != meaning(rule)
