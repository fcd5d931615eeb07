"""Routes, matchers, times and receivers as a rule file writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onex_analytics.alerting.routing import Matcher, Notification, Silence, TimeInterval


@pytest.mark.parametrize(
    ("text", "labels", "held"),
    [
        ("severity=critical", {"severity": "critical"}, True),
        ('severity = "critical"', {"severity": "warning"}, False),
        ("severity != critical", {}, True),
        ('node =~ "stamper.*"', {"node": "stamper_node"}, True),
        ('node =~ "stamper"', {"node": "stamper_node"}, False),          # the whole value
        ('node =~ "a|b"', {"node": "ab"}, False),
        ('node !~ "a|b"', {"node": "c"}, True),
        ('node = ""', {}, True),                                         # a missing label is an empty one
        ('node =~ ".*"', {}, True), ('node =~ ".+"', {}, False),
        ('text = "a \\"b\\" \\\\ c"', {"text": 'a "b" \\ c'}, True),
        ('text =~ "a.b"', {"text": "a\nb"}, False),                       # the dot is no line break
    ],
)  # fmt: skip
def test_a_matcher_reads_as_in_alertmanager(text, labels, held):
    assert Matcher.model_validate(text).matches(labels) is held


@given(st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True), st.sampled_from(["=", "!="]), st.text(max_size=8))
def test_a_matcher_written_down_reads_as_the_same(name, op, value):
    matcher = Matcher(name=name, op=op, value=value)
    assert Matcher.model_validate(matcher.model_dump()) == matcher


@pytest.mark.parametrize("text", ["severity", "= critical", "a == b", 'a =~ "("', "1a = b", 'a = "b'])
def test_what_is_no_matcher_is_refused(text):
    with pytest.raises(ValidationError, match=r"no (matcher|pattern)"):
        Matcher.model_validate(text)


def test_a_pattern_that_would_run_away_elsewhere_takes_no_time():
    assert not Matcher.model_validate('a =~ "(a+)+b"').matches({"a": "a" * 50_000})


@pytest.mark.parametrize(
    ("block", "mend"),
    [
        ({"route": {"group_by": ["node"]}}, "names no receiver"),
        ({"route": {"receiver": "x"}}, "receiver 'x'; write one of default, or add it"),
        ({"route": {"receiver": "default", "matchers": ["a = b"]}}, "put them on a child"),
        ({"route": {"receiver": "default", "mute_time_intervals": ["n"]}},
         "time interval 'n'; write one of those you declare"),
        ({"receivers": [{"name": "default"}, {"name": "default"}]}, "stands twice"),
        ({"route": {"receiver": "default", "group_interval": "0s"}}, "more than 0"),
        ({"route": {"receiver": "default", "groupby": []}}, "Extra inputs"),
    ],
)  # fmt: skip
def test_a_notification_that_cannot_work_is_refused_with_the_mend(block, mend):
    with pytest.raises(ValidationError, match=mend):
        Notification.model_validate(block)


@pytest.mark.parametrize(
    "spec",
    [
        {"times": [{"start_time": "17:00", "end_time": "09:00"}]},
        {"times": [{"start_time": "9:00", "end_time": "10:00"}]},
        {"times": [{"start_time": "23:00", "end_time": "24:01"}]}, {"weekdays": ["friday:monday"]},
        {"weekdays": ["saturday:sunday"]}, {"months": ["december:january"]},
        {"weekdays": ["fryday"]}, {"days_of_month": ["0"]}, {"days_of_month": ["32"]}, {"months": ["13"]},
        {"location": "Berlin"}, {"location": "../../etc/passwd"},
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(spec):
    with pytest.raises(ValidationError):
        TimeInterval.model_validate({"name": "n", "time_intervals": [spec]})


def test_a_silence_that_ends_before_it_begins_or_has_no_zone_is_refused():
    first, second = "2026-01-01T00:00:00", "2026-01-02T00:00:00"
    for start, end in ((second + "Z", first + "Z"), (first, second)):
        with pytest.raises(ValidationError):
            Silence.model_validate({"matchers": ["a = b"], "start": start, "end": end})
