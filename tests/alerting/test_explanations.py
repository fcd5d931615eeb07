"""Why an alert fired, and what would have caught what none caught."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import Backtest, backtest
from onex_analytics.alerting.explanations import explain, why_not
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import when
from tests.alerting.test_evidence import random_log

LOG = random_log(3)


def run(incidents: pl.DataFrame | None = None, **rule: object) -> Backtest:
    given = {"alert": "A", "by": ["node"], "when": {"count": {"of": "outcome == 'failure'", "window": "5m"}}, **rule}
    when_ = dict(given["when"], op=">", threshold=given.pop("threshold", 5))  # type: ignore[call-overload]
    file = {"groups": [{"name": "g", "interval": "1m", "rules": [{**given, "when": when_}]}]}
    return backtest(RuleSet.model_validate(file), LOG, incidents)


def incident(start: float, end: float) -> pl.DataFrame:
    return pl.DataFrame({"id": ["i"], "start": [when(start)], "end": [when(end)]})


@pytest.mark.parametrize("number", [0, 1, -1])
def test_an_alert_fires_in_the_first_evaluation_at_which_its_condition_has_held_for_long_enough(number):
    result = run(**{"for": "2m"})
    told = explain(result, number)
    at = told.evaluations.filter(pl.col("holds") & (pl.col("at") >= told.alert["pending"]))
    assert at["at"][0] == told.alert["pending"]
    if told.alert["fired"] is not None:
        waited = told.evaluations.filter(pl.col("at").is_between(told.alert["pending"], told.alert["fired"]))
        assert waited["holds"].all()
        assert told.alert["fired"] - told.alert["pending"] == timedelta(minutes=2)
    assert (told.evaluations["holds"] == (told.evaluations["value"] > 5)).all()


def test_the_events_of_an_explanation_are_the_failures_in_the_windows_of_its_changes():
    told = explain(run(), 0)
    began = told.events.filter(pl.col("state") == "firing")
    window = LOG.filter(
        (pl.col("outcome") == "failure") & (pl.col("node") == told.alert["labels"][0]["value"])
        & (pl.col("timestamp") > told.alert["fired"] - timedelta(minutes=5))
        & (pl.col("timestamp") <= told.alert["fired"])
    )  # fmt: skip
    assert set(began["event_id"]) == set(window["event_id"])


def test_there_is_no_explanation_of_an_alert_that_is_not_there():
    with pytest.raises(InvalidOption, match="the number of one of the"):
        explain(run(), 10_000)


def test_the_threshold_that_why_not_names_catches_and_the_rule_as_it_was_does_not():
    some = incident(2_000, 3_000)
    missed = run(some, threshold=50)
    assert missed.alerts.height == 0
    found = {row["change"]: row for row in why_not(missed, "i").to_dicts()}
    after = float(found["threshold"]["after"])
    caught = run(some, threshold=after)
    in_time = pl.col("fired").is_between(when(2_000) - timedelta(minutes=15), when(3_000))
    assert caught.alerts.filter(in_time).height > 0
    # the smallest change: the next higher count would have caught nothing
    assert run(some, threshold=after + 1).alerts.filter(in_time).height == 0
    assert found["threshold"]["firings_after"] == caught.alerts["fired"].drop_nulls().len()


def test_of_an_incident_that_was_caught_there_is_nothing_to_change():
    found = why_not(run(incident(2_000, 3_000), threshold=0), "i")
    assert found["change"].to_list() == ["none"]


def test_why_not_wants_an_incident_that_is_there():
    with pytest.raises(InvalidOption):
        why_not(run(incident(0, 10)), "another")
    with pytest.raises(InvalidOption):
        why_not(run(), "i")
