"""General rules come from what a log holds, and from nothing that we know of the fleet."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.catalogue import INHIBITIONS, SYMPTOM, catalogue, group_of, meaning
from onex_analytics.alerting.routing import Matcher
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
    return {family.first.alert: family for family in catalogue(log.lazy(), hours)}


def test_each_symptom_has_a_rule():
    found = rules_of(calm())
    assert {rule.first.labels[SYMPTOM] for rule in found.values()} == {
        "failures", "slowness", "hanging", "restarts", "silence"
    }  # fmt: skip
    assert "FailuresOfLargePayloadBytes" in found


def test_all_of_them_stand_in_one_file_that_runs_and_are_silent_while_all_is_well():
    families = catalogue(calm().lazy(), WEEK_H)
    file = RuleSet(groups=(group_of([rule for family in families for rule in family.rules]),))
    again = RuleSet.model_validate(file.model_dump(by_alias=True))
    assert again == file
    quiet = backtest(file, calm())
    fired = quiet.alerts.filter(pl.col("fired").is_not_null())["rule"].unique().to_list()
    assert set(fired) <= {"FailuresOfACode"}  # a count, whose threshold is not yet tuned


def test_a_node_that_falls_silent_while_the_other_goes_on_is_noticed():
    families = catalogue(calm().lazy(), WEEK_H)
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
    for family in catalogue(log.lazy(), WEEK_H):
        backtest(RuleSet(groups=(group_of(family.rules),)), log)  # MissingColumns, if one read it


def test_a_log_without_events_has_the_rules_that_need_no_history():
    assert {family.first.labels[SYMPTOM] for family in catalogue(calm().clear().lazy(), 0)} == {
        "hanging", "restarts"
    }  # fmt: skip


def test_too_few_events_of_a_node_show_nothing_by_their_absence():
    seldom = pl.int_range(pl.len()) % 1000 == 0
    rare = calm().with_columns(pl.when(seldom).then(pl.lit("c")).otherwise("node").alias("node"))
    silence = rules_of(rare)["Silent_b"]
    assert "Silent_c" not in [rule.alert for rule in silence.rules]


def test_a_node_of_few_events_is_watched_over_more_hours():
    often = pl.int_range(pl.len()) % 48 == 0  # fifteen events an hour
    thin = calm().with_columns(pl.when(often).then(pl.lit("c")).otherwise("node").alias("node"))
    watched = {rule.labels["node"]: rule.when.cell for rule in rules_of(thin)["Silent_b"].rules}
    hours = {node: cell.cells["own"].window / timedelta(hours=1) for node, cell in watched.items()}
    assert hours == {"b": 2, "it's a": 2, "c": 4}


def test_few_failures_with_codes_that_never_were_before_are_noticed_whatever_form_the_codes_have():
    found = rules_of(with_codes(["E1"] * 9))
    row = pl.int_range(pl.len())
    broken = calm().with_columns(
        pl.when(row.is_in([9000, 9002, 9004])).then(pl.lit("failure")).otherwise("outcome").alias("outcome"),
        pl.when(row == 9002).then(pl.lit("NEW")).when(row.is_in([9000, 9004])).then(pl.lit("NEW_LONG"))
        .otherwise("error_code").alias("error_code"), error_type=pl.lit("TypeError"),
    )  # fmt: skip
    rule = found["UnseenCodes"].first
    assert rule.by == ("error_type",)
    alerts = backtest(RuleSet(groups=(group_of([rule]),)), broken).alerts.filter(pl.col("fired").is_not_null())
    assert alerts.select("labels", "fired").rows() == [
        ([{"name": "error_type", "value": "TypeError"}], when(45_060.0))
    ]  # fmt: skip
    assert "error_code not in ('E1')" in rule.when.cell.of.text


def with_codes(codes: list[str], *, kind: bool = True) -> pl.DataFrame:
    """Failures with these codes, one a day, of one operation each."""
    rows = pl.DataFrame({
        "event_id": [f"f{n}" for n in range(len(codes))], "timestamp": [when(86_400.0 * n) for n in range(len(codes))],
        "node": "a", "correlation_id": [f"f{n}" for n in range(len(codes))], "outcome": "failure", "error_code": codes,
    })  # fmt: skip
    return rows.with_columns(error_type=pl.lit("TypeError")) if kind else rows


def test_what_a_day_alone_brought_says_how_many_unseen_failures_prove_nothing():
    once = ["E1", "E1", *(f"odd {n}" for n in range(5))]
    log = with_codes(once).with_columns(pl.col("timestamp").clip(upper_bound=when(2 * 86_400.0)))
    assert rules_of(log)["UnseenCodes"].first.when.threshold == 5  # the third day brought five
    again = pl.concat([log, log.with_columns(pl.concat_str("event_id", pl.lit("again")).alias("event_id"))])
    assert rules_of(again)["UnseenCodes"].first.when.threshold == 5  # of the same operations
    assert rules_of(with_codes(["E1"] * 9))["UnseenCodes"].first.when.threshold == 2


def test_without_types_of_errors_each_unseen_code_is_told_alone():
    assert rules_of(with_codes(["E1", "E2"], kind=False))["UnseenCodes"].first.by == ("error_code",)


def test_who_hears_of_an_unseen_code_does_not_hear_of_many_failures_as_well():
    (inhibition,) = INHIBITIONS
    labels = {name: {**family.first.labels, "alertname": name} for name, family in rules_of(calm()).items()}

    def matching(matchers: tuple[Matcher, ...]) -> set[str]:
        return {name for name, told in labels.items() if all(one.matches(told) for one in matchers)}

    assert matching(inhibition.source_matchers) == {"UnseenCodes"}
    lesser = {"FailuresAboveUsual", "FailuresOfLargePayloadBytes", "FailuresOfACode"}
    assert matching(inhibition.target_matchers) == lesser


def test_more_codes_than_a_filter_can_hold_are_known_as_far_as_it_goes():
    log = with_codes(["often", "often", *(f"{n:0300}" for n in range(300))])
    known = rules_of(log)["UnseenCodes"].first.when.cell.of.text
    assert "'often'" in known and len(known) < 65_536


@pytest.mark.parametrize("other", [{"where": "node == 'b'"}, {"by": ["node"]}, {"when": {"window": "2h"}}])
def test_rules_that_ask_different_things_mean_different_things(other):
    when = {"count": {"of": "outcome == 'failure'", "window": "1h"}, "threshold": 3}
    rule = Rule.model_validate({"alert": "A", "when": when})
    stricter = Rule.model_validate({"alert": "B", "when": {**when, "threshold": 9}, "for": "5m"})
    assert meaning(stricter) == meaning(rule)
    changed = {**other, "when": {**when, "count": {**when["count"], **other.get("when", {})}}}
    assert meaning(Rule.model_validate({"alert": "A", **changed})) != meaning(rule)
