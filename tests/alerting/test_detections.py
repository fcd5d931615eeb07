"""Incident by incident: who found it, how soon, and that the scores count the same."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting import delay_distribution, incident_matrix
from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.detections import DELAYS, INCIDENT_MATRIX, TELLINGS, VERDICTS, tellings, verdicts
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.scoring import matches, scores
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import when
from tests.alerting.test_scoring import DAY, incident, result_of


def backtest_of(firings, incidents, **more):
    result = result_of(firings, incidents, **more)
    result.matches = matches(result)
    return result


FIRINGS = [("A", "a", 100.0, 200.0), ("B", "a", 400.0, 500.0), ("B", "b", 5000.0, None)]
INCIDENTS = [
    incident("both", 50, 450, node="a"), incident("never", 2000, 3000, node="a"), incident("lasts", 4000, None),
    incident("before the log", -5 * DAY, -4 * DAY), incident("after it", 20 * DAY, 21 * DAY),
    incident("unseen", 8010, 8020, node="a"),
    incident("hole", 8000, 9000) | {"kind": "coverage_hole"}, incident("v2", 100, 110) | {"kind": "deploy"},
]  # fmt: skip


def test_each_incident_has_its_verdict():
    found = verdicts(backtest_of(FIRINGS, INCIDENTS))
    assert found.schema == VERDICTS
    assert dict(found.select("incident", "verdict").iter_rows()) == {
        "before the log": "outside", "both": "caught", "v2": "harmless", "never": "missed", "lasts": "caught",
        "hole": "unjudged", "unseen": "unjudged", "after it": "outside",
    }  # fmt: skip
    assert found.filter(incident="both").select("rules", "delay_s").row(0) == (2, 55.0)


def test_one_that_lasts_ends_with_the_log():
    result = backtest_of(FIRINGS, INCIDENTS)
    assert verdicts(result).filter(incident="lasts")["end"].item() == result.end


def test_every_incident_stands_beside_every_rule():
    found = incident_matrix(backtest_of(FIRINGS, INCIDENTS))
    assert found.schema == INCIDENT_MATRIX
    assert found.select("incident", "rule", "firings", "delay_s", "rules").rows() == [
        ("both", "A", 1, 55.0, 2), ("both", "B", 1, 355.0, 2), ("never", "A", 0, None, 0), ("never", "B", 0, None, 0),
        ("lasts", "A", 0, None, 1), ("lasts", "B", 1, 1005.0, 1),
    ]  # fmt: skip


def test_the_matrix_counts_what_the_scores_count():
    result = backtest_of(FIRINGS, INCIDENTS)
    total = scores(result).tail(1).to_dicts()[0]
    found = incident_matrix(result)
    assert found["incident"].n_unique() == total["incidents"]
    assert found.filter(found["rules"] > 0)["incident"].n_unique() == total["caught"]


def test_delays_rise_to_the_recall_and_all_rules_together_are_the_soonest():
    result = backtest_of(FIRINGS, INCIDENTS)
    found = delay_distribution(result)
    assert found.schema == DELAYS
    assert found.select("rule", "delay_s", "caught", "incidents").rows() == [
        (None, 55.0, 1, 3), (None, 1005.0, 2, 3), ("A", 55.0, 1, 3), ("B", 355.0, 1, 3), ("B", 1005.0, 2, 3),
    ]  # fmt: skip
    assert found["share"].to_list() == pytest.approx([1 / 3, 2 / 3, 1 / 3, 1 / 3, 2 / 3])


def test_incidents_of_the_same_delay_are_one_step():
    told = [incident("x", 0, 300, node="a"), incident("y", 0, 300, node="a")]
    assert delay_distribution(backtest_of(FIRINGS[:1], told))["caught"].to_list() == [2, 2]


def test_without_incidents_there_is_nothing_to_detect():
    result = backtest_of(FIRINGS, INCIDENTS)
    result.incidents = None
    for asked in (verdicts, tellings, incident_matrix, delay_distribution):
        with pytest.raises(InvalidOption, match="labelled incidents"):
            asked(result)


# ---------------------------------------------------------------------- when it was told


def grouped(**route: str) -> RuleSet:
    """Two rules, of which one calls attention to failures in a, the other in b; told in one group."""
    rules = [
        {"alert": "A", "by": ["node"], "when": {"count": {"window": "1m"}, "threshold": 1}, "labels": {"team": "x"}},
        {"alert": "B", "by": ["node"], "when": {"count": {"window": "1m"}, "threshold": 50}},
    ]
    told = {"route": {"receiver": "default", "group_by": ["team"], "repeat_interval": "1d", **route}}
    return RuleSet.model_validate({"groups": [{"name": "g", "rules": rules}], "notification": told})


def bursts(*of: tuple[str, int]) -> pl.DataFrame:
    """Three events of a node in the minute; the log goes on for two hours."""
    rows = [(node, 60.0 * minute + second) for node, minute in of for second in (1, 2, 3)]
    rows += [("calm", 60.0 * minute) for minute in range(120)]
    rows.sort(key=lambda row: row[1])
    return pl.DataFrame({
        "event_id": [str(n) for n in range(len(rows))], "timestamp": [when(at) for _, at in rows],
        "node": [node for node, _ in rows],
    })  # fmt: skip


def test_an_incident_is_told_when_its_group_is_looked_at_and_not_when_it_is_known():
    told = [incident("first", 600, 700, node="a"), incident("second", 720, 4000, node="b")]
    log = bursts(("a", 10), *(("b", minute) for minute in range(12, 60)))
    result = backtest(grouped(group_wait="30s", group_interval="30m"), log, told)
    assert result.tellings.schema == TELLINGS
    assert result.tellings.select("incident", "delay_s", "told_s", "in_time").rows() == [
        ("first", 60.0, 90.0, True), ("second", 60.0, 1770.0, True),
    ]  # fmt: skip


def test_what_ends_before_its_group_is_looked_at_again_was_caught_and_never_told():
    told = [incident("first", 600, 700, node="a"), incident("second", 720, 800, node="b")]
    result = backtest(grouped(group_wait="30s", group_interval="30m"), bursts(("a", 10), ("b", 12)), told)
    assert result.verdicts["verdict"].to_list() == ["caught", "caught"]
    assert result.tellings.select("told_s", "in_time").rows() == [(90.0, True), (None, False)]


def test_one_that_is_told_after_it_is_over_is_not_told_in_time():
    result = backtest(grouped(group_wait="10m"), bursts(*(("a", m) for m in range(10, 40))), [
        incident("short", 600, 900, node="a"), incident("missed", 100, 200, node="c"),
        incident("v2", 600, 700, node="a") | {"kind": "deploy"},
    ])  # fmt: skip
    found = result.tellings.select("incident", "told_s", "in_time").rows()
    assert found == [("missed", None, False), ("short", 660.0, False)]
