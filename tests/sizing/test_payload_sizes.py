"""Sizes without texts are the sizes of the texts, for rows of any make."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.model import EVENTS
from onex_analytics.model.wire_json import WIRE_DATA
from onex_analytics.sizing.payload_sizes import payload_sizes
from onex_analytics.sizing.payloads import payloads_of
from tests.laws import examples

TEXTS = st.none() | st.sampled_from(["", "a", 'q"\\\n', "é😀", "\x00" * 3]) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=5
)
TIMES = st.none() | st.sampled_from([0, 1, 500_000, 999_999, 10**6]).map(
    lambda us: datetime(2026, 11, 23, tzinfo=UTC) + timedelta(microseconds=us)
)
ROWS = st.lists(st.fixed_dictionaries({
    "event_id": TEXTS, "node_id": TEXTS, "event_type": TEXTS, "event_type_raw": TEXTS, "timestamp": TIMES,
    "timestamp_original": TEXTS, "clock_offset_ms": st.none() | st.integers(-1500, 1500),
    "adjusted_count": st.none() | st.floats(0, 1e6), "is_replay": st.none() | st.booleans(),
    "metadata": st.none() | st.sampled_from(["{}", ' {"a" :\t[1, "\\u00e9"]}', "null", '"text"', " 1.50 "]),
    "extra": st.none() | st.sampled_from(["{}", '{"a": 1, "b":{}, "a": "x y"}', '{"schema_version": 1}']),
    "wire_fields": st.none() | st.integers(0, 2**31 - 1) | st.integers(0, 4**4).map(lambda n: n | WIRE_DATA),
}), max_size=6).map(lambda rows: pl.DataFrame(rows, schema=EVENTS))  # fmt: skip


@settings(max_examples=examples(25))
@given(ROWS)
def test_sizes_are_those_of_the_payloads(frame):
    # a field that is in `extra` by its state stands there once; these rows may say both
    extra = frame["extra"].str.contains("schema_version").fill_null(False)
    frame = frame.with_columns(pl.when(extra & ((frame["wire_fields"] // 4**6) % 4).is_in([1, 2])).then(None)
                               .otherwise("extra").alias("extra"))  # fmt: skip
    assert payload_sizes(frame).tolist() == payloads_of(frame).texts().str.len_bytes().to_list()
