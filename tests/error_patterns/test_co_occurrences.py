"""Errors that come together: every number held to SciPy's or to a loop, and few findings by chance."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from onex_analytics.error_patterns.co_occurrences import co_occurrence
from onex_analytics.exceptions import InvalidOption, MissingColumns


def errors(*traces: str) -> pl.DataFrame:
    """One row an error: each trace is a text of one-letter codes."""
    rows = [(str(place), code) for place, trace in enumerate(traces) for code in trace]
    return pl.DataFrame(rows, {"trace_id": pl.String, "error_code": pl.String}, orient="row")


@given(st.lists(st.text("ABCD", max_size=6), min_size=1, max_size=25), st.integers(0, 30))
def test_every_number_is_that_of_a_table_of_four_cells(traces, without):
    frame = errors(*traces)
    total = frame["trace_id"].n_unique() + without
    found = co_occurrence(frame, n_traces=total, min_traces=1)
    sets = [set(trace) for trace in traces]
    assert found.height == sum(any({a, b} <= one for one in sets) for a in "ABCD" for b in "ABCD" if a < b)
    for row in found.to_dicts():
        a, b = row["error_code_left"], row["error_code_right"]
        both = sum({a, b} <= one for one in sets)
        left, right = sum(a in one for one in sets), sum(b in one for one in sets)
        assert (row["together"], row["left_traces"], row["right_traces"]) == (both, left, right)
        cells = np.array([[both, left - both], [right - both, total - left - right + both]])
        assert row["p"] == pytest.approx(stats.fisher_exact(cells, "greater").pvalue, rel=1e-6)
        assert row["lift"] == pytest.approx(both * total / (left * right))
        assert row["jaccard"] == pytest.approx(both / (left + right - both))
        if total > max(left, right):
            votes = np.array([[a in one, b in one] for one in sets] + [[False, False]] * (total - len(sets))).T
            if len(votes[0]) == total:
                assert row["phi"] == pytest.approx(np.corrcoef(votes)[0, 1])
        else:
            assert row["phi"] is None


def test_a_trace_has_one_vote_and_rows_without_a_trace_have_none():
    frame = pl.concat([errors("AAAB", "AB", "ABB"), errors("AB").with_columns(trace_id=pl.lit(None, pl.String))])
    assert co_occurrence(frame).select("together", "left_traces").rows() == [(3, 3)]


def test_all_tests_that_were_tried_are_counted():
    found = co_occurrence(errors("AB", "AB", "AB", "C", "C", "C"), n_traces=100)
    assert found["n_tests"].to_list() == [3]
    assert found["q"].item() == pytest.approx(min(1, 3 * found["p"].item()))


def test_independent_errors_are_seldom_found_together():
    draw, false = np.random.default_rng(2), 0
    for _ in range(60):
        chosen = draw.random((300, 8)) < 0.1
        traces = ["".join(np.array(list("ABCDEFGH"))[row]) for row in chosen]
        found = co_occurrence(errors(*traces), n_traces=300)
        false += (found["q"] <= 0.05).any()
    assert false <= stats.binom.isf(1e-4, 60, 0.05)


def test_groups_of_several_columns_and_of_null_have_their_names():
    frame = errors("AB", "AB", "AB").with_columns(node=pl.lit(None, pl.String))
    found = co_occurrence(frame, ["node", "error_code"])
    sides = ("node_left", "error_code_left", "node_right", "error_code_right")
    assert found.select(sides).rows() == [(None, "A", None, "B")]


def test_nothing_gives_nothing_and_bad_options_are_refused():
    assert co_occurrence(errors()).is_empty()
    assert co_occurrence(errors("AB")).is_empty()
    with pytest.raises(InvalidOption, match="at least the 2 traces"):
        co_occurrence(errors("A", "B"), n_traces=1)
    with pytest.raises(InvalidOption, match="1 or more"):
        co_occurrence(errors("A"), min_traces=0)
    with pytest.raises(InvalidOption, match="a column that names a group"):
        co_occurrence(errors("A"), ())
    with pytest.raises(MissingColumns, match="fingerprint"):
        co_occurrence(errors("A"), "fingerprint")
