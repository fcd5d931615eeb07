"""What there is to find, and which firings found it."""

from __future__ import annotations

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.targets import FOUND, OfFirings, OfIncidents
from tests.alerting.arrivals import Event, frame_of, when
from tests.alerting.test_evaluating import rule, rule_set
from tests.alerting.test_scoring import incident

BURST = [Event(f"{n}", 100, "a") for n in range(3)]
LOG = frame_of([*BURST, Event("late", 500, "a"), *(Event(f"b{n}", 900, "") for n in range(3)), Event("end", 1000, "c")])
RULES = rule_set(rule("Often", 2, "5m"), rule("Any", 0, "1h"))


def test_a_log_finds_its_own_firings_at_once_those_that_last_as_well():
    full = backtest(RULES, LOG)
    truth = OfFirings(full)
    found, right = truth.found(full)
    assert found.schema == FOUND
    assert found["_target"].sort().to_list() == list(range(full.alerts["fired"].count()))
    assert found["delay_s"].to_list() == [0.0] * found.height
    assert truth.targets["end"].null_count() > 0
    assert ("g", "Often", when(900), frozenset()) in right  # an empty label is told to nobody
    assert ("g", "Often", when(100), frozenset({("node", "a")})) in right


def test_an_incident_is_a_target_of_each_rule_and_of_all_together():
    full = backtest(RULES, LOG, [incident("i", 90, 400, node="a"), {**incident("d", 90, 99), "kind": "deploy"}])
    truth = OfIncidents(full)
    assert truth.targets.select("incident", "rule").rows() == [("i", None), ("i", "Often"), ("i", "Any")]
    assert truth.targets.filter(truth.whole)["rule"].to_list() == [None]
    found, right = truth.found(full)
    assert found.sort("_target").rows() == [(0, 10.0), (1, 10.0), (2, 10.0)]
    assert right == {("g", name, when(100), frozenset({("node", "a")})) for name in ("Often", "Any")}
