"""Bursts: found where they were put, seldom found where none are, and never changed by what does not matter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from onex_analytics.error_patterns import bursts
from onex_analytics.error_patterns.bursts import BURSTS, detect_bursts
from onex_analytics.exceptions import InvalidOption, MissingColumns

BEGIN = datetime(2026, 11, 2, tzinfo=UTC)


def errors(counts: np.ndarray) -> pl.DataFrame:
    """One row an error, `counts` of them in each hour."""
    hours = np.repeat(np.arange(len(counts)), counts)
    at = [BEGIN + timedelta(hours=int(hour), minutes=30) for hour in hours]
    return pl.DataFrame({"timestamp": at}, schema={"timestamp": pl.Datetime("us", "UTC")})


def watched(counts: np.ndarray) -> dict[str, datetime]:
    return {"since": BEGIN, "until": BEGIN + timedelta(hours=len(counts))}


LAWS = {
    "poisson": lambda draw, mean, n: draw.poisson(mean, n),
    "negative_binomial": lambda draw, mean, n: draw.negative_binomial(2, 2 / (2 + mean), n),
}


@pytest.mark.parametrize("method", ["tail", "kleinberg"])
@pytest.mark.parametrize("law", LAWS)
def test_a_burst_is_found_where_it_was_put_with_its_size(law, method):
    draw = np.random.default_rng(3)
    counts = LAWS[law](draw, 5, 600)
    counts[300:306] += 80
    found = detect_bursts(errors(counts), "1h", method=method, **watched(counts))
    greatest = found.sort("errors").row(-1, named=True)
    assert greatest["start"] == BEGIN + timedelta(hours=300)
    assert greatest["end"] == BEGIN + timedelta(hours=306)
    assert greatest["errors"] == counts[300:306].sum()
    assert greatest["expected"] == pytest.approx(30, rel=0.15)
    assert greatest["model"] == law
    assert (greatest["q"] is None) == (method == "kleinberg")


@pytest.mark.parametrize("season", ["none", "weekly"])
@pytest.mark.parametrize("mean", [0.05, 1.0, 30.0])
def test_calm_logs_seldom_have_bursts(mean, season):
    draw = np.random.default_rng(8)
    false = 0
    for _ in range(40):
        counts = draw.poisson(mean, 168 * 4)
        counts[0] = max(counts[0], 1)
        options = {"season": season, "min_ratio": 1.0, "min_errors": 1, **watched(counts)}
        false += detect_bursts(errors(counts), "1h", **options).height > 0
    assert false <= stats.binom.isf(1e-4, 40, 0.05)


def test_a_usual_monday_is_no_burst_once_weeks_are_known():
    counts = np.ones(168 * 5, dtype=np.int64)
    counts[9::168] = 60  # every Monday at nine
    counts[168 * 3 + 100] = 60
    weekly = detect_bursts(errors(counts), "1h", **watched(counts))
    assert weekly["start"].to_list() == [BEGIN + timedelta(hours=168 * 3 + 100)]
    assert detect_bursts(errors(counts), "1h", season="none", **watched(counts)).height == 6


def test_groups_are_judged_by_their_own_past_and_none_is_a_group():
    counts = np.full(200, 2)
    loud = counts.copy()
    loud[50] = 60
    nodes = [(counts, "calm"), (loud, None)]
    frame = pl.concat([errors(rows).with_columns(node=pl.lit(node, pl.String)) for rows, node in nodes])
    found = detect_bursts(frame, "1h", "node")
    assert found.select("node", "start", "errors").rows() == [(None, BEGIN + timedelta(hours=50), 60)]
    assert found.columns == ["node", *BURSTS]


def test_how_many_buckets_are_looked_at_together_does_not_matter(monkeypatch):
    draw = np.random.default_rng(5)
    frame = pl.concat([errors(draw.negative_binomial(2, 0.3, 700)).with_columns(group=pl.lit(i)) for i in range(5)])
    frame = pl.concat([frame, errors(np.array([0] * 300 + [90])).with_columns(group=pl.lit(3))])
    found = detect_bursts(frame, "1h", "group")
    assert not found.is_empty()
    monkeypatch.setattr(bursts, "_AT_ONCE", 1500)
    assert detect_bursts(frame, "1h", "group").equals(found)


def test_quiet_time_that_was_watched_counts():
    at = pl.DataFrame({"timestamp": [BEGIN + timedelta(minutes=place) for place in range(5)]})
    assert detect_bursts(at, "10m").is_empty()  # all that is known is this one bucket
    found = detect_bursts(at, "10m", since=BEGIN - timedelta(days=1), until=BEGIN + timedelta(days=1))
    assert found["errors"].to_list() == [5]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.randoms(), st.sampled_from(["tail", "kleinberg"]))
def test_the_order_of_rows_does_not_matter_and_no_error_is_in_two_bursts(counts, chance, method):
    rows = errors(np.asarray(counts))
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=chance.randrange(1000))
    found = detect_bursts(rows, "1h", method=method)
    assert found.equals(detect_bursts(shuffled, "1h", method=method))
    assert found["errors"].sum() <= rows.height
    assert (found["end"] > found["start"]).all()
    assert (found["start"].shift(-1) > found["end"]).fill_null(True).all()
    assert found.schema == BURSTS


def test_kleinbergs_path_is_the_cheapest_of_all():
    from itertools import product

    from onex_analytics.error_patterns.bursts import _two_states, _Usual

    draw = np.random.default_rng(5)
    for _ in range(30):
        counts = draw.poisson(2, (1, 9)).astype(float)
        counts[0, 3:5] += draw.integers(0, 9)
        usual = _Usual(np.full((1, 9), 2.0), np.ones((1, 9)), np.ones((1, 9)), np.zeros(1, dtype=bool))
        path, _ = _two_states(counts, usual, 2.0)

        def cost(states, counts=counts):
            rates = [2.0 * (2.0 if state else 1.0) for state in states]
            enters = sum(after and not before for before, after in zip((0, *states), states, strict=False))
            return enters * np.log(9) - stats.poisson.logpmf(counts[0], rates).sum()

        assert cost(path[0].astype(int)) == pytest.approx(min(map(cost, product((0, 1), repeat=9))))


def test_nothing_gives_nothing_and_bad_options_are_refused():
    empty = pl.DataFrame(schema={"timestamp": pl.Datetime("us", "UTC"), "node": pl.String})
    assert detect_bursts(empty, by="node").schema == {"node": pl.String, **BURSTS}
    for options, text in (
        ({"method": "x"}, "tail"), ({"max_false_discovery": 0}, "share"), ({"scaling": 1}, "above 1"),
        ({"season": "x"}, "weekly"), ({"every": "0m"}, "duration"),
    ):  # fmt: skip
        with pytest.raises(InvalidOption, match=text):
            detect_bursts(errors(np.ones(3, dtype=int)), **options)
    with pytest.raises(MissingColumns, match="timestamp"):
        detect_bursts(pl.DataFrame({"node": ["a"]}))
