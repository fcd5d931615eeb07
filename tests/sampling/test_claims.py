"""No interval is claimed that would not hold what it says."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from onex_analytics.sampling import ProbabilityPolicy, apply, estimate, simulate
from onex_analytics.sampling.claims import coverage_lost, with_warning
from tests.sampling.monte_carlo import log_of

FINE = {"std_error": 1.0, "low": 8.0, "high": 12.0, "effective_n": 500.0, "rests_on": 300.0, "skewness": 0.1,
        "kurtosis": 0.1, "tail_index": 4.0, "_top": 100.0}  # fmt: skip


def judged(error_is_known=False, **changed):
    told = pl.DataFrame([{**FINE, **changed}], schema=dict.fromkeys(FINE, pl.Float64))
    return with_warning(told, error_is_known=error_is_known).row(0, named=True)


@pytest.mark.parametrize(("changed", "reason"), [
    ({"effective_n": 29.94}, "amounts to 29.9 traces"),
    ({"rests_on": 12.0}, "its error rests on 12.0 traces"),
    ({"tail_index": 2.5}, "heavy tail: index 2.5"),
    ({"skewness": -0.5}, "skewed: -0.5"),
    ({"skewness": 0.5, "effective_n": 3.0}, "amounts to 3.0 traces; skewed: 0.5"),
    ({"std_error": None, "high": None}, "an end of it lies beyond the values"),
    ({"std_error": None, "low": None, "effective_n": 3.0},
     "amounts to 3.0 traces; an end of it lies beyond the values"),
])  # fmt: skip
def test_every_reason_is_said_and_the_interval_withheld(changed, reason):
    row = judged(**changed)
    assert (row["warning"], row["low"], row["high"]) == (reason, None, None)


@pytest.mark.parametrize("changed", [
    {}, {"tail_index": None}, {"std_error": 0.0, "effective_n": 2.0}, {"kurtosis": 3.0},
])  # fmt: skip
def test_where_there_is_no_reason_the_interval_stands(changed):
    row = judged(**changed)
    assert (row["warning"], row["low"], row["high"]) == (None, 8.0, 12.0)


def test_a_group_that_nothing_is_known_of_is_told_no_reason():
    nothing = dict.fromkeys(FINE) | {"_top": 0.0}
    assert judged(**nothing)["warning"] is None


@pytest.mark.parametrize("traces", [8, 50])
def test_a_high_quantile_of_few_traces_has_no_half_of_an_interval(traces):
    log = log_of(traces, 2)
    policy = ProbabilityPolicy(probability=0.5)
    known = simulate(policy, log, "p99(execution_time_ms)").errors
    sample = apply(policy, log.lazy()).filter("keep")
    for told in (known, estimate(sample, "p99(execution_time_ms)").collect()):
        assert told.select("low", "high").row(0) == (None, None)
        assert "lies beyond the values" in told["warning"][0]


@pytest.mark.parametrize(("failures", "is_told"), [(4, False), (29, False), (40, True)])
def test_a_group_of_few_failures_of_a_thinned_log_does_not_claim_that_all_fails(failures, is_told):
    sample = pl.DataFrame({
        "event_id": [f"e{n}" for n in range(60 + failures)], "trace_id": None, "correlation_id": None,
        "node": ["a"] * 60 + ["b"] * failures, "outcome": ["success"] * 60 + ["failure"] * failures,
        "adjusted_count": [10.0] * 60 + [1.0] * failures,
    })  # fmt: skip
    for metric, truth in (("error_rate", 1.0), ("count", float(failures))):
        told = estimate(sample, metric, by="node").collect().filter(pl.col("node") == "b").row(0, named=True)
        assert (told["estimate"], told["std_error"]) == (truth, 0)
        assert (told["low"], told["high"]) == ((truth, truth) if is_told else (None, None))
        assert told["warning"] == (None if is_told else f"amounts to {failures}.0 traces")
    alone = estimate(sample.filter(pl.col("node") == "b"), "count").collect()  # nothing says that it was thinned
    assert alone.select("low", "warning").row(0) == (failures, None)


def test_who_knows_the_error_of_the_whole_log_does_not_ask_how_many_traces_carry_it():
    assert judged(error_is_known=True, rests_on=5.0)["warning"] is None
    assert judged(error_is_known=True, effective_n=5.0)["warning"] is not None


def test_the_coverage_that_skewness_takes_is_what_drawing_from_a_skewed_law_takes():
    rng = np.random.default_rng(3)
    means = rng.exponential(size=(20_000, 40))
    reach = 1.96 * means.std(axis=1, ddof=1) / 40**0.5
    covered = np.mean(np.abs(means.mean(axis=1) - 1) <= reach)
    lost = pl.select(coverage_lost(pl.lit(2 / 40**0.5), pl.lit(6 / 40))).item()
    of_student = 0.0057  # what 1.96 lacks of the 97.5 % point of Student's t of 39 degrees of freedom, both sides
    assert 0.95 - covered == pytest.approx(lost + of_student, abs=0.006)
