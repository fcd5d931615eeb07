"""Durations, as Prometheus writes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.durations import duration_text, microseconds, parse_duration
from onex_analytics.exceptions import InvalidOption


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("0s", 0), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1d", 86_400), ("1w2d", 9 * 86_400),
     ("1y", 365 * 86_400), ("90m", 5400), ("1y2w3d4h5m6s7ms", 33_019_506.007)],
)  # fmt: skip
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(milliseconds=round(seconds * 1000))


@pytest.mark.parametrize(
    "text", ["", "5", "5 m", " 5m", "5m ", "m", "5M", "-5m", "+5m", "1.5h", "1m1h", "5m5m", "1:30", "٣s", "5min",
             "1e3s", "1h\n", "P1D", "9" * 90 + "s", "9" * 5_000 + "s", "101y"],
)  # fmt: skip
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="wanted ") as caught:
        parse_duration(text)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "mend"),
    [("60", "a number alone has no unit: 60s is 60 seconds"), ("-5m", "it is a length, never negative"),
     ("1.5m", "numbers are whole: 1m30s, not 1.5m")],
)  # fmt: skip
def test_the_usual_slips_are_mended(text: str, mend: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        parse_duration(text)
    assert mend in str(caught.value)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("90m", "1h30m"), ("60s", "1m"), ("7d", "1w"), ("8d", "8d"), ("365d", "1y"), ("24h", "1d"), ("1000ms", "1s"),
     ("0", "0s"), ("400d", "400d"), ("1w1h", "7d1h")],
)  # fmt: skip
def test_one_length_has_one_text(text: str, canonical: str) -> None:
    assert duration_text(parse_duration(text)) == canonical


@given(st.integers(0, 100 * 365 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms)))
def test_what_is_written_is_read_as_it_was(duration: timedelta) -> None:
    assert parse_duration(duration_text(duration)) == duration
    assert microseconds(duration) == round(duration.total_seconds() * 1e6)
