"""A function a pattern: the seed's engine."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onex_analytics.alerting.event_alerting import EventAlertingEngine
from onex_analytics.alerting.filters import Filter
from onex_analytics.alerting.rules import Group, Rule
from onex_analytics.exceptions import InputError, InvalidOption
from onex_analytics.model import OnexEvent
from tests.alerting.test_engine import after


def an_event(event_type="NODE_FAILURE", node="a", second=0.0, **metadata):
    time = after(second)
    return OnexEvent(event_type=event_type, node_id=node, event_id=f"{second}", timestamp=time, metadata=metadata)


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("NODE_FAILURE", ["NODE_FAILURE"]),
        ("TELEMETRY_*_ERROR", ["TELEMETRY_OPERATION_ERROR"]),
        ("*", ["NODE_FAILURE", "TELEMETRY_OPERATION_ERROR", "NODE_START"]),
        ("outcome == 'failure' and family == 'node'", ["NODE_FAILURE"]),
        (Filter("event_type like 'NODE_*'"), ["NODE_FAILURE", "NODE_START"]),
    ],
)
def test_a_pattern_is_a_glob_of_types_or_a_filter(pattern, matching):
    engine, got = EventAlertingEngine(), []
    engine.add_alert_rule(pattern, lambda event: got.append(event.event_type))
    events = [an_event(name) for name in ("NODE_FAILURE", "TELEMETRY_OPERATION_ERROR", "NODE_START")]
    assert engine.process(events) == len(matching)
    assert got == matching


def test_a_code_is_found_where_only_the_message_holds_it():
    engine, got = EventAlertingEngine(), []
    engine.add_alert_rule("error_code starts_with 'ONEX_SYS_9'", got.append)
    assert engine.process_event(an_event(error="[ONEX_SYS_900_OUT_OF_MEMORY] no memory")) == 1
    assert engine.process_event(an_event(error="[ONEX_CORE_021_FILE_NOT_FOUND] no file")) == 0
    assert len(got) == 1


def test_an_action_that_raises_is_told_and_keeps_the_others_from_nothing():
    problems, got = [], []
    engine = EventAlertingEngine(failed=lambda pattern, problem: problems.append((pattern, problem)))
    engine.add_alert_rule("NODE_*", lambda event: 1 / 0)
    engine.add_alert_rule("NODE_*", got.append)
    assert engine.process_event(an_event()) == 2
    assert len(got) == 1
    assert [type(problem) for _, problem in problems] == [ZeroDivisionError]
    assert engine.counts == {"events": 1, "matches": 2, "failed": 1}


def a_rule(name="Often"):
    condition = {"count": {"window": "1m"}, "op": ">=", "threshold": 3}
    return Rule.model_validate({"alert": name, "by": ["node"], "when": condition, "mode": "event"})


def test_a_rule_calls_its_action_when_its_alert_begins():
    engine, got = EventAlertingEngine(Group(name="g", interval=timedelta(seconds=10))), []
    engine.add_alert_rule(a_rule(), lambda alert: got.append((dict(alert.labels)["node"], alert.value)))
    called = [engine.process_event(an_event(node=node, second=i)) for i, node in enumerate("aabaab")]
    assert engine.advance(after(200)) == 0
    assert got == [("a", 3.0)]
    assert sum(called) == 1


@pytest.mark.parametrize("pattern", ["", "node ==", "__import__('os')", "no_such column"])
def test_what_is_neither_glob_nor_filter_is_refused(pattern):
    with pytest.raises(InputError):
        EventAlertingEngine().add_alert_rule(pattern, print)


def test_an_action_that_cannot_be_called_and_rules_of_one_name_are_refused():
    engine = EventAlertingEngine()
    with pytest.raises(InvalidOption, match="a function of one argument"):
        engine.add_alert_rule("*", "mail me")
    engine.add_alert_rule(a_rule(), print)
    with pytest.raises(InvalidOption, match="another name"):
        engine.add_alert_rule(a_rule().model_copy(update={"by": ()}), print)
    engine.process_event(an_event())
    with pytest.raises(InvalidOption, match="before the first event"):
        engine.add_alert_rule(a_rule("More"), print)
