"""Which spans are timed, and which are open."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.model.shapes import SPAN_STATES
from onex_analytics.profiling.ended import is_open, is_timed

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def judged(state: str | None, *, start: bool = True, end: bool = True, ms: float | None = 5.0) -> str:
    row = pl.DataFrame(
        {"state": [state], "start": [NOON if start else None], "end": [NOON if end else None], "duration_ms": [ms]},
        schema_overrides={"state": pl.String, "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"),
                          "duration_ms": pl.Float64},
    )  # fmt: skip
    timed, open_ = row.select(is_timed(), is_open().alias("open")).row(0)
    assert not (timed and open_)
    return "timed" if timed else "open" if open_ else "left out"


@pytest.mark.parametrize("state", SPAN_STATES)
def test_a_span_with_a_duration_is_timed_unless_its_state_forbids(state):
    untimed = dict.fromkeys(("negative_duration", "duplicate_start", "duplicate_end"), "left out")
    assert judged(state) == {**untimed, "open": "open"}.get(state, "timed")


@pytest.mark.parametrize("state", ["open", "orphan", "cycle", "closed"])
def test_a_span_that_began_and_has_neither_end_nor_duration_is_open(state):
    assert judged(state, end=False, ms=None) == "open"


def test_an_end_without_a_start_is_open_to_nobody():
    assert judged("end_without_start", start=False, ms=None) == "left out"
    assert judged("end_without_start", start=False, ms=7.0) == "timed"


@pytest.mark.parametrize("ms", [None, float("nan"), float("inf"), -1.0])
def test_a_duration_that_is_no_number_from_zero_is_left_out(ms):
    assert judged("closed", ms=ms) == "left out"
