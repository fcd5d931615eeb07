"""Pages by hour and weekday, where people live."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting import pages_by_hour
from onex_analytics.alerting.paging_hours import PAGES_BY_HOUR
from tests.alerting.arrivals import when
from tests.alerting.test_scoring import DAY, result_of


def test_a_week_has_168_hours_in_their_order():
    found = pages_by_hour(result_of([], [], days=3))
    assert found.schema == PAGES_BY_HOUR
    assert found.select("weekday", "hour").rows() == [(day, hour) for day in range(1, 8) for hour in range(24)]
    assert found.filter("night")["hour"].unique().to_list() == [0, 1, 2, 3, 4, 5, 22, 23]


def test_an_hour_that_the_log_does_not_hold_has_no_rate():
    found = pages_by_hour(result_of([], [], days=2, pages=[DAY + 3600.0] * 3))  # from Thursday 1 January 1970 on
    assert found.filter(weekday=5, hour=1).select("pages", "hours", "pages_per_hour").rows() == [(3, 1, 3.0)]
    assert found.filter(weekday=1, hour=1).select("pages", "hours", "pages_per_hour").rows() == [(0, 0, None)]


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin", "Asia/Kolkata"])
@given(pages=st.lists(st.floats(0, 40 * DAY), max_size=30))
def test_each_page_counts_once_where_people_live(tz, pages):
    found = pages_by_hour(result_of([], [], days=40, pages=sorted(pages), tz=tz))
    expected: dict[tuple[int, int], int] = {}
    for page in pages:
        local = when(page).astimezone(ZoneInfo(tz))
        key = (local.isoweekday(), local.hour)
        expected[key] = expected.get(key, 0) + 1
    told = {(day, hour): n for day, hour, n in found.select("weekday", "hour", "pages").iter_rows() if n}
    assert told == expected
    assert set(found["tz"]) == {tz}


def test_nothing_evaluated_is_a_week_of_nothing():
    result = result_of([], [])
    result.begin = result.end = None
    found = pages_by_hour(result)
    assert found["pages"].sum() == found["hours"].sum() == 0


def test_every_begun_hour_of_the_log_counts():
    result = result_of([], [], days=14)
    result.end += timedelta(minutes=1)
    assert pages_by_hour(result)["hours"].sum() == 14 * 24 + 1
