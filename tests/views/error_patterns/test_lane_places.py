from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.error_patterns.failures import ERRORS
from onex_analytics.exceptions import MissingColumns
from onex_analytics.profiling import waterfall
from onex_analytics.views.error_patterns.lane_places import GAP, NAME, SUB, Places, group_of

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def after(ms: float) -> datetime:
    return NOON + timedelta(milliseconds=ms)


def bars(*told: tuple[str | None, float, float | None], failed: int = 0, **more: Any) -> pl.DataFrame:
    """The waterfall of one trace: node, from and to in milliseconds; so many of the first spans failed."""
    spans = pl.DataFrame(
        [
            {"trace_id": "t", "span_id": f"s{i:03}", "parent_span_id": "s000" if i else None, "name": f"op{i}",
             "node": node, "start": after(start), "end": None if end is None else after(end),
             "status": "error" if i < failed else "ok"}
            for i, (node, start, end) in enumerate(told)
        ],
        {"trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
         "node": pl.String, "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "status": pl.String},
    )  # fmt: skip
    return waterfall(spans, trace_id="t", **more).collect()


def errors(*told: tuple[str | None, float | None, str | None], **more: Any) -> pl.DataFrame:
    """As `errors_of`: node, milliseconds (None has no time), and code."""
    return pl.DataFrame(
        [
            {"error_id": f"e{i}", "timestamp": None if at is None else after(at), "kind": "failure", "trace_id": "t",
             "node": node, "error_code": code, **more}
            for i, (node, at, code) in enumerate(told)
        ],
        ERRORS, infer_schema_length=None,
    )  # fmt: skip


def places(rows: pl.DataFrame, wrong: pl.DataFrame, most: int = 20) -> Places:
    return Places.of_trace(rows, wrong, "error_code", most)


def test_a_lane_is_a_node_and_the_first_of_them_is_on_top():
    found = places(bars(("api", 0, 100), ("db", 60, 90), ("mail", 20, 50), ("db", 10, 15)), errors(("cron", 5, "E1")))
    assert [(lane.name, len(lane.lines), len(lane.errors)) for lane in found.lanes] == [
        ("api", 1, 0), ("cron", 0, 1), ("db", 2, 0), ("mail", 1, 0),
    ]  # fmt: skip
    assert (found.others, found.untimed, found.piled) == (0, 0, 0)
    assert (found.low_ms, found.high_ms) == (0.0, 100.0)


def test_what_overlaps_lies_below_and_what_follows_does_not():
    (lane,) = places(bars(("db", 0, 100), ("db", 10, 40), ("db", 40, 60), ("db", 50, 55)), errors()).lanes
    assert [(line["name"], sub) for line, sub in zip(lane.lines, lane.subs, strict=True)] == [
        ("op0", 0), ("op1", 1), ("op2", 1), ("op3", 2),
    ]  # fmt: skip
    assert lane.deep == 3


def test_nothing_follows_an_open_span_on_its_line():
    (lane,) = places(bars(("db", 0, None), ("db", 10, 50), ("db", 50, 50)), errors()).lanes
    assert lane.subs == [0, 1, 1]


def test_an_error_stands_at_its_moment_on_the_span_that_ends_then():
    rows = bars(("db", 0, 100), ("db", 10, 40), ("db", 40, 90), failed=1)
    found = places(rows, errors(("db", 100, "E1"), ("db", 39.5, "E2"), ("db", 200, "E3")))
    (lane,) = found.lanes
    assert [(mark.group, mark.at_ms, mark.y) for mark in found.marks] == [
        ("E2", 39.5, lane.middle(0)), ("E1", 100.0, lane.middle(0)), ("E3", 200.0, lane.middle(0)),
    ]  # fmt: skip
    nowhere_failed = places(bars(("db", 0, 100), ("db", 10, 40)), errors(("db", 40, "E2")))
    assert nowhere_failed.marks[0].y == nowhere_failed.lanes[0].middle(1)
    assert found.high_ms == 200.0


def test_time_begins_with_the_waterfall_even_where_a_span_has_no_start():
    rows = bars(("api", 500, 900), ("db", 700, None), ("db", 700, 750))
    assert places(rows, errors(("db", 800, "E1"))).marks[0].at_ms == 300.0
    ends = rows.with_columns(start=pl.lit(None, rows.schema["start"]))
    assert places(ends, errors(("db", 800, "E1"))).marks[0].at_ms == 300.0


def test_without_spans_time_begins_with_the_first_error():
    found = places(bars(), errors(("db", 800, "E1"), ("api", 900, "E2"), ("api", None, "E3")))
    assert [mark.at_ms for mark in found.marks] == [0.0, 100.0]
    assert found.untimed == 1


def test_errors_before_the_first_span_are_on_the_figure():
    found = places(bars(("db", 100, 200)), errors(("db", 50, "E1")))
    assert (found.low_ms, found.high_ms) == (-50.0, 100.0)


def test_marks_that_would_hide_each_other_are_moved():
    found = places(bars(("db", 0, 1000)), errors(("db", 500, "E1"), ("db", 501, "E2"), ("db", 600, "E3")))
    first, second, third = found.marks
    assert first.y == third.y != second.y
    assert abs(second.y - first.y) < SUB / 2


def test_lanes_beyond_the_most_share_the_last_one_and_those_with_errors_stay():
    rows = bars(("a", 0, 100), ("b", 1, 2), ("b", 3, 4), ("c", 5, 6), ("d", 7, 8))
    found = places(rows, errors(("d", 8, "E1"), ("e", 9, "E2"), ("e", 10, "E2")), 3)
    assert [(lane.name, len(lane.lines), len(lane.errors)) for lane in found.lanes] == [
        ("b", 2, 0), ("d", 1, 1), ("e", 0, 2), ("other", 2, 0),
    ]  # fmt: skip
    assert found.others == 2


def test_spans_shown_as_one_have_a_lane_of_their_own():
    rows = bars(("api", 0, 100), *(("db", i, i + 1) for i in range(1, 9)), max_lanes=3)
    assert "spans shown as one" in [lane.name for lane in places(rows, errors()).lanes]


def test_nodes_without_a_name_are_a_dash():
    assert [lane.name for lane in places(bars((None, 0, 9)), errors((None, 5, "E1"))).lanes] == ["–"]


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"title": "T", "error_code": "E", "error_type": "X"}, "T"),
        ({"title": None, "error_code": "E", "error_type": "X"}, "E"),
        ({"title": "", "error_code": None, "error_type": "X"}, "X"),
        ({"title": None, "error_message": "lost"}, "lost"),
        ({"title": None}, "no code, type or message"),
    ],
)
def test_an_error_is_called_by_what_is_known_of_it(row, name):
    assert group_of(row, "title") == name


def test_a_column_that_errors_lack_is_named():
    with pytest.raises(MissingColumns, match="title"):
        Places.of_trace(bars(), errors(), "title", 20)


def test_nothing_has_no_lane():
    assert places(bars(), errors()).lanes == []
    assert places(bars(), errors(("db", None, "E1"))).untimed == 1


TIMES = st.tuples(st.sampled_from("abcdef"), st.integers(0, 90), st.integers(0, 30))


@given(st.lists(TIMES, max_size=100), st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 120)), max_size=30))
def test_every_span_and_error_has_a_place_and_the_figure_stays_on_a_page(told, wrong):
    rows = bars(*((node, start, start + length) for node, start, length in told))
    found = places(rows, errors(*((node, at, "E1") for node, at in wrong)), 4)
    assert sum(len(lane.lines) for lane in found.lanes) == len(told)
    assert len(found.marks) == len(wrong)
    piled = 0
    tops = [lane.y for lane in found.lanes]
    assert tops == sorted(tops)
    for lane in found.lanes:
        assert lane.bottom == lane.y + NAME + lane.deep * SUB <= 900
        piled += sum(sub >= lane.deep for sub in lane.subs)
        for line, sub in zip(lane.lines, lane.subs, strict=True):
            alike = [other for other, of in zip(lane.lines, lane.subs, strict=True) if of == sub and other is not line]
            assert not any(
                line["offset_ms"] < other["until_ms"] and other["offset_ms"] < line["until_ms"] for other in alike
            )
    assert found.piled == piled
    assert all(low.bottom + GAP == high.y for low, high in zip(found.lanes, found.lanes[1:], strict=False))
