"""Times and microseconds are two words for the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.microseconds import microseconds_of, time_of


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_there_and_back_is_the_same_moment(at: datetime):
    us = microseconds_of(at)
    assert time_of(us) == at
    assert microseconds_of(time_of(us + 1)) == us + 1
