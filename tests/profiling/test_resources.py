import math

import numpy as np
import polars as pl
import pytest
from scipy import stats

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.model.shapes import EVENTS, PROFILE_NUMBERS
from onex_analytics.profiling import resource_profile
from tests.profiling.latencies import spans


def told(rows, measure, **options):
    found = resource_profile(spans(rows), (), **options).collect()
    return found.filter(pl.col("measure") == measure).row(0, named=True)


def test_utilisation_is_processor_time_over_wall_time_of_those_that_tell_both():
    rows = [{"ms": 100.0, "cpu_time_ms": 150.0}, {"ms": 300.0, "cpu_time_ms": 50.0}, {"ms": 900.0},
            {"ms": None, "cpu_time_ms": 7.0, "state": "open"}]  # fmt: skip
    cpu = told(rows, "cpu_time_ms")
    assert (cpu["n"], cpu["untold"], cpu["correlated"]) == (3, 1, 2)
    assert (cpu["exact"], cpu["relative_error"]) == (True, 0.0)
    assert cpu["share_of_wall"] == 0.5
    assert (cpu["mean"], cpu["total"], cpu["max"]) == (69.0, 207.0, 150.0)


def test_only_milliseconds_are_a_share_of_the_time():
    rows = [{"ms": 100.0, "memory_peak_mb": 64.0, "cache_hits": 3}]
    assert told(rows, "memory_peak_mb")["share_of_wall"] is None
    assert told(rows, "cache_hits")["total"] == 3.0


def test_means_and_totals_are_of_all_work_and_the_most_of_what_is_there():
    rows = [{"ms": 1.0, "memory_usage_mb": 10.0, "adjusted_count": 9.0}, {"ms": 1.0, "memory_usage_mb": 20.0}]
    memory = told(rows, "memory_usage_mb")
    wanted = {"n": 2, "weight": 10.0, "mean": 11.0, "total": 110.0, "max": 20.0}
    assert {name: memory[name] for name in wanted} == wanted


@pytest.mark.parametrize("seed", range(5))
def test_the_rank_correlation_is_scipys_and_its_interval_bonett_and_wrights(seed):
    random = np.random.default_rng(seed)
    duration = random.integers(1, 20, 60).astype(float)  # with ties
    memory = duration * random.exponential(1, 60) * (-1) ** seed
    rows = [{"ms": ms, "memory_usage_mb": mb} for ms, mb in zip(duration, memory, strict=True)]
    found = told(rows, "memory_usage_mb", confidence=0.9)
    rho = stats.spearmanr(duration, memory).statistic
    assert found["spearman"] == pytest.approx(rho)
    reach = stats.norm.ppf(0.95) * math.sqrt((1 + rho**2 / 2) / 57)
    assert found["spearman_low"] == pytest.approx(math.tanh(math.atanh(rho) - reach))
    assert found["spearman_high"] == pytest.approx(math.tanh(math.atanh(rho) + reach))


def test_what_does_not_vary_goes_with_nothing():
    found = told([{"ms": float(ms), "gc_time_ms": 1.0} for ms in range(9)], "gc_time_ms")
    assert found["spearman"] is found["spearman_low"] is None


def test_three_spans_have_no_interval():
    found = told([{"ms": float(ms), "gc_time_ms": float(ms)} for ms in range(3)], "gc_time_ms")
    assert found["spearman"] == pytest.approx(1)
    assert found["spearman_low"] is None


def test_not_a_number_tells_nothing_and_a_group_that_tells_nothing_has_no_row():
    nothing = (float("nan"), float("inf"), None)
    rows = [{"ms": 1.0, "cpu_time_ms": cpu, "node": f"node {cpu}"} for cpu in nothing]
    assert resource_profile(spans(rows)).collect().height == 0
    assert resource_profile(spans([])).collect().height == 0


def test_measures_come_in_their_order_group_by_group():
    every = dict.fromkeys(PROFILE_NUMBERS, 1)
    found = resource_profile(spans([{"ms": 1.0, **every, "node": node} for node in ("b", "a", None)]), "node").collect()
    assert found["node"].to_list() == ["a"] * 10 + ["b"] * 10 + [None] * 10
    assert found["measure"].to_list() == list(PROFILE_NUMBERS) * 3


def test_profile_events_are_told_by_node_operation_and_version():
    same = {"node": "a", "operation": "stamp", "node_version": "1.0.0"}
    events = pl.DataFrame(
        [
            {**same, "event_type": "PERFORMANCE_PROFILE", "execution_time_ms": 10.0, "cpu_time_ms": 5.0},
            {**same, "event_type": "PERFORMANCE_PROFILE", "execution_time_ms": 30.0, "cpu_time_ms": 15.0},
            {**same, "event_type": "PERFORMANCE_PROFILE", "execution_time_ms": 30.0, "node_version": "2.0.0",
             "cpu_time_ms": 30.0},
            {**same, "event_type": "NODE_SUCCESS", "execution_time_ms": 99.0, "cpu_time_ms": 99.0},
        ],
        schema=EVENTS,
    )  # fmt: skip
    found = resource_profile(events).select("node", "operation", "node_version", "n", "mean", "share_of_wall").collect()
    assert found.rows() == [("a", "stamp", "1.0.0", 2, 10.0, 0.5), ("a", "stamp", "2.0.0", 1, 30.0, 1.0)]


def test_bad_use_is_refused_with_the_mend():
    with pytest.raises(InvalidOption, match="above 0 and below 1"):
        resource_profile(spans([]), confidence=95)
    with pytest.raises(MissingColumns, match="tenant"):
        resource_profile(spans([]), "tenant")
    with pytest.raises(InvalidOption, match="columns named otherwise"):
        resource_profile(spans([]).with_columns(measure=pl.lit("x")), "measure")
