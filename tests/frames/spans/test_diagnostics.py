"""Whatever a frame of spans holds, it is reported: never a crash, never mended."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames import build_spans, span_diagnostics
from onex_analytics.frames.spans import DIAGNOSTICS, FINDINGS
from onex_analytics.model.shapes import SPAN_STATES
from tests.frames.rows import events, run

NOON = datetime(2026, 11, 1, 12)


def at(seconds: float | None) -> datetime | None:
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def spans(*rows: tuple[str | None, str | None, str | None, float | None, float | None]) -> pl.DataFrame:
    """Trace, id, parent, start and end in seconds."""
    return pl.DataFrame(
        [(trace, span, parent, f"of {span}", at(start), at(end)) for trace, span, parent, start, end in rows],
        schema={"trace_id": pl.String, "span_id": pl.String, "parent_span_id": pl.String, "name": pl.String,
                "start": pl.Datetime("us"), "end": pl.Datetime("us")}, orient="row",
    )  # fmt: skip


def found(frame: pl.DataFrame) -> dict[str, tuple[int, float | None, list[str]]]:
    rows = span_diagnostics(frame).filter(pl.col("spans") > 0).collect()
    return {row["finding"]: (row["spans"], row["largest"], row["examples"]) for row in rows.iter_rows(named=True)}


def test_every_finding_has_a_row_in_order_even_where_nothing_is_odd():
    table = span_diagnostics(spans(("t", "a", None, 0, 1))).collect()
    assert table.schema == DIAGNOSTICS
    assert table["finding"].to_list() == list(FINDINGS)
    assert table.filter(pl.col("spans") > 0)["finding"].to_list() == ["closed"]


def test_a_child_that_ends_after_its_parent_overflows_and_one_that_begins_before_it_underflows():
    told = found(spans(("t", "a", None, 0, 10), ("t", "b", "a", 1, 12.5), ("t", "c", "a", -1, 5)))
    assert told["child_overflow_ms"] == (1, 2500.0, ["b"])
    assert told["child_underflow_ms"] == (1, 1000.0, ["c"])


def test_roots_of_a_trace_are_counted():
    told = found(spans(("t", "a", None, 0, 1), ("t", "b", None, 0, 1), ("u", "c", None, 0, 1)))
    assert told["several_roots"] == (2, 2.0, ["t"])


def test_an_absent_parent_makes_an_orphan_and_an_own_ancestor_a_cycle():
    told = found(spans(("t", "a", "gone", 0, 1), ("t", "b", "c", 0, 1), ("t", "c", "b", 0, 1), ("t", "d", "d", 0, 1)))
    assert told["orphan"] == (1, None, ["a"])
    assert told["cycle"] == (3, None, ["b", "c", "d"])
    assert told["no_root"] == (4, None, ["t"])


def test_a_parent_in_another_trace_is_none():
    assert found(spans(("t", "a", None, 0, 1), ("u", "b", "a", 0, 1)))["orphan"] == (1, None, ["b"])


def test_ids_that_stand_twice_and_ids_that_are_null_are_told():
    told = found(spans(("t", "a", None, 0, 1), ("t", "a", None, 0, 1), (None, "b", None, 0, 1), ("t", None, "a", 0, 1)))
    assert told["duplicate_id"] == (2, 2.0, ["a"])
    assert told["null_trace_id"] == (1, None, ["b"])
    assert told["null_span_id"][0] == 1


def test_what_a_row_shows_is_told():
    told = found(spans(("t", "a", None, 2, 1), ("t", "b", "a", 0, None), ("t", "c", "a", None, 1)))
    assert {name: told[name][0] for name in ("negative_duration", "open", "end_without_start", "null_start")} == {
        "negative_duration": 1, "open": 1, "end_without_start": 1, "null_start": 1,
    }  # fmt: skip


def test_a_word_that_is_no_state_is_told():
    frame = spans(("t", "a", None, 0, 1), ("t", "b", None, 0, 1)).with_columns(state=pl.Series(["done", None]))
    assert found(frame)["unknown_state"][0] == 2


def test_our_own_spans_are_told_by_their_states():
    log = events([*run("a", "c", 0), {"event_type": "NODE_START", "at": 5, "correlation_id": "d"}])
    assert {name for name in found(build_spans(log).collect()) if name in SPAN_STATES} == {"closed", "open"}


def test_a_frame_without_rows_gives_zeros():
    table = span_diagnostics(spans()).collect()
    assert set(table["spans"]) == {0}
    assert table["share"].null_count() == table.height


ids = st.sampled_from([None, "a", "b", "c"])
times = st.sampled_from([None, 0.0, 1.0, 2.0])


@given(st.lists(st.tuples(st.sampled_from([None, "t", "u"]), ids, ids, times, times), max_size=12))
def test_any_garbage_is_counted_and_the_states_part_the_spans(rows):
    table = span_diagnostics(spans(*rows)).collect()
    states = table.filter(pl.col("finding").is_in([*SPAN_STATES, "unknown_state"]))
    assert states["spans"].sum() == len(rows)
    assert table["spans"].max() <= len(rows)
