"""The part of the report that is about alert rules."""

from __future__ import annotations

import re

import pytest

from onex_analytics.frames import main_period
from onex_analytics.looks.alerts import alert_look
from onex_analytics.views import AlertFrames
from onex_analytics.views.report_of_alerts import alert_sections
from tests.views.alerting.results import Case, busy, cases, rules


def frames_of(case: Case, name: str = "The rules") -> AlertFrames:
    events = case.events.lazy()
    return alert_look(case.rule_file, events, case.incidents, name=name, period=main_period(events).collect())


def anchors(case: str) -> list[str]:
    return [section.anchor for section in alert_sections(frames_of(cases()[case]))]


def test_without_incidents_nothing_is_said_of_finding_them():
    assert anchors("one key") == ["alerts", "sweep"]
    assert anchors("a few") == ["alerts", "detection", "sweep"]


@pytest.mark.parametrize("case", ["no event", "no alert", "no alert, an incident", "still firing", "2,000 keys"])
def test_every_log_has_its_sections(case):
    for section in alert_sections(frames_of(cases()[case])):
        assert section.body.count("<figure>") >= 1


def test_numbers_are_those_of_the_backtest():
    case = cases()["a few"]
    alerts, detection, _ = alert_sections(frames_of(case))
    (row, _) = case.result.summary.to_dicts()
    assert f'<td>Busy</td><td class="number">{row["firings"]}</td>' in alerts.body
    assert "<dt>caught</dt><dd>1</dd>" in detection.body
    assert "all rules together" in detection.body


def test_text_of_users_never_becomes_markup():
    case = cases()["markup"]
    for section in alert_sections(frames_of(case, name=case.rule_file.groups[0].rules[0].alert)):
        assert "pwned" in section.body
        assert not re.search(r"<script>alert|<img", section.body)


def test_the_rule_that_pages_the_most_is_swept():
    case = cases()["a few"]
    assert frames_of(case).swept.rule == "Busy"
    calm = Case(case.events, case.incidents, rules(busy(90, "Never"), busy(3, "Often")))
    assert (frames_of(calm).swept.rule, frames_of(calm).swept.threshold) == ("Often", 3.0)


def test_a_rule_without_an_order_is_not_swept():
    equal = {"alert": "Exactly", "by": ["node"], "when": {"count": {"window": "5m"}, "op": "==", "threshold": 8}}
    case = cases()["a few"]
    assert frames_of(Case(case.events, None, rules(equal))).swept is None
