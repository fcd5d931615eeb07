from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from onex_analytics.cli.span_inputs import chosen, milliseconds
from onex_analytics.cli.trace_list import slowest_traces
from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames import complete_spans

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
COLUMNS = ["trace_id", "span_id", "parent_span_id", "name", "start", "end"]


def spans(*rows: tuple[str | None, str, str | None, int | None, int | None]) -> pl.LazyFrame:
    """Spans (trace, id, parent, begin, end), in seconds after noon; each is named by its id."""
    times = [[None if s is None else NOON + timedelta(seconds=s) for s in row[3:]] for row in rows]
    made = [(*row[:3], row[1], *time) for row, time in zip(rows, times, strict=True)]
    types = {"start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "parent_span_id": pl.String}
    return complete_spans(pl.DataFrame(made, schema=COLUMNS, orient="row", schema_overrides=types))


def listed(given: pl.LazyFrame, limit: int = 0) -> list[tuple[object, ...]]:
    return slowest_traces(given, limit).select("trace_id", "root", "duration_ms", "spans", "open").collect().rows()


def test_a_root_is_the_earliest_span_without_a_parent():
    given = spans(("t", "child", "r", 0, 1), ("t", "late", None, 3, 4), ("t", "r", None, 1, 2))
    assert listed(given) == [("t", "r", 4000.0, 3, 0)]
    assert listed(spans(("t", "b", "gone", 1, 2), ("t", "a", "gone", 0, 2))) == [("t", "a", 2000.0, 2, 0)]


def test_open_spans_count_by_their_start():
    assert listed(spans(("t", "r", None, 0, 2), ("t", "s", "r", 5, None))) == [("t", "r", 5000.0, 2, 1)]


def test_traces_without_a_time_come_last_and_ties_by_their_id():
    given = spans(("x", "r", None, None, None), ("b", "r", None, 0, 1), ("a", "r", None, 0, 1), (None, "r", None, 0, 9))
    assert [row[0] for row in listed(given)] == [None, "a", "b", "x"]
    assert [row[0] for row in listed(given, 2)] == [None, "a"]
    assert listed(given.clear()) == []


def test_times_choose_spans_or_whole_traces():
    given = spans(("a", "r", None, 0, 1), ("a", "s", "r", 10, 11), ("b", "q", None, 10, 12))
    since = NOON + timedelta(seconds=10)
    single = chosen(given, since, None, None, whole_traces=False).collect()["span_id"]
    whole = chosen(given, since, None, None, whole_traces=True).collect()["span_id"]
    assert sorted(single) == ["q", "s"]
    assert sorted(whole) == ["q"]
    before = chosen(given, None, since, None, whole_traces=True).collect()["span_id"]
    assert sorted(before) == ["r", "s"]


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "-3s", "1.2.3"])
def test_a_length_of_time_that_is_none_is_refused(text):
    with pytest.raises(InvalidOption, match=r"--max-age is .*; wanted a length of time such as 800ms"):
        milliseconds("--max-age", text)
