"""Which spans are measured, and which are open."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from onex_analytics.model.shapes import SPAN_STATES
from onex_analytics.profiling.ended import is_open
from onex_analytics.profiling.standing import is_measured

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def judged(state: str | None, *, start: bool = True, end: bool = True, ms: float | None = 5.0) -> str:
    row = pl.DataFrame(
        {"state": [state], "start": [NOON if start else None], "end": [NOON if end else None], "duration_ms": [ms]},
        schema_overrides={"state": pl.String, "start": pl.Datetime("us", "UTC"), "end": pl.Datetime("us", "UTC"),
                          "duration_ms": pl.Float64},
    )  # fmt: skip
    measured, open_ = row.select(is_measured(), is_open().alias("open")).row(0)
    assert not (measured and open_)
    return "measured" if measured else "open" if open_ else "left out"


@pytest.mark.parametrize("state", SPAN_STATES)
def test_a_span_with_a_duration_is_measured_unless_another_tells_of_it_or_it_goes_on(state):
    repeated = dict.fromkeys(("duplicate_start", "duplicate_end"), "left out")
    assert judged(state) == {**repeated, "open": "open"}.get(state, "measured")


@pytest.mark.parametrize("state", ["open", "orphan", "cycle", "closed"])
def test_a_span_that_began_and_has_neither_end_nor_duration_is_open(state):
    assert judged(state, end=False, ms=None) == "open"


def test_an_end_without_a_start_is_open_to_nobody():
    assert judged("end_without_start", start=False, ms=None) == "left out"
    assert judged("end_without_start", start=False, ms=7.0) == "measured"


@pytest.mark.parametrize("ms", [None, float("nan"), float("inf"), -1.0])
def test_a_duration_that_is_no_number_from_zero_is_left_out(ms):
    assert judged("closed", ms=ms) == "left out"
