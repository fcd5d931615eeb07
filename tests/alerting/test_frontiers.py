"""What nothing beats, checked against every pair."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting import frontier
from onex_analytics.alerting.frontiers import FRONTIER
from onex_analytics.alerting.sweeps import SWEEP
from onex_analytics.exceptions import InvalidOption, MissingColumns

SCORE = st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.sampled_from([0.0, 0.3, 0.6]),
                  st.sampled_from([None, -5.0, 0.0, 60.0]), st.integers(1, 4))  # fmt: skip


def sweep_of(rows: list[tuple[float | None, float | None, float | None, int]]) -> pl.DataFrame:
    found = [{"precision": precision, "recall": recall, "delay_s_p50": delay, "firings": firings, "threshold": float(i),
              "incidents": 4} for i, (precision, recall, delay, firings) in enumerate(rows)]  # fmt: skip
    return pl.DataFrame(found, schema=SWEEP)


def beats(one, other) -> bool:
    ours, theirs = ((p, r, -math.inf if d is None else -d) for p, r, d in (one, other))
    return ours != theirs and all(a >= b for a, b in zip(ours, theirs, strict=True))


@given(st.lists(SCORE, max_size=25))
def test_the_best_are_those_that_no_other_row_beats(rows):
    found = frontier(sweep_of(rows))
    assert found.schema == FRONTIER
    scores = {row[:3] for row in rows}
    told = {row[:3]: row[3] for row in found.select("precision", "recall", "delay_s_p50", "best").iter_rows()}
    assert told == {score: not any(beats(other, score) for other in scores) for score in scores}


@given(st.lists(SCORE, min_size=1, max_size=25))
def test_each_score_is_told_once_by_the_row_with_the_fewest_firings(rows):
    found = frontier(sweep_of(rows))
    assert found["rows"].sum() == len(rows)
    for row in found.to_dicts():
        alike = [r[3] for r in rows if r[:3] == (row["precision"], row["recall"], row["delay_s_p50"])]
        assert row["firings"] == min(alike)


def test_a_threshold_at_which_nothing_fires_has_no_precision_and_no_row():
    assert frontier(sweep_of([(None, 0.0, None, 0)])).is_empty()


def test_a_sweep_without_incidents_has_no_frontier():
    with pytest.raises(InvalidOption, match="labelled incidents"):
        frontier(sweep_of([(None, None, None, 1)]).with_columns(pl.lit(None, pl.Int64).alias("incidents")))
    with pytest.raises(MissingColumns):
        frontier(pl.DataFrame({"a": [1]}))
