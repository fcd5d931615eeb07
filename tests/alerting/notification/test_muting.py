"""What keeps an alert from being told."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.notification.muting import Inhibition, NamedTimes, Silences
from onex_analytics.alerting.routing import InhibitRule, Silence, TimeInterval
from tests.laws import examples


def holds(spec, *moment, zone="UTC"):
    times = NamedTimes([TimeInterval.model_validate({"name": "n", "time_intervals": [spec]})])
    return times.hold(["n"], microseconds_of(datetime(*moment, tzinfo=ZoneInfo(zone))))


def test_a_range_of_minutes_has_its_start_and_not_its_end():
    spec = {"times": [{"start_time": "09:00", "end_time": "17:00"}]}
    assert [holds(spec, 2026, 3, 2, *hm) for hm in ((8, 59, 59), (9, 0), (16, 59, 59), (17, 0))] == [
        False, True, True, False,
    ]  # fmt: skip


def test_a_day_reaches_to_24_o_clock():
    assert holds({"times": [{"start_time": "22:00", "end_time": "24:00"}]}, 2026, 3, 2, 23, 59, 59)


def test_a_night_in_a_zone_moves_with_its_summer_time():
    spec = {"times": [{"start_time": "00:00", "end_time": "06:00"}], "location": "Europe/Berlin"}
    assert [holds(spec, 2026, 1, 5, hour) for hour in (4, 5)] == [True, False]   # UTC+1
    assert [holds(spec, 2026, 7, 6, hour) for hour in (3, 4)] == [True, False]   # UTC+2


def test_weekdays_are_those_of_the_zone_and_sunday_stands_first():
    spec = {"weekdays": ["saturday", "sunday"], "location": "Asia/Tokyo"}
    assert holds(spec, 2026, 11, 27, 16)        # a Friday afternoon in London is a Saturday in Tokyo
    assert not holds(spec, 2026, 11, 29, 16)    # and its Sunday is a Monday there
    assert holds({"weekdays": ["sunday:tuesday"]}, 2026, 11, 29)


@pytest.mark.parametrize(
    ("days", "moment", "held"),
    [
        ("1:5", (2026, 2, 5), True), ("1:5", (2026, 2, 6), False),
        ("-3:-1", (2026, 2, 26), True), ("-3:-1", (2026, 2, 25), False), ("-1", (2028, 2, 29), True),
        ("29:31", (2026, 2, 28), False),    # a range that begins behind the month's end
        ("27:31", (2026, 2, 28), True),     # one that ends there is cut
        ("-31:1", (2026, 2, 1), True),
    ],
)  # fmt: skip
def test_days_of_a_month_count_from_either_end(days, moment, held):
    assert holds({"days_of_month": [days]}, *moment) is held


def test_months_and_years_are_ranges_with_both_ends():
    spec = {"months": ["november:december", "1"], "years": ["2026:2027"]}
    found = [holds(spec, *moment) for moment in ((2026, 11, 1), (2027, 1, 31), (2028, 1, 1), (2026, 10, 31))]
    assert found == [True, True, False, False]


@given(
    st.lists(st.fixed_dictionaries({
        "times": st.sampled_from([[], [("22:00", "24:00"), ("00:00", "06:30")], [("02:15", "02:45")]]).map(
            lambda times: [{"start_time": start, "end_time": end} for start, end in times]),
        "weekdays": st.sampled_from([[], ["sunday"], ["monday:friday"]]),
        "days_of_month": st.sampled_from([[], ["-1"], ["1:15"]]),
        "location": st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    }), min_size=1, max_size=2),
    st.sampled_from([datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 4, 4), datetime(2026, 12, 31)]),
    st.integers(-3 * 86_400, 3 * 86_400),
)  # fmt: skip
@settings(max_examples=examples(100))
def test_nothing_begins_or_ends_before_the_next_change(specs, day, second):
    times = NamedTimes([TimeInterval.model_validate({"name": "n", "time_intervals": specs})])
    now = microseconds_of(day.replace(tzinfo=UTC)) + second * 1_000_000
    change = times.next_change(["n"], now)
    assert now < change <= now + 25 * 3_600_000_000
    held = times.hold(["n"], now)
    assert all(times.hold(["n"], at) is held for at in (*range(now, change, 60_000_000), change - 1))


def test_a_label_that_is_missing_equals_an_empty_one_for_an_inhibition():
    rule = InhibitRule.model_validate(
        {"source_matchers": ["severity = critical"], "target_matchers": ["severity = warning"], "equal": ["tenant"]}
    )
    inhibition = Inhibition(rule)
    source = (("alertname", "A"), ("severity", "critical"))
    assert inhibition.fires(source)
    assert inhibition.mutes((("severity", "warning"),))
    assert not inhibition.mutes((("severity", "warning"), ("tenant", "acme")))
    assert inhibition.ends(source)
    assert not inhibition.ends(source)
    assert not inhibition.mutes((("severity", "warning"),))


def test_a_silence_needs_all_its_matchers_and_tells_when_it_changes():
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    silences = Silences([Silence.model_validate({"matchers": ["a = 1", "b != 2"], "start": start, "end": end})])
    span = (microseconds_of(start), microseconds_of(end))
    assert silences.of((("a", "1"),)) == (span,)
    assert silences.of((("a", "1"), ("b", "2"))) == ()
    assert [silences.next_change(us) for us in (0, span[0], span[1])] == [span[0], span[1], None]
