"""What events weigh, held against a slow reading of each."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames import quantile_of
from onex_analytics.model import EVENTS
from onex_analytics.sizing import size_distribution, size_report
from onex_analytics.sizing.events import json_bytes, payload_of
from tests.laws import examples
from tests.sizing.drawn import VALUES, events

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def frame_of(drawn: list[dict[str, object]]) -> pl.DataFrame:
    """Drawn events as rows: their metadata in its column, all but that and the id in `extra`."""
    return pl.DataFrame([{
        "event_id": json_bytes(event.get("event_id", "e")).decode(), "event_type": "AB"[n % 2],
        "timestamp": NOON + timedelta(minutes=25 * n), "node": None,
        "metadata": json.dumps(event["metadata"]) if "metadata" in event else None,
        "extra": json.dumps({key: value for key, value in event.items() if key not in ("event_id", "metadata")}),
    } for n, event in enumerate(drawn)], schema=EVENTS)  # fmt: skip


def parsed(row: dict[str, object]) -> dict[str, object]:
    told = {"event_id": row["event_id"], "timestamp": row["timestamp"].strftime("%Y-%m-%dT%H:%M:%S"),
            "event_type": row["event_type"]}  # fmt: skip
    told |= {"metadata": json.loads(row["metadata"])} if row["metadata"] is not None else {}
    return told | json.loads(row["extra"])


def fields_of(event: dict[str, object]) -> dict[str, int]:
    """What each field takes: its key, its value, the colon between and what stands behind it."""
    found: dict[str, int] = defaultdict(int)
    found["(braces)"] = 1 if event else 2
    for name, value in event.items():
        key = json_bytes(name).decode()[1:-1]
        found[key] += len(json_bytes(name)) + 1 + len(json_bytes(value)) + 1
        if name in ("metadata", "data") and isinstance(value, dict):
            for inner, held in value.items():
                size = len(json_bytes(inner)) + 1 + len(json_bytes(held)) + 1
                found[f"{key}.{json_bytes(inner).decode()[1:-1]}"] += size
                found[key] -= size
    return found


@settings(max_examples=examples(15))
@given(st.lists(events(), max_size=8))
def test_a_report_counts_the_bytes_of_each_payload(drawn):
    frame = frame_of(drawn)
    sizes = [len(payload_of(parsed(row))) for row in frame.iter_rows(named=True)]
    limits = {"small": 100}
    found = size_report(frame, ("event_type", "node"), limits=limits, quantiles=[0.5]).collect()
    for row in found.iter_rows(named=True):
        own = sizes["AB".index(row["event_type"]) :: 2]
        assert (row["events"], row["total_bytes"], row["max_bytes"]) == (len(own), sum(own), max(own))
        assert row["p50_bytes"] == quantile_of(own, 0.5)
        assert row["over_small"] == sum(size > 100 for size in own)
        assert row["mean_bytes"] == pytest.approx(sum(own) / len(own))
        assert row["share"] == pytest.approx(sum(own) / sum(sizes))
    assert found["events"].sum() == len(drawn)
    assert found["total_bytes"].to_list() == sorted(found["total_bytes"], reverse=True)
    spread = size_distribution(frame).collect()
    assert (spread["events"].sum(), spread["total_bytes"].sum()) == (len(sizes), sum(sizes))
    for low, high, n, total in spread.iter_rows():
        inside = [size for size in sizes if low <= size < high]
        assert (len(inside), sum(inside)) == (n, total)


@settings(max_examples=examples(15))
@given(st.lists(events(), max_size=6))
def test_fields_take_together_what_events_take(drawn):
    frame = frame_of(drawn)
    wanted: dict[str, list[int]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        for name, size in fields_of(parsed(row)).items():
            wanted[name].append(size)
    found = size_report(frame, "field").collect()
    assert {row["field"]: (row["events"], row["total_bytes"]) for row in found.iter_rows(named=True)} == {
        name: (len(sizes), sum(sizes)) for name, sizes in wanted.items()
    }
    assert found["total_bytes"].sum() == size_report(frame, ()).collect()["total_bytes"].sum()


@given(VALUES)
@settings(max_examples=examples(20))
def test_metadata_that_is_no_object_is_one_field(value):
    if isinstance(value, dict):
        return
    frame = pl.DataFrame([{"metadata": json.dumps(value)}], schema=EVENTS)
    found = size_report(frame, "field").collect()
    assert set(found["field"]) == {"(braces)", "metadata"}
    assert found["total_bytes"].sum() == len(json_bytes({"metadata": value}))


def test_growth_is_told_bucket_by_bucket_and_no_event_is_lost():
    frame = frame_of([{"event_id": "e", "metadata": {"body": "x" * 100 * n}} for n in range(5)])
    frame = frame.with_columns(pl.when(pl.int_range(pl.len()) < 4).then("timestamp").alias("timestamp"))
    found = size_report(frame, (), every="1h").collect()
    assert found["start"].to_list() == [NOON, NOON + timedelta(hours=1), None]
    assert found["events"].to_list() == [3, 1, 1]
    assert found["mean_bytes"][1] > found["mean_bytes"][0]
    assert found["share"].sum() == pytest.approx(1)


def test_no_event_is_no_row():
    empty = pl.LazyFrame(schema=EVENTS)
    for by in ((), "event_type", "field", ("event_type", "field")):
        assert size_report(empty, by).collect().is_empty()
        assert size_distribution(empty, by).collect().is_empty()
    assert size_report(empty, "field", every="1h").collect().columns[:3] == ["start", "field", "events"]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda frame: size_report(frame, "share"), "not named like those of the result"),
        (lambda frame: size_report(frame, "over_kafka"), "not named like those of the result"),
        (lambda frame: size_report(frame, limits={"none": 0}), "at least 1"),
        (lambda frame: size_report(frame, every="soon"), "a duration above zero"),
        (lambda frame: size_report(frame, "tenant"), "missing columns"),
        (lambda frame: size_report(frame.drop("metadata")), "metadata"),
        (lambda frame: size_distribution(frame, "low_bytes"), "not named like those of the result"),
    ],
)
def test_bad_use_is_said(call, told):
    with pytest.raises((InvalidOption, MissingColumns), match=told):
        call(pl.LazyFrame(schema=EVENTS))
