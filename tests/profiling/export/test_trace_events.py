from __future__ import annotations

import json
from collections import defaultdict
from datetime import timedelta

import polars as pl
from hypothesis import given
from jsonschema import Draft202012Validator
from polars.testing import assert_frame_equal

from onex_analytics.frames import complete_spans
from onex_analytics.model import SPANS
from onex_analytics.profiling.export import chrome_trace
from onex_analytics.sources.chrome_trace import read_spans
from tests.profiling.export.trace_event_schema import SCHEMA
from tests.profiling.export.traces import ANY_SPANS, PAGE, spans

FORMAT = Draft202012Validator(SCHEMA)


def told(frame: pl.DataFrame) -> dict[str, object]:
    file = json.loads(chrome_trace(frame))
    FORMAT.validate(file)
    return file


def drawn(file: dict[str, object]) -> dict[str, tuple[int, int]]:
    """The process and the lane of each span."""
    return {e["name"]: (e["pid"], e["tid"]) for e in file["traceEvents"] if e["ph"] != "M"}


def test_spans_that_overlap_stand_on_separate_lanes_and_children_stay_with_their_parent():
    assert drawn(told(PAGE)) == {"page": (1, 1), "query": (1, 1), "render": (1, 2), "font": (1, 2)}


def test_back_to_back_siblings_share_a_lane():
    frame = spans(("a", None, "page", 0, 10), ("b", "a", "one", 0, 5), ("c", "a", "two", 5, 10))
    assert set(drawn(told(frame)).values()) == {(1, 1)}


def test_a_span_is_never_drawn_inside_one_that_did_not_call_it():
    frame = spans(("a", None, "page", 0, 10), ("b", None, "other", 2, 4))
    assert drawn(told(frame)) == {"page": (1, 1), "other": (1, 2)}


def test_a_parent_with_the_same_times_is_the_outer_one_whatever_its_id():
    frame = spans(("a", "z", "inner", 0, 10), ("z", None, "outer", 0, 10))
    events = [e["name"] for e in told(frame)["traceEvents"] if e["ph"] == "X"]
    assert set(drawn(told(frame)).values()) == {(1, 1)} and len(events) == 2


def test_nodes_are_processes_and_those_of_no_node_stand_in_a_process_without_a_name():
    frame = pl.concat([spans(("a", None, "x", 0, 1)), spans(("b", None, "y", 0, 1), service=None)])
    file = told(frame)
    assert drawn(file) == {"x": (1, 1), "y": (0, 1)}
    names = {e["pid"]: e["args"]["name"] for e in file["traceEvents"] if e["name"] == "process_name"}
    assert names == {1: "web"}


def test_an_open_span_is_a_begin_without_an_end():
    events = {e["name"]: e for e in told(spans(("a", None, "stuck", 3, None)))["traceEvents"]}
    assert events["stuck"]["ph"] == "B" and "dur" not in events["stuck"]


def test_what_cannot_be_drawn_is_counted():
    frame = spans(("a", None, "x", None, 5), ("b", None, "y", 5, 4), ("c", None, "z", 5, 5))
    file = told(frame)
    assert file["otherData"]["left_out"] == {"negative_duration": 1, "no_start": 1}
    assert list(drawn(file)) == ["z"]


def test_no_spans_are_an_empty_trace():
    assert told(PAGE.clear())["traceEvents"] == []


def test_numbers_that_json_lacks_are_left_out():
    frame = PAGE.with_columns(gc_time_ms=float("nan"), tags=pl.lit([1, 2]), seen=pl.col("start"))
    args = told(frame)["traceEvents"][-1]["args"]
    assert "gc_time_ms" not in args and args["tags"] == [1, 2] and args["seen"].startswith("2026-11-23 12:00:00")


def written_and_read(tmp_path, frame: pl.DataFrame) -> pl.DataFrame:
    path = tmp_path / "trace.json"
    path.write_text(chrome_trace(frame), encoding="utf-8")
    found = read_spans(path)
    assert found.rejected.is_empty()
    return found.spans


def test_spans_come_back_as_they_were(tmp_path):
    frame = PAGE.with_columns(
        status=pl.lit("error"), error_code=pl.Series(["E1", None, "E 'é'", None]), cpu_time_ms=pl.lit(1.25),
        witnesses=pl.lit(2, pl.UInt8), duration_ms=pl.lit(0.5), kind=pl.lit("server"), cache_hits=pl.lit(7),
    )  # fmt: skip
    came = complete_spans(written_and_read(tmp_path, frame)).select(*SPANS).sort("span_id").collect()
    assert_frame_equal(came, complete_spans(frame).select(*SPANS).sort("span_id").collect())


def test_what_a_span_does_not_say_nobody_says_for_it(tmp_path):
    nothing = ("trace_id", "span_id", "name", "kind", "status", "state", "duration_ms", "operation")
    silent = complete_spans(PAGE).select(*SPANS).with_columns(
        pl.lit(None, SPANS[name]).alias(name) for name in nothing
    ).collect()  # fmt: skip
    blank = silent.with_columns(trace_id=pl.lit(""), span_id=pl.lit(""), parent_span_id=pl.lit(""))
    frame = pl.concat([silent, blank]).with_columns(cache_hits=pl.lit(2**62), queue_time_ms=pl.lit(1e300))
    came = complete_spans(written_and_read(tmp_path, frame)).select(*SPANS).collect()
    assert_frame_equal(came, frame, check_row_order=False)


def test_columns_of_any_name_and_type_are_told_but_bytes():
    frame = PAGE.head(1).with_columns(
        pid=7, tid=8, lane=9, start_us=10, pause=timedelta(seconds=1.5), raw=pl.lit(b"x"), parts=pl.lit([b"x"]),
        pair=pl.struct(raw=pl.lit(b"x"), one=1),
    )  # fmt: skip
    event = told(frame)["traceEvents"][-1]
    assert (event["pid"], event["tid"]) == (1, 1)
    columns = frame.columns[len(PAGE.columns):]
    assert {name: event["args"].get(name) for name in columns} == {
        "pid": 7, "tid": 8, "lane": 9, "start_us": 10, "pause": "PT1.5S", "raw": None, "parts": None, "pair": None,
    }  # fmt: skip


@given(ANY_SPANS)
def test_every_span_that_has_a_place_comes_back(tmp_path_factory, frame):
    usable = frame.filter(pl.col("start").is_not_null(), (pl.col("end") >= pl.col("start")).fill_null(True))
    came = written_and_read(tmp_path_factory.getbasetemp(), frame)
    keys = ["trace_id", "span_id", "parent_span_id", "name", "start", "end", "node"]
    wanted = usable.rename({"service": "node"}).select(keys)
    assert_frame_equal(came.select(keys), wanted, check_row_order=False)


@given(ANY_SPANS)
def test_on_a_lane_spans_lie_beside_or_inside_each_other_and_inside_only_their_callers(frame):
    lanes = defaultdict(list)
    for event in told(frame)["traceEvents"]:
        if event["ph"] != "M":
            end = event["ts"] + event["dur"] if event["ph"] == "X" else float("inf")
            lanes[event["pid"], event["tid"]].append((event["ts"], end, event["args"]))
    for pieces in lanes.values():
        for n, (start, end, args) in enumerate(pieces):
            for other_start, other_end, other in pieces[n + 1 :]:
                beside = end <= other_start or other_end <= start
                inside = start <= other_start and other_end <= end
                around = other_start <= start and end <= other_end
                assert beside or inside or around
                if not beside and args["trace_id"] != other["trace_id"]:
                    raise AssertionError("one trace is drawn inside of another")
