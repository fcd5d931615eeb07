"""Spans find their parents and their traces, at any depth and in any tangle."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onex_analytics import build_spans
from onex_analytics.model.shapes import EVENTS
from tests.frames.rows import NOON, events


def spans(*rows: dict[str, object]) -> pl.DataFrame:
    return build_spans(events(rows)).collect().sort("start", "span_id")


def work(start: float, end: float, correlation_id: str | None = None, **more: object) -> list[dict[str, object]]:
    same = {"correlation_id": correlation_id, **more}
    return [{"event_type": "NODE_START", "at": start, **same}, {"event_type": "NODE_SUCCESS", "at": end, **same}]


def test_a_child_finds_its_parent_by_the_correlation_id_and_inherits_its_trace():
    found = spans(*work(0, 9, "p"), *work(1, 2, "c", parent_correlation_id="p"))
    assert found["parent_span_id"].to_list() == [None, found["span_id"][0]]
    assert found["trace_id"].to_list() == ["p", "p"]


def test_of_several_spans_of_the_parents_correlation_the_innermost_that_was_open_is_the_parent():
    found = spans(
        *work(0, 9, "p"), *work(1, 5, "p", node="b"), *work(2, 3, "p", node="x"),
        *work(4, 4.5, "c", parent_correlation_id="p", node="c"),
    )  # fmt: skip
    by_node = dict(found.select("node", "span_id").iter_rows())
    assert found.filter(node="c")["parent_span_id"].item() == by_node["b"]


@pytest.mark.parametrize(("start", "parent"), [(7, "b"), (-1, "a"), (5, "b")])
def test_where_none_was_open_it_is_the_last_that_began_before_else_the_first(start, parent):
    found = spans(
        *work(0, 1, "p", node="a"), *work(3, 5, "p", node="b"),
        *work(start, 8, "c", parent_correlation_id="p", node="c"),
    )  # fmt: skip
    by_node = dict(found.select("node", "span_id").iter_rows())
    assert found.filter(node="c")["parent_span_id"].item() == by_node[parent]


def test_a_given_parent_span_id_goes_first_within_its_trace_and_is_kept_where_nobody_bears_it():
    found = spans(
        *work(0, 9, "p", span_id="s", trace_id="t"), *work(1, 2, "c", parent_span_id="s", trace_id="t"),
        *work(3, 4, "d", parent_span_id="gone", trace_id="t"), *work(5, 6, "e", parent_span_id="s", trace_id="other"),
    )  # fmt: skip
    assert found["parent_span_id"].to_list() == [None, "s", "gone", "s"]
    assert found["state"].to_list() == ["closed", "closed", "orphan", "orphan"]


def test_a_cause_is_an_event_of_the_parent_and_one_that_is_the_own_correlation_is_a_root():
    found = spans(*work(0, 9, "p"), *work(1, 2, "c", causation_id="id-000001"), *work(3, 4, "d", causation_id="d"))
    assert found["trace_id"].to_list() == ["p", "p", "d"]
    assert found["state"].to_list() == ["closed", "closed", "closed"]


def test_a_parent_that_is_not_there_makes_an_orphan_and_an_open_one_stays_open():
    child = work(0, 1, "c", parent_correlation_id="gone")
    assert spans(*child).select("state", "parent_span_id", "trace_id").row(0) == ("orphan", None, "c")
    assert spans(child[0])["state"].to_list() == ["open"]


def test_a_trace_id_given_anywhere_in_a_tree_speaks_for_those_above_it():
    found = spans(
        *work(0, 9, "p"), *work(1, 8, "c", parent_correlation_id="p", trace_id="t"),
        *work(2, 3, "d", parent_correlation_id="c"),
    )  # fmt: skip
    assert found["trace_id"].to_list() == ["t", "t", "t"]


def test_a_trace_without_any_id_is_named_by_the_event_that_began_it():
    assert spans(*work(0, 1))["trace_id"].to_list() == ["id-000000"]


def test_who_is_its_own_ancestor_is_told_so_and_has_a_trace_all_the_same():
    ring = [*work(0, 9, "a", parent_correlation_id="c"), *work(1, 8, "b", parent_correlation_id="a"),
            *work(2, 7, "c", parent_correlation_id="b")]  # fmt: skip
    found = spans(*ring, *work(3, 4, "below", parent_correlation_id="c"))
    assert found["state"].to_list() == ["cycle", "cycle", "cycle", "closed"]
    assert set(found["trace_id"]) == {"a"}
    turned = build_spans(events(ring).reverse()).collect().sort("start")
    assert_frame_equal(turned, build_spans(events(ring)).collect().sort("start"))


def test_a_chain_of_a_hundred_thousand_is_one_trace():
    n = 100_000
    one = pl.DataFrame({
        "event_id": [f"e{i:06d}" for i in range(n)], "correlation_id": [f"c{i}" for i in range(n)],
        "parent_correlation_id": [None, *(f"c{i}" for i in range(n - 1))],
        "timestamp": pl.Series([NOON] * n).cast(EVENTS["timestamp"]), "family": "node", "outcome": "start",
        "node": "a",
    })  # fmt: skip
    found = build_spans(one.sample(fraction=1.0, shuffle=True, seed=1)).collect()
    assert set(found["trace_id"]) == {"c0"}
    assert found["parent_span_id"].null_count() == 1


def test_many_spans_of_one_correlation_nest_in_time():
    n = 50_000
    rows = pl.DataFrame({
        "event_id": [f"e{i:06d}" for i in range(2 * n)], "correlation_id": ["p"] * n + [f"c{i}" for i in range(n)],
        "parent_correlation_id": [None] * n + ["p"] * n, "node": [f"n{i}" for i in range(n)] * 2,
        "timestamp": pl.int_range(2 * n, eager=True).cast(EVENTS["timestamp"]), "family": "node", "outcome": "start",
    })  # fmt: skip
    found = build_spans(rows).collect()
    assert found.filter(pl.col("correlation_id") != "p")["parent_span_id"].unique().to_list() == [f"e{n - 1:06d}"]
