"""When a series changed its level: planted changes, peers, and how often there is none."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.profiling import change_points
from onex_analytics.profiling.shifts import METHODS

NOON = datetime(2026, 11, 1, 12)


def series(values: object, **columns: object) -> pl.DataFrame:
    found = pl.Series("p50_ms", values, dtype=pl.Float64)
    return pl.DataFrame([found]).with_columns(
        start=pl.Series([NOON + timedelta(minutes=i) for i in range(len(found))]), **columns  # type: ignore[arg-type]
    )


def levels(*means: float, each: int = 40, seed: int = 0, spread: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate([mean * np.exp(spread * rng.normal(size=each)) for mean in means])


def indices(values: object, **options: object) -> list[int]:
    return change_points(series(values), **options).collect()["index"].to_list()  # type: ignore[arg-type]


PEERS = {
    # the same places are found by Dynp(model="l2", min_size=5) of ruptures 1.1.10, told how many there are,
    # and by compute_change_points_orig(max_pvalue=.02) of apache-otava 0.8.0
    (100, 130): [41],
    (100, 140, 100): [40, 80],
    (50, 80, 60, 90): [40, 80, 120],
    (100, 100, 100): [],
    (20, 35, 35, 25): [40, 119],
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("place", range(len(PEERS)))
def test_changes_lie_where_the_peers_find_them(place, method):
    means, expected = list(PEERS.items())[place]
    assert indices(levels(*means, seed=place), method=method) == expected


@pytest.mark.parametrize("method", METHODS)
def test_a_change_point_is_the_first_of_the_later_segment(method):
    values = [10.0, 11.0] * 15 + [20.0, 21.0] * 10
    row = change_points(series(values), method=method).collect().row(0, named=True)
    assert (row["index"], row["start"]) == (30, NOON + timedelta(minutes=30))
    assert (row["before"], row["after"], row["ratio"]) == (10.5, 20.5, pytest.approx(20.5 / 10.5))
    assert (row["n_before"], row["n_after"], row["left_out"]) == (30, 20, 0)
    assert row["p"] <= row["q"] <= 0.05


def test_means_reach_from_change_to_change():
    values = [10.0, 11.0] * 15 + [20.0, 21.0] * 15 + [5.0, 6.0] * 15
    found = change_points(series(values)).collect()
    assert found.select("index", "before", "after", "n_before", "n_after").rows() == [
        (30, 10.5, 20.5, 30, 30), (60, 20.5, 5.5, 30, 30),
    ]  # fmt: skip


def test_a_change_smaller_than_the_smallest_effect_is_none():
    values = levels(100, 107, each=150, spread=0.02)
    assert indices(values, min_effect=0.05) == [150]
    assert indices(values, min_effect=0.1) == []


def test_a_burst_shorter_than_a_segment_is_no_change_of_level():
    values = levels(100, each=120, seed=3)
    values[60:63] *= 3
    assert indices(values, min_segment=5) == []


def test_a_burst_of_a_segment_is_two_changes():
    values = levels(100, each=120, seed=3)
    values[60:70] *= 3
    assert indices(values, min_segment=5) == [60, 70]


def test_windows_find_a_change_anywhere_in_a_long_series():
    for at in (20, 350, 680):
        values = levels(100, each=700, seed=at)
        values[at:] *= 2
        assert indices(values, method="welch") == [at]


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 9, [5.0] * 200, [0.0] * 50])
@pytest.mark.parametrize("method", METHODS)
def test_too_short_or_flat_series_have_no_change(values, method):
    assert indices(values, method=method) == []


def test_a_change_from_nothing_has_no_ratio():
    row = change_points(series([0.0] * 20 + [1.0] * 20), method="welch").collect().row(0, named=True)
    assert (row["index"], row["before"], row["after"], row["ratio"]) == (20, 0.0, 1.0, None)


def test_rows_without_a_value_are_no_points_and_are_counted():
    values = [10.0, 11.0] * 15 + [20.0, 21.0] * 10
    gaps = series([None, float("nan")]).with_columns(start=pl.lit(NOON) + pl.duration(seconds=90))
    row = change_points(pl.concat([series(values), gaps])).collect().row(0, named=True)
    assert (row["index"], row["left_out"]) == (30, 2)


def test_the_order_of_the_rows_does_not_matter():
    frame = series(levels(100, 150, 90, seed=2))
    assert_frame_equal(change_points(frame).collect(), change_points(frame.sample(fraction=1, shuffle=True)).collect())


def test_series_are_told_apart_and_one_does_not_depend_on_the_others():
    parts = [series(levels(100, high, seed=high)).with_columns(node=pl.lit(f"n{high}")) for high in (100, 150, 160)]
    whole = change_points(pl.concat(parts), by="node").collect()
    assert whole["node"].to_list() == ["n150", "n160"]
    alone = pl.concat([change_points(part, by="node").collect() for part in parts])
    columns = ["node", "index", "start", "before", "after", "ratio"]
    assert_frame_equal(whole.select(columns), alone.select(columns))
    assert whole["n_tests"].n_unique() == 1
    assert whole["n_tests"][0] > alone["n_tests"].sum(), "the series without a change was tested as well"


def test_the_seed_settles_everything():
    frame = series(levels(100, 112, seed=4))
    first, again = (change_points(frame, seed=1).collect() for _ in range(2))
    assert_frame_equal(first, again)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [40, 150])
def test_of_200_series_without_a_change_at_most_the_stated_share_has_one(method, length):
    with_any = 0
    for seed in range(200):
        noise = np.exp(0.3 * np.random.default_rng([seed, length]).normal(size=length))
        with_any += bool(indices(100 * noise, method=method, min_effect=0))
    assert with_any <= 0.05 * 200 + 3


def test_nine_in_ten_changes_of_two_deviations_are_found_within_three_points():
    near = 0
    for seed in range(50):
        values = levels(100, 130, each=100, seed=seed, spread=0.15)
        near += any(abs(index - 100) <= 3 for index in indices(values))
    assert near >= 45


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "pelt"}, "edivisive or welch"), ({"window": 8}, "at least twice min_segment"),
        ({"min_segment": 1}, "window"), ({"min_effect": -1}, "0 or more"), ({"alpha": 0}, "alpha is 0"),
        ({"permutations": 9}, "at least 99"), ({"seed": -1}, "whole number"),
    ],
)  # fmt: skip
def test_an_impossible_option_is_refused_with_the_mend(options, words):
    with pytest.raises(InvalidOption, match=words):
        change_points(series([1.0]), **options)


def test_absent_columns_are_refused():
    with pytest.raises(MissingColumns, match="p95_ms"):
        change_points(series([1.0]), "p95_ms")
    with pytest.raises(MissingColumns, match="node"):
        change_points(series([1.0]), by="node")
