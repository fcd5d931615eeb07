"""An explorer shows the traces that are worth a look, and of the one that was picked all that its spans say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onex_analytics as ox
from onex_analytics.exceptions import MissingColumns
from onex_analytics.jupyter.widgets import TraceExplorer
from onex_analytics.jupyter.widgets.span_pictures import MOST_OF_CELL, Scope, SpanPicture, of_cell
from onex_analytics.profiling import waterfall
from tests.laws import examples

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SCHEMA = {
    "trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
    "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"), "status": pl.String, "attempt": pl.Int64,
}  # fmt: skip


def span(trace: str | None, own: str, parent: str | None = None, *, ms: float | None = 10.0, at: float | None = 0.0,
         name: str = "page", status: str = "ok", attempt: int | None = None) -> tuple[Any, ...]:  # fmt: skip
    start = None if at is None else NOON + timedelta(seconds=at)
    end = None if ms is None or start is None else start + timedelta(milliseconds=ms)
    return trace, own, parent, name, start, end, status, attempt


def spans_of(*rows: tuple[Any, ...]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def heard(widget: TraceExplorer, action: str, **more: Any) -> None:
    widget._handle_custom_msg({"do": action, **more}, [])


PAGES = spans_of(
    *(span(f"t{n:02}", f"s{n}", ms=float(n), at=float(n)) for n in range(1, 41)),
    *(span("t10", f"inner {n}", "s10", ms=1.0 + n, at=10.0, name="query") for n in range(5)),
    span("broken", "x", ms=7.5, status="error"), span("open", "y", ms=None, at=50.0), span(None, "nobody", ms=900.0),
)  # fmt: skip


def test_the_table_lists_each_kind_of_trace_once():
    widget = TraceExplorer(PAGES)
    found = widget.exemplars.group_by("why", maintain_order=True).agg("trace_id").rows()
    assert found == [  # those at the 95th percentile are among the slowest here
        ("slowest", ["t40", "t39", "t38", "t37"]), ("typical", ["t20", "t21", "t22", "t23"]),
        ("failed", ["broken"]), ("open", ["open"]), ("most spans", ["t10"]),
    ]  # fmt: skip


ROWS = st.lists(st.tuples(st.integers(0, 300), st.sampled_from([0.0, 0.001, 1.0, 1.5, 2.0, 4.0, 1000.0]),
                          st.booleans()), min_size=1, max_size=40)  # fmt: skip


@settings(max_examples=examples(37))
@given(ROWS)
def test_every_measured_span_is_in_a_cell_or_told_of_beside_it(rows):
    spans = spans_of(*(
        span(f"t{n}", f"s{n}", None if root else "above", ms=ms, at=float(at)) for n, (at, ms, root) in enumerate(rows)
    ))  # fmt: skip
    for scope in (Scope(), Scope(whole_traces=False)):
        picture = SpanPicture.of(spans.lazy(), scope)
        told = picture.picture()
        assert sum(n for *_, n in told["cells"]) + told["outside"] + told["untimed"] == told["measured"]
        assert told["measured"] == sum(root or not scope.whole_traces for *_, root in rows)
        for column, row, n in told["cells"]:
            assert 0 <= column < told["columns"]
            assert of_cell(spans.lazy(), picture, column, row).height == min(n, MOST_OF_CELL)


def test_a_cell_lists_its_slowest_traces_and_the_table_comes_back():
    widget = TraceExplorer(PAGES)
    every = widget.exemplars
    column, row, n = max(widget._told["map"]["cells"], key=lambda cell: cell[2])
    heard(widget, "cell", column=column, row=row)
    assert widget.exemplars.height == n and set(widget.exemplars["why"]) == {"in the cell"}
    assert widget.exemplars["duration_ms"].is_sorted(descending=True)
    assert widget._told["cell"] == (column, row)
    heard(widget, "cell", column=column, row=999)
    assert widget.exemplars.height == 0
    heard(widget, "list")
    assert widget.exemplars.equals(every)


def test_next_and_previous_go_through_the_table_and_stop_at_its_ends():
    widget, seen = TraceExplorer(PAGES), []
    widget.observe(lambda change: seen.append(change["new"]), "trace_id")
    traces = widget.exemplars["trace_id"].to_list()
    for _ in range(len(traces) + 2):
        heard(widget, "next")
    assert seen == traces
    for _ in range(len(traces) + 2):
        heard(widget, "previous")
    assert seen == traces + traces[-2::-1]
    heard(widget, "trace", place=3)
    assert widget.trace_id == traces[3]
    heard(widget, "trace", place=999)
    assert widget.trace_id == traces[3]


def test_a_trace_is_its_waterfall_and_a_line_says_all_its_columns():
    widget = TraceExplorer(PAGES.with_columns(attempt=pl.when(pl.col("span_id") == "inner 4").then(7)))
    widget.trace_id = "t10"
    assert widget.waterfall.equals(waterfall(PAGES, trace_id="t10").collect())
    assert widget.spans.collect().height == 6
    lane = widget.waterfall["span_id"].to_list().index("inner 4")
    heard(widget, "span", lane=lane)
    assert (widget.span["name"], widget.span["attempt"], widget.span["duration_ms"]) == ("query", 7, 5.0)
    assert ("attempt", "7") in widget._span["attributes"]
    assert "error_code" not in widget.span
    heard(widget, "span", lane=999)
    assert widget.span == {}
    widget.trace_id = None
    assert (widget.waterfall.height, widget.spans.collect().height, widget.span, widget._trace) == (0, 0, {}, None)


def test_with_the_events_a_span_says_what_their_metadata_say(tmp_path: Path):
    lines = [
        {"event_id": "e1", "timestamp": "2026-11-01T12:00:00", "event_type": "NODE_START", "node_id": "stamper_node",
         "correlation_id": "c", "metadata": {"input_state": {"file": "a.py"}}},
        {"event_id": "e2", "timestamp": "2026-11-01T12:00:02", "event_type": "NODE_SUCCESS", "node_id": "stamper_node",
         "correlation_id": "c", "metadata": {"note": "<b>done</b>", "execution_time_ms": 1990.0}},
        {"event_id": "e3", "timestamp": "2026-11-01T12:00:01", "event_type": "NODE_START", "node_id": "other_node"},
    ]  # fmt: skip
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join(map(json.dumps, lines)))
    store = ox.EventStore(str(tmp_path / "events"))
    store.append(str(log))
    widget = TraceExplorer(store.spans(), store)
    widget.trace_id = widget.exemplars.filter(pl.col("node") == "stamper_node")["trace_id"][0]
    heard(widget, "span", lane=0)
    assert widget.span_events["event_id"].to_list() == ["e1", "e2"]
    told = dict(widget._span["attributes"])
    assert told["NODE_START · input_state"] == '{"file": "a.py"}'
    assert (told["NODE_SUCCESS · note"], told["NODE_SUCCESS · execution_time_ms"]) == ("<b>done</b>", "1990.0")
    assert TraceExplorer(store.spans()).span_events.height == 0
    with pytest.raises(MissingColumns, match="metadata"):
        TraceExplorer(store.spans(), store.scan().drop("metadata"))


def test_a_trace_that_is_not_there_has_no_line():
    widget = TraceExplorer(PAGES)
    widget.trace_id = "nowhere"
    assert widget._trace["lines"] == []
    assert widget._told["place"] is None


def test_a_huge_trace_is_put_together_and_every_span_is_counted():
    many = 20_000
    rows = pl.DataFrame({"n": range(many)}).select(
        pl.lit("big").alias("trace_id"), pl.format("s{}", "n").alias("span_id"),
        pl.when(pl.col("n") > 0).then(pl.lit("s0")).alias("parent_span_id"), pl.lit("step").alias("name"),
        (pl.lit(NOON) + pl.duration(milliseconds="n")).alias("start"),
    ).with_columns(end=pl.when(pl.col("span_id") == "s0").then(pl.lit(NOON + timedelta(milliseconds=many)))
                   .otherwise(pl.col("start") + pl.duration(microseconds=900)))  # fmt: skip
    widget = TraceExplorer(rows)
    widget.trace_id = "big"
    told = widget._trace
    assert told["spans"] == many
    assert len(told["lines"]) <= 200
    assert told["folded"] + sum(not line["folded"] for line in told["lines"]) == many
    assert sum(len(line["critical"]) for line in told["lines"]) < 3_000
    (place,) = (place for place, line in enumerate(told["lines"]) if line["folded"])
    heard(widget, "span", lane=place)
    assert widget._span == {"lane": place, "attributes": []}


def test_a_scope_looks_at_some_spans_only():
    widget = TraceExplorer(PAGES)
    heard(widget, "scope", whole=False, failed=False, name=widget._told["names"].index("query"))
    assert (widget._told["map"]["spans"], set(widget.exemplars["name"])) == (5, {"query"})
    heard(widget, "scope", whole=True, failed=True, name=None)
    assert widget.exemplars["trace_id"].to_list() == ["broken"]
    widget.look_at(name="a name that nobody has")
    assert (widget._told["map"]["spans"], widget._told["other_name"]) == (0, "a name that nobody has")
    assert widget.exemplars.height == 0


def test_a_root_is_also_a_span_whose_parent_is_not_there():
    widget = TraceExplorer(spans_of(span("t", "a", "gone")).with_columns(state=pl.lit("orphan")))
    assert widget._told["map"]["spans"] == 1


@pytest.mark.parametrize("rows", [(), (span("t", "a", at=None),), (span("t", "a", ms=None),)])
def test_spans_of_which_none_can_be_drawn_are_shown_as_that(rows):
    widget = TraceExplorer(spans_of(*rows))
    assert (widget._told["map"]["spans"], widget._told["map"]["cells"]) == (len(rows), [])
    heard(widget, "next")
    heard(widget, "cell", column=0, row=0)
    assert widget.exemplars.height == 0


def test_columns_that_spans_must_have_are_named():
    with pytest.raises(MissingColumns, match="parent_span_id"):
        TraceExplorer(PAGES.drop("parent_span_id"))
