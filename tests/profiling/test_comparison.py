"""Comparing two sides: the numbers against slow ones, the verdicts, and how often they are wrong."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.quantiles import quantile_of
from onex_analytics.profiling import compare
from tests.laws import examples
from tests.profiling.durations import clustered, lasting


def only(baseline: pl.DataFrame, candidate: pl.DataFrame, **options: object) -> dict[str, object]:
    return compare(baseline, candidate, by=(), **options).collect().row(0, named=True)  # type: ignore[arg-type]


def spread(n: int, middle: float, seed: int = 0) -> np.ndarray:
    return middle * np.exp(0.4 * np.random.default_rng([seed, n]).normal(size=n))


# ---------------------------------------------------------------- verdicts


def test_twice_as_slow_is_a_regression_and_half_is_an_improvement():
    before, after = lasting(spread(500, 100)), lasting(spread(500, 200, 1))
    slower, faster = only(before, after), only(after, before)
    assert (slower["verdict"], slower["because"]) == ("regression", "p50, p95, superiority")
    assert (faster["verdict"], faster["because"]) == ("improvement", "p50, p95, superiority")
    assert slower["p50_ratio_low"] < 2 < slower["p50_ratio_high"]


def test_a_slow_tail_alone_is_a_regression_of_p95():
    """Mann–Whitney sees nothing: as many are a little faster as are much slower."""
    rng = np.random.default_rng(0)
    before, after = spread(1500, 100), spread(1500, 94, 1)
    after[rng.random(1500) < 0.1] *= 4
    found = only(lasting(before), lasting(after))
    assert (found["verdict"], found["because"]) == ("regression", "p95")
    assert found["q"] > 0.05


def test_intervals_within_the_smallest_effect_are_equivalent_however_significant():
    before, after = lasting(spread(60_000, 100)), lasting(spread(60_000, 103, 1))
    found = only(before, after, min_effect=0.1)
    assert found["p"] < 0.001
    assert (found["verdict"], found["because"]) == ("equivalent", None)
    assert only(before, after, min_effect=0.01)["verdict"] == "regression"


def test_no_evidence_means_that_the_effect_would_have_been_found():
    found = only(lasting(spread(1500, 100, 4)), lasting(spread(1500, 103, 104)), min_effect=0.15)
    assert found["verdict"] == "no evidence"
    assert found["power"] >= 0.8


@pytest.mark.parametrize("n", [0, 1, 4, 40])
def test_few_spans_are_insufficient_data(n):
    found = only(lasting(spread(n, 100)), lasting(spread(n, 100, 5)))
    assert (found["verdict"], found["because"]) == ("insufficient data", None)
    assert found["power"] < 0.8


def test_many_spans_of_few_traces_are_insufficient_data():
    traces = np.arange(4000) % 4
    found = only(lasting(spread(4000, 100), traces), lasting(spread(4000, 300, 1), traces + 4))
    assert (found["verdict"], found["traces_candidate"], found["p"]) == ("insufficient data", 4, None)


def test_a_side_that_is_absent_is_a_row_all_the_same():
    sides = [lasting(spread(50, 100), service=name) for name in ("a", "b")]
    table = compare(*sides, by="service").collect()
    assert table.select("service", "n_baseline", "n_candidate", "verdict").rows() == [
        ("a", 50, 0, "insufficient data"), ("b", 0, 50, "insufficient data"),
    ]  # fmt: skip


# ---------------------------------------------------------------- open spans


def test_a_candidate_full_of_stuck_spans_is_a_regression_though_those_that_ended_were_fast():
    before = lasting(spread(800, 100))
    after = spread(800, 60, 1)
    after[::2] = np.nan
    found = only(before, lasting(after))
    assert (found["n_candidate"], found["open_candidate"], found["open_baseline"]) == (400, 400, 0)
    assert found["p50_ratio"] < 0.7
    assert (found["verdict"], found["because"]) == ("regression", "open")


def test_an_improvement_that_might_be_made_of_stuck_spans_is_none():
    """Both sides are stuck alike, so that openness is no news; but most of the candidate may be as slow as can be."""
    def often_open(middle: float, seed: int) -> pl.DataFrame:
        took = spread(800, middle, seed)
        took[np.arange(800) % 5 < 3] = np.nan
        return lasting(took)

    found = only(often_open(100, 1), often_open(60, 2))
    assert found["p50_ratio_high"] < 1
    assert (found["verdict"], found["because"]) == ("insufficient data", "open")


def test_a_few_open_spans_change_nothing():
    after = spread(2000, 60, 1)
    after[:4] = np.nan
    assert only(lasting(spread(2000, 100)), lasting(after))["verdict"] == "improvement"


def test_what_makes_no_sense_is_left_out_and_counted():
    before = lasting([10.0] * 20).with_columns(
        duration_ms=pl.Series([None, float("nan"), -1.0, float("inf"), *[10.0] * 16]),
        state=pl.Series(["closed"] * 17 + ["negative_duration", "duplicate_end", "orphan"]),
    )
    found = only(before, before)
    assert (found["n_baseline"], found["left_out_baseline"], found["open_baseline"]) == (15, 5, 0)


def test_an_orphan_that_never_ended_is_open():
    spans = lasting([10.0, np.nan]).with_columns(state=pl.lit("orphan"))
    found = only(spans, spans)
    assert (found["n_baseline"], found["open_baseline"], found["left_out_baseline"]) == (1, 1, 0)


# ---------------------------------------------------------------- numbers against slow ones


def slow_numbers(baseline: pl.DataFrame, candidate: pl.DataFrame) -> dict[str, float]:
    """Superiority by all pairs, its variance and that of a share by sums over traces, written out."""
    sides = [
        list(zip(s["trace_id"].to_list(), (s["end"] - s["start"]).dt.total_microseconds().to_list(), strict=True))
        for s in (baseline, candidate)
    ]

    def won(x: float, others: list[tuple[str, float]]) -> float:
        return sum(1.0 if y < x else 0.5 if y == x else 0.0 for _, y in others) / len(others)

    def by_trace(pairs: list[tuple[str, float]]) -> dict[str, float]:
        """By how much the mean moves if the trace were not there (the jackknife), times all spans."""
        sums: dict[str, float] = defaultdict(float)
        sizes: dict[str, int] = defaultdict(int)
        for trace, z in pairs:
            sums[trace] += z
            sizes[trace] += 1
        left = {trace: max(len(pairs) - size, 1) for trace, size in sizes.items()}
        return {trace: z * len(pairs) / left[trace] for trace, z in sums.items()}

    def variance(sums: dict[str, float], n: int) -> float:
        return sum(z * z for z in sums.values()) / n**2 * (len(sums) - 1) / len(sums)

    theta = sum(won(x, sides[0]) for _, x in sides[1]) / len(sides[1])
    sums = [
        by_trace([(t, won(x, sides[1]) - (1 - theta)) for t, x in sides[0]]),
        by_trace([(t, won(x, sides[0]) - theta) for t, x in sides[1]]),
    ]
    n = [len(side) for side in sides]
    units = min(len(s) for s in sums)
    together = sum(sums[0][t] * sums[1].get(t, 0.0) for t in list(sums[0])) / n[0] / n[1] * (units - 1) / units
    whole = max(variance(sums[0], n[0]) + variance(sums[1], n[1]) - 2 * together, 0.0)
    found = {"superiority": theta, "z": (theta - 0.5) / whole**0.5 if whole > 1e-15 else float("nan")}
    for name, q in (("p50", 0.5), ("p95", 0.95)):
        for side, label in zip(sides, ("baseline", "candidate"), strict=True):
            found[f"{name}_{label}_ms"] = quantile_of([x / 1000 for _, x in side], q)  # type: ignore[assignment]
    return found


@settings(max_examples=examples(60))
@given(st.data())
def test_superiority_quantiles_and_their_spread_are_those_of_the_slow_way(data):
    def side(prefix: str) -> pl.DataFrame:
        n = data.draw(st.integers(12, 40))
        ms = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
        traces = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
        return lasting(ms, [f"{prefix}{t}" for t in traces])

    shared = data.draw(st.booleans())
    before, after = side("t" if shared else "b"), side("t" if shared else "c")
    slow, found = slow_numbers(before, after), only(before, after)
    for column in ("superiority", "p50_baseline_ms", "p50_candidate_ms", "p95_baseline_ms", "p95_candidate_ms"):
        assert found[column] == pytest.approx(slow[column], abs=1e-12), column
    if found["p"] is not None and not np.isnan(slow["z"]):
        assert abs(slow["z"]) < 1e-9 or stats.norm.sf(abs(slow["z"])) * 2 <= found["p"] + 1e-9


def test_with_one_span_a_trace_the_test_is_brunner_and_munzels():
    before, after = np.rint(spread(180, 100)), np.rint(spread(240, 115, 1))
    theirs = stats.brunnermunzel(before, after)
    found = only(lasting(before), lasting(after))
    assert found["p"] == pytest.approx(theirs.pvalue, rel=1e-6)
    u = stats.mannwhitneyu(after, before).statistic
    assert found["superiority"] == pytest.approx(u / (180 * 240))


def test_a_span_told_twenty_times_in_its_trace_is_no_further_evidence():
    before, after = lasting(spread(120, 100)), lasting(spread(120, 115, 1))
    once = only(before, after)
    often = only(*(pl.concat([side] * 20) for side in (before, after)))
    for column in ("superiority", "p", "p50_ratio", "p95_ratio"):
        assert often[column] == pytest.approx(once[column], rel=1e-6), column
    for column in ("p50_p", "p95_p"):  # how traces vary is known less well than how single spans do
        assert once[column] <= often[column] <= 1.3 * once[column], column
    assert often["p50_ratio_low"] == pytest.approx(once["p50_ratio_low"], rel=0.03)
    alone = only(*(pl.concat([side] * 20).with_columns(trace_id=None) for side in (before, after)))
    assert alone["p"] < 1e-6 < once["p"]


def test_traces_with_spans_on_both_sides_are_compared_with_themselves():
    """Host a and host b do a part of every trace: what a trace has in common says nothing about the hosts."""
    rng = np.random.default_rng(2)
    pace = np.exp(rng.normal(size=300))
    before = lasting(100 * pace * np.exp(0.1 * rng.normal(size=300)), range(300))
    after = lasting(108 * pace * np.exp(0.1 * rng.normal(size=300)), range(300))
    apart = after.with_columns(trace_id="other " + pl.col("trace_id"))
    assert only(before, after)["p"] < 0.001 < 0.2 < only(before, apart)["p"]


# ---------------------------------------------------------------- laws


def test_comparing_something_with_itself_finds_nothing():
    spans = clustered(1, 300)
    found = only(spans, spans)
    assert found["superiority"] == pytest.approx(0.5, abs=1e-12)
    assert (found["p"], found["p50_ratio"], found["p50_p"]) == (1.0, 1.0, 1.0)
    assert found["verdict"] in ("no evidence", "equivalent", "insufficient data")


def test_the_order_of_the_rows_does_not_matter():
    before, after = clustered(1, 80, operations=3), clustered(2, 80, operations=3)
    shuffled = [side.sample(fraction=1, shuffle=True, seed=3) for side in (before, after)]
    assert_frame_equal(compare(before, after).collect(), compare(*shuffled).collect())


def test_a_row_does_not_depend_on_the_other_rows_but_for_q():
    before, after = clustered(1, 200, operations=3), clustered(2, 200, operations=3)
    whole = compare(before, after, by="operation").filter(pl.col("operation") == "1")
    alone = compare(*(s.filter(pl.col("name") == "1") for s in (before, after)), by="operation")
    changing = ["q", "p50_q", "p95_q", "open_q", "n_tests", "verdict", "because"]
    assert_frame_equal(whole.drop(changing).collect(), alone.drop(changing).collect())


def test_the_seed_settles_the_intervals():
    before, after = clustered(1, 200), clustered(2, 200)
    assert only(before, after, seed=1) == only(before, after, seed=1)
    assert only(before, after, seed=1)["p50_ratio_low"] != only(before, after, seed=2)["p50_ratio_low"]


def test_q_counts_every_test_of_every_row():
    table = compare(clustered(1, 200, operations=4), clustered(2, 200, operations=4), by="operation").collect()
    p = [x for row in table.select("p50_p", "p95_p", "p", "open_p").rows() for x in row if x is not None]
    assert table["n_tests"].to_list() == [len(p)] * 4
    q = [x for row in table.select("p50_q", "p95_q", "q", "open_q").rows() for x in row if x is not None]
    np.testing.assert_allclose(q, stats.false_discovery_control(p))


# ---------------------------------------------------------------- how often it is wrong

PAIRS = 200


@pytest.mark.parametrize("pairs", [80, pytest.param(400, marks=pytest.mark.soak)])
def test_of_pairs_that_are_the_same_at_most_the_stated_share_is_called_a_regression(pairs):
    """Spans of a trace are as alike as siblings; where that is overlooked every other pair is a finding."""
    called, naive = [], []
    for seed in range(pairs):
        before, after = clustered([seed, 1], 80, operations=2), clustered([seed, 2], 80, operations=2)
        called += [set(compare(before, after, draws=400).collect()["verdict"])]
        if seed < pairs // 2:
            alone = [side.with_columns(trace_id=None) for side in (before, after)]
            naive += [set(compare(*alone, draws=400).collect()["verdict"])]
    assert sum("regression" in verdicts for verdicts in called) <= 0.05 * pairs
    assert sum(bool(verdicts & {"regression", "improvement"}) for verdicts in called) <= 0.07 * pairs
    assert sum("regression" in verdicts for verdicts in naive) > 0.05 * pairs


@pytest.mark.parametrize(("traces", "size", "factor"), [
    (250, 5, 1.4), *(pytest.param(*one, 1.0, marks=pytest.mark.soak) for one in ((250, 5), (60, 8))),
])  # fmt: skip
def test_intervals_hold_the_true_ratio_as_often_as_they_say(traces, size, factor):
    held, naive, n = {"p50": 0, "p95": 0}, 0, {"p50": 0, "p95": 0}
    for seed in range(PAIRS // 2):
        before, after = clustered([seed, 3], traces, size=size), clustered([seed, 4], traces, size=size, factor=factor)
        found = only(before, after, draws=600)
        for name in held:
            if found[f"{name}_ratio_low"] is not None:
                n[name] += 1
                held[name] += found[f"{name}_ratio_low"] <= factor <= found[f"{name}_ratio_high"]  # type: ignore[operator]
        alone = only(*(side.with_columns(trace_id=None) for side in (before, after)), draws=600)
        naive += alone["p50_ratio_low"] <= factor <= alone["p50_ratio_high"]  # type: ignore[operator]
    assert 0.92 <= held["p50"] / n["p50"] <= 0.99
    assert 0.91 <= held["p95"] / n["p95"] <= 0.99
    assert naive / (PAIRS // 2) < 0.85


@pytest.mark.parametrize("sizes", [(3000, 100), (100, 3000)], ids=["short candidate", "short baseline"])
def test_the_interval_of_a_tail_is_wide_enough_on_either_side_where_one_side_is_short(sizes):
    groups = 300
    sides = [
        lasting(np.exp(np.random.default_rng(n).normal(size=n * groups)), name=pl.Series(np.repeat(range(groups), n)))
        for n in sizes
    ]
    found = compare(*(side.cast({"name": pl.String}) for side in sides), by="name", draws=800).collect()
    too_low, too_high = (found["p95_ratio_high"] < 1).mean(), (found["p95_ratio_low"] > 1).mean()
    assert max(too_low, too_high) < 0.055 and too_low + too_high > 0.01


def test_traces_of_most_unequal_sizes_that_are_the_same_are_seldom_called_a_regression():
    """Thirty traces, of which a few hold most spans: there are about ten, whatever the number of spans."""
    tables, rows = 40, 20
    rng = np.random.default_rng(5)
    called = []
    for _ in range(tables):
        sides = []
        for _ in range(2):
            sizes = rng.choice([1, 1, 1, 5, 30], size=30 * rows)
            trace = np.repeat(np.arange(len(sizes)), sizes)
            ms = np.exp(0.8 * rng.normal(size=len(sizes))[trace] + 0.6 * rng.normal(size=len(trace)))
            sides.append(lasting(ms, trace.tolist(), name=pl.Series(trace // 30).cast(pl.String)))
        called.append("regression" in compare(*sides, by="name", draws=200).collect()["verdict"])
    assert np.mean(called) <= 0.125


# ---------------------------------------------------------------- input of every kind


def test_spans_without_a_trace_id_are_each_alone():
    before, after = lasting(spread(100, 100)), lasting(spread(100, 150, 1))
    without = [side.with_columns(trace_id=pl.lit(None, dtype=pl.String)) for side in (before, after)]
    assert only(*without) == only(before, after)


def test_null_is_a_key_and_comes_last():
    spans = lasting(spread(40, 100), service=["a", None] * 20)
    table = compare(spans, spans.lazy(), by=["service", "operation"]).collect()
    assert table.select("service", "operation", "n_baseline").rows() == [("a", "stamp", 20), (None, "stamp", 20)]


def test_nothing_compared_with_nothing():
    empty = lasting([])
    assert compare(empty, empty).collect().height == 0
    assert only(empty, empty)["n_baseline"] == 0


def test_durations_of_nothing_have_no_ratio():
    found = only(lasting([0.0] * 100), lasting([0.0] * 100))
    assert (found["p50_ratio"], found["superiority"], found["p"]) == (None, 0.5, 1.0)
    assert found["verdict"] != "regression"


def test_durations_all_alike_are_equivalent():
    found = only(lasting([7.0] * 100), lasting([7.0] * 100))
    assert (found["p50_ratio"], found["p50_ratio_low"], found["verdict"]) == (1.0, 1.0, "equivalent")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"min_effect": 0}, "min_effect is 0"), ({"alpha": 1.0}, "alpha is 1.0"), ({"min_power": 0}, "min_power"),
        ({"draws": 10}, "at least 200"), ({"seed": -1}, "whole number"),
    ],
)  # fmt: skip
def test_an_impossible_option_is_refused_with_the_mend(options, words):
    with pytest.raises(InvalidOption, match=words):
        compare(lasting([1.0]), lasting([1.0]), **options)


def test_absent_columns_and_columns_of_two_types_are_refused():
    spans = lasting([1.0], service="a")
    with pytest.raises(MissingColumns, match="tenant"):
        compare(spans, spans, by="tenant")
    with pytest.raises(MissingColumns, match="trace_id"):
        compare(spans.drop("trace_id"), spans)
    with pytest.raises(InvalidOption, match="same types on both sides"):
        compare(spans.with_columns(x=1), spans.with_columns(x=pl.lit("1")), by="x")
