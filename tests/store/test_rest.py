from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.model.shapes import EVENTS
from onex_analytics.store.rest import STATISTICS, from_stored, statistics, stored_schema, to_stored


@given(st.lists(st.none() | st.text(max_size=200) | st.text("a\U0010ffff", min_size=60, max_size=70), min_size=1))
def test_the_bounds_in_the_log_are_short_and_hold_for_every_value(texts):
    told = statistics(pl.DataFrame({"node": pl.Series(texts, dtype=pl.String)}))
    given_texts = [t for t in texts if t is not None]
    assert told["nullCount"]["node"] == len(texts) - len(given_texts)
    if given_texts:
        assert told["minValues"]["node"] <= min(given_texts)
        assert told["maxValues"].get("node", "\U0010ffff" * 300) >= max(given_texts)
        assert len(told["minValues"]["node"]) <= 64
        assert len(told["maxValues"].get("node", "")) <= 65


def test_the_log_shows_no_column_but_time_type_and_node():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    told = statistics(pl.DataFrame({"timestamp": [at], "event_id": ["x"], "metadata": ["{}"]}))
    assert told["minValues"] == {"timestamp": "2026-01-01T00:00:00.000000Z"}
    assert set(STATISTICS) == {"timestamp", "event_type", "node"}


@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**32 - 1)))
def test_unsigned_numbers_rest_and_come_back(hashes, sizes):
    schema = {name: EVENTS[name] for name in ("input_hash", "size_bytes")}
    count = min(len(hashes), len(sizes))
    frame = pl.DataFrame({"input_hash": hashes[:count], "size_bytes": sizes[:count]}, schema=schema)
    stored = to_stored(frame)
    assert stored.schema == stored_schema(schema)
    assert from_stored(stored.lazy(), schema).collect().equals(frame)
