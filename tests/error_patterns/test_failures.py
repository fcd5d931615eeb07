"""What counts as one error, on a fleet with all its traps and on events made by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from onex_analytics.error_patterns.failures import ERRORS, errors_of
from onex_analytics.exceptions import MissingColumns
from onex_analytics.frames import operations
from onex_analytics.frames.error_names import canonical_code
from onex_analytics.model.shapes import EVENTS

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def events(*rows: dict[str, object]) -> pl.LazyFrame:
    whole = [
        {"event_id": f"e{place}", "timestamp": BEGIN + timedelta(seconds=place), "node": "stamper", "family": "node",
         "outcome": "failure", "adjusted_count": 1.0, **row}
        for place, row in enumerate(rows)
    ]  # fmt: skip
    return pl.LazyFrame(whole, schema_overrides=EVENTS).match_to_schema(EVENTS, missing_columns="insert")


def test_no_failure_of_the_fleet_is_lost_or_told_twice(fleet):
    rows, _ = fleet
    found = errors_of(rows).collect()
    told = operations(rows.lazy().with_columns(canonical_code()), carry="node_version").collect()
    wrong = told.filter(pl.col("outcome").is_in(["failure", "soft_failure"]))
    logged = rows.filter((pl.col("family") == "log") & pl.col("level").is_in(["ERROR", "CRITICAL", "FATAL"]))
    assert wrong.height > 100
    assert logged.height > 10
    assert found["error_id"].n_unique() == found.height == wrong.height + logged.height
    shared = ("outcome", "node", "operation", "error_type", "error_message", "witnesses")
    ours = found.filter(pl.col("kind") != "log").rename({"kind": "outcome"})
    assert sorted(ours.select(shared).rows(), key=str) == sorted(wrong.select(shared).rows(), key=str)
    assert found.filter(kind="log")["error_message"].null_count() < logged.height / 10
    assert found.schema == ERRORS
    assert found["timestamp"].is_sorted()


def test_the_witness_that_tells_of_the_stack_gives_it_and_both_are_one():
    found = errors_of(events(
        {"correlation_id": "c", "metadata": '{"stack_trace": "Traceback …"}', "error_message": "node says"},
        {"correlation_id": "c", "family": "telemetry", "error_message": "telemetry says", "node_version": "1.2.0"},
    )).collect().to_dicts()  # fmt: skip
    assert [(row["error_message"], row["stack_trace"], row["node_version"], row["witnesses"]) for row in found] == [
        ("telemetry says", "Traceback …", "1.2.0", 2)
    ]


def test_an_error_belongs_to_the_trace_of_the_work_above_it():
    found = errors_of(events(
        {"correlation_id": "root", "outcome": "start", "trace_id": "t1"},
        {"correlation_id": "child", "parent_correlation_id": "root", "outcome": "start"},
        {"correlation_id": "child", "parent_correlation_id": "root"},
        {"correlation_id": None},
        {"correlation_id": "alone"},
        {"correlation_id": "child", "family": "log", "outcome": "other", "level": "ERROR",
         "metadata": '{"log_entry": {"message": "m"}}'},
    )).collect()  # fmt: skip
    assert found.select("error_id", "trace_id", "kind", "error_message").rows() == [
        ("e2", "t1", "failure", None), ("e3", "e3", "failure", None), ("e4", "alone", "failure", None),
        ("e5", "t1", "log", "m"),
    ]  # fmt: skip


def test_work_that_failed_began_where_its_span_began_or_as_long_ago_as_was_measured():
    ended = BEGIN + timedelta(seconds=2)
    found = errors_of(events(
        {"correlation_id": "a", "outcome": "start"},
        {"correlation_id": "b", "outcome": "start"},
        {"correlation_id": "a"},
        {"timestamp": ended, "execution_time_ms": 1500.0},
        {"timestamp": ended, "execution_time_ms": float("nan")},
        {"timestamp": ended, "execution_time_ms": -1.0},
        {"timestamp": ended, "family": "log", "outcome": "other", "level": "ERROR", "execution_time_ms": 5.0},
    ), carry="execution_time_ms").collect()  # fmt: skip
    began = {row["error_id"]: row["started_at"] for row in found.to_dicts()}
    assert began["e2"] == BEGIN
    assert began["e3"] == BEGIN + timedelta(seconds=0.5)
    assert began["e6"] is None
    assert {began["e4"], began["e5"]} <= {None, ended}


def test_hardly_a_failure_of_the_fleet_lacks_its_beginning(fleet):
    found = errors_of(fleet[0]).filter(pl.col("kind") != "log").collect()
    took = found["timestamp"] - found["started_at"]
    assert took.null_count() < found.height / 100
    assert took.min() >= timedelta(0)


def test_spellings_of_a_code_become_one_and_dimensions_are_carried():
    rows = events({"error_code": "ONEX_SYS_901"}, {"error_code": "[onex_sys_901_disk_full]"}, {"error_code": "E7"})
    found = errors_of(rows.with_columns(tenant=pl.lit("a")), carry=["tenant", "correlation_id"]).collect()
    assert found["error_code"].to_list() == ["ONEX_SYS_901_DISK_FULL", "ONEX_SYS_901_DISK_FULL", "E7"]
    assert found.columns == [*ERRORS, "tenant", "correlation_id"]


def test_quiet_logs_give_no_error_and_other_frames_are_refused():
    assert errors_of(events({"outcome": "success"}).clear()).collect().is_empty()
    assert errors_of(events({"outcome": "success"}, {"outcome": "start"})).collect().is_empty()
    with pytest.raises(MissingColumns, match="event_id"):
        errors_of(pl.DataFrame({"error_message": ["x"]}))
    with pytest.raises(MissingColumns, match=r"end_event_id.*or none: they are paired then"):
        errors_of(events({"outcome": "failure"}), spans=pl.LazyFrame({"trace_id": ["t"]}))
