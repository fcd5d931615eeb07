"""Intervals from a sample hold what they say, and where they cannot they are not told."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import polars as pl
import pytest

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.sampling import ProbabilityPolicy, RulePolicy, apply, estimate, simulate
from tests.sampling.monte_carlo import kept_in_draws, log_of, shares_of, weighted_quantiles

METRICS = ["count", "rate", "sum(execution_time_ms)", "mean(execution_time_ms)", "error_rate", "p50(execution_time_ms)",
           "p90(execution_time_ms)"]  # fmt: skip
UNIFORM = ProbabilityPolicy(probability=0.3, precision=14)
TORN = RulePolicy(precision=14, default=0.5, keep_failures=False, rules=[{"node": "node_0", "probability": 0.25}])


def samples(events, policy, draws, seed=1):
    """Many samples of one log as one: the column `sample` tells them apart, and the traces of two are two."""
    shares = shares_of(policy, events)
    sample, event = np.nonzero(kept_in_draws(events, shares, draws, seed))
    trace = pl.format("00000000-0000-4000-8000-{}{}", pl.col("sample").cast(pl.String).str.zfill(5),
                      pl.col("trace_id").str.tail(-1).str.zfill(7))  # fmt: skip
    told = events[event].with_columns(sample=pl.Series(sample), adjusted_count=pl.Series(1 / shares[event]))
    return told.with_columns(trace_id=trace)


@pytest.mark.parametrize("policy", [UNIFORM, TORN], ids=["one share", "several shares in a trace"])
def test_of_a_thousand_samples_of_log_normal_traces_intervals_cover_what_they_say(policy):
    events = log_of(1000, 2, values=np.random.default_rng(2).lognormal(3, 0.5, 2000))
    metrics = [metric for metric in METRICS if metric not in ("rate", "p90(execution_time_ms)")]
    truth = dict(simulate(policy, events, metrics).errors.select("metric", "truth").iter_rows())
    told = estimate(samples(events, policy, 1000), metrics, by="sample").collect().filter(pl.col("level") == "group")
    assert told.group_by("metric").agg(pl.len())["len"].to_list() == [1000] * len(metrics)
    claimed = told.filter(pl.col("warning").is_null())
    assert claimed.height > 0.95 * told.height
    covers = pl.col("truth").is_between("low", "high").mean()
    covered = claimed.with_columns(truth=pl.col("metric").replace_strict(truth)).group_by("metric").agg(covers)
    assert covered["truth"].min() >= 0.93
    assert covered["truth"].max() <= 0.97


def with_new_ids(events, samples, seed):
    """The log so many times, each time with other trace ids: what `apply` keeps of one is one sample."""
    traces = events["trace_id"].rank("dense").to_numpy().astype(np.int64) - 1
    drawn = np.random.default_rng(seed).bytes(16 * samples * (traces.max() + 1))
    ids = [str(UUID(bytes=drawn[i : i + 16], version=4)) for i in range(0, len(drawn), 16)]
    which = np.concatenate([traces + sample * (traces.max() + 1) for sample in range(samples)])
    return pl.concat([events.with_columns(sample=pl.lit(sample)) for sample in range(samples)]).with_columns(
        trace_id=pl.Series(ids)[which]
    )


@pytest.mark.parametrize(("policy", "samples"), [
    (UNIFORM, 200), *(pytest.param(one, 2000, marks=pytest.mark.soak) for one in (UNIFORM, TORN)),
])  # fmt: skip
def test_what_the_sampler_keeps_under_other_ids_lies_about_the_truth_as_the_closed_form_says(policy, samples):
    events = log_of(100, 3)
    metrics = ["count", "sum(execution_time_ms)", "error_rate"]
    exact = simulate(policy, events, metrics).errors
    kept = apply(policy, with_new_ids(events, samples, seed=1).lazy()).filter("keep")
    told = estimate(kept, metrics, by="sample").collect().filter(pl.col("level") == "group")
    found = told.group_by("metric", maintain_order=True).agg(pl.col("estimate").std(), mean=pl.col("estimate").mean())
    close = 4 / (2 * samples) ** 0.5  # four standard errors of a standard deviation
    assert found["estimate"].to_list() == pytest.approx(exact["std_error"].to_list(), rel=close)
    off = (found["mean"] - exact["truth"]) / exact["std_error"]
    assert off.abs().max() < 4 / samples**0.5 + 0.15  # a ratio of a hundred traces is a little off on average


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma", [0.5, 0.8])
@pytest.mark.parametrize("policy", [UNIFORM, TORN], ids=["one share", "several shares in a trace"])
def test_intervals_cover_what_they_say_for_wider_values_and_more_traces(policy, sigma, seed):
    events = log_of(6000, 2, seed=seed, values=np.random.default_rng(seed).lognormal(3, sigma, 12_000))
    metrics = [metric for metric in METRICS if metric != "rate"]
    truth = dict(simulate(policy, events, metrics).errors.select("metric", "truth").iter_rows())
    told = estimate(samples(events, policy, 1000, seed), metrics, by="sample").collect()
    claimed = told.filter((pl.col("level") == "group") & pl.col("warning").is_null())
    assert claimed.height > 0.9 * 1000 * len(metrics)
    within = pl.col("truth").is_between("low", "high").mean().alias("within")
    known = claimed.with_columns(truth=pl.col("metric").replace_strict(truth))
    covered = known.group_by("metric").agg(within, pl.len())
    assert covered.filter(pl.col("len") > 800)["within"].is_between(0.93, 0.97).all()


@pytest.mark.parametrize("alpha", [1.2, 1.5, 2.0])
def test_of_pareto_tails_there_is_a_warning_and_no_interval(alpha):
    events = log_of(10_000, 1, values=np.random.default_rng(5).pareto(alpha, 10_000) + 1)
    told = estimate(samples(events, UNIFORM, 50), ["count", "sum(execution_time_ms)", "mean(execution_time_ms)"],
                    by="sample").collect().filter(pl.col("level") == "group")  # fmt: skip
    values = told.filter(pl.col("metric") != "count")
    assert values["warning"].is_not_null().mean() > 0.97
    assert values.filter(pl.col("warning").is_not_null()).select("low", "high").null_count().row(0) == (
        values["warning"].count(), values["warning"].count(),
    )  # fmt: skip
    assert values["warning"].str.contains("heavy tail: index|rests on").any()
    assert told.filter(pl.col("metric") == "count")["warning"].is_null().all()
    exact = simulate(UNIFORM, events, "sum(execution_time_ms)").errors.row(0, named=True)
    assert exact["low"] is None and "heavy tail" in exact["warning"]


def test_an_estimate_is_what_weights_by_hand_come_to():
    events = log_of(300, 3)
    sample = apply(TORN, events.lazy()).filter("keep").collect()
    a, x = sample["adjusted_count"].to_numpy(), sample["execution_time_ms"].to_numpy()
    fails = (sample["outcome"] == "failure").to_numpy()
    rows = estimate(sample, [*METRICS[:1], *METRICS[2:]]).collect().iter_rows(named=True)
    told = {row["metric"]: row for row in rows}
    by_hand = {
        "count": a.sum(), "sum(execution_time_ms)": a @ x, "mean(execution_time_ms)": a @ x / a.sum(),
        "error_rate": a @ fails / a.sum(), "p50(execution_time_ms)": weighted_quantiles(x, a[None], 0.5)[0],
        "p90(execution_time_ms)": weighted_quantiles(x, a[None], 0.9)[0],
    }  # fmt: skip
    assert {name: row["estimate"] for name, row in told.items()} == pytest.approx(by_hand)
    assert {row["events_kept"] for row in told.values()} == {sample.height}
    pairs = zip(sample["trace_id"].to_list(), a, x, strict=True)
    in_pairs = [list(pairs)] * 2
    variance = sum(y * z * (b * c - max(b, c)) for t, b, y in in_pairs[0] for u, c, z in in_pairs[1] if t == u)
    assert told["sum(execution_time_ms)"]["std_error"] ** 2 == pytest.approx(variance)


def test_the_variance_told_by_samples_is_right_on_average():
    events = log_of(300, 3)
    exact = simulate(TORN, events, ["sum(execution_time_ms)", "count"]).errors
    told = estimate(samples(events, TORN, 600), ["sum(execution_time_ms)", "count"], by="sample").collect()
    means = told.filter(pl.col("level") == "group").group_by("metric", maintain_order=True).agg(
        (pl.col("std_error") ** 2).mean()
    )  # fmt: skip
    assert means["std_error"].to_list() == pytest.approx((exact["std_error"] ** 2).to_list(), rel=0.03)


def test_an_error_rate_of_zero_has_the_interval_of_wilson():
    events = log_of(400, 1, failing=0.0)
    sample = apply(UNIFORM, events.lazy()).filter("keep")
    row = estimate(sample, "error_rate").collect().row(0, named=True)
    assert (row["estimate"], row["low"], row["warning"]) == (0, 0, None)
    assert 0.01 < row["high"] < 0.05


def test_what_was_kept_whole_is_known_exactly():
    events = log_of(50, 2)
    whole = estimate(events.with_columns(adjusted_count=pl.lit(1.0)), METRICS[2:], by="node").collect()
    truth = simulate(UNIFORM, events, METRICS[2:], by="node").errors
    assert whole["estimate"].to_list() == pytest.approx(truth["truth"].to_list())
    assert (whole["std_error"] == 0).all() and whole["warning"].is_null().all()
    assert (whole["low"] == whole["estimate"]).all() and (whole["high"] == whole["estimate"]).all()


def test_dropped_events_are_no_sample_and_an_empty_one_tells_nothing():
    events = log_of(50, 2)
    decided = apply(UNIFORM, events.lazy())
    assert estimate(decided, "count").collect().equals(estimate(decided.filter("keep"), "count").collect())
    timed = decided.with_columns(timestamp=pl.lit(datetime(2026, 11, 1, tzinfo=UTC)))
    empty = estimate(timed.filter(False), METRICS, by="node").collect()
    assert empty["events_kept"].to_list() == [0] * len(METRICS)
    assert dict(empty.filter(pl.col("estimate").is_not_null()).select("metric", "estimate").iter_rows()) == {
        "count": 0, "rate": 0, "sum(execution_time_ms)": 0,
    }  # fmt: skip


def test_bad_samples_are_refused_with_the_mend():
    events = log_of(5, 1)
    with pytest.raises(MissingColumns, match="adjusted_count"):
        estimate(events)
    with pytest.raises(InvalidOption, match="from 1"):
        estimate(events.with_columns(adjusted_count=pl.lit(0.5))).collect()
    with pytest.raises(InvalidOption, match="above 0 and below 1"):
        estimate(events.with_columns(adjusted_count=pl.lit(1.0)), confidence=1.0)
