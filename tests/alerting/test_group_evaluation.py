"""A group's fold: many events at once, and the same events a few at a time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from onex_analytics.alerting import group_evaluation
from onex_analytics.alerting.evaluating import Evaluation
from onex_analytics.alerting.rules import RuleSet
from tests.alerting.arrivals import SCHEMA, frame_of, streams
from tests.alerting.test_evaluating import rule

RULES = RuleSet.model_validate({"groups": [{"name": "at each event", "allowed_lateness": "7s", "rules": [
    rule("Often", mode="event", **{"for": "3s", "keep_firing_for": "4s"}),
    rule("Anew", mode="event", reset_after_match=True),
    rule("Failures", 0, mode="event", where="outcome == 'failure'", by=[]),
]}]})  # fmt: skip


@pytest.mark.parametrize("in_order", [False, True])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(advances=False))
def test_closing_more_often_changes_nothing(monkeypatch, in_order, events):
    told = []
    for at_once in (1000, 3):
        monkeypatch.setattr(group_evaluation, "_AT_ONCE", at_once)
        evaluation = Evaluation(RULES, SCHEMA)
        take = evaluation.process_in_order if in_order else evaluation.process
        log = frame_of(sorted(events, key=lambda event: event.at or 0)) if in_order else frame_of(events)
        known = take(log)
        told.append((known.rows(), evaluation.set_aside.rows(), evaluation.counts))
    assert told[0] == told[1]
