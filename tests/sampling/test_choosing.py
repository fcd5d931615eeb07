"""The chosen policy keeps within its budget, errs least, keeps every failure, and ships as it is."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import onex_analytics as ox
from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import EventSampler, ProbabilityPolicy, RulePolicy, apply, choose, simulate
from onex_analytics.sampling.allocation import allocated
from onex_analytics.sampling.randomness import randomness_of
from onex_analytics.synthetic import Incident
from tests.laws import examples
from tests.sampling.monte_carlo import log_of

READ = ["event_id", "trace_id", "correlation_id", "event_type", "family", "node", "outcome", "severity", "error_code"]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """The synthetic fleet, where every operation may fail: about 5 in 100 do."""
    folder = tmp_path_factory.mktemp("fleet")
    burst = Incident(kind="error_burst", start=0.0, end=1.0, magnitude=0.045)
    ox.generate(40_000, seed=3, incidents=[burst], traps=None).write(folder / "log.jsonl")
    store = ox.EventStore(folder / "events")
    store.append(folder / "log.jsonl")
    return store.scan().select(READ).collect()


def errors_by_drawing(events, policy, draws, seed):
    """The root mean square of the relative error of each node's error rate: ids are drawn anew, and Hájek's estimate
    taken of what `apply` keeps."""
    shares = apply(policy, events.lazy()).collect()["probability"].to_numpy()
    ids = events.select(pl.coalesce("trace_id", "correlation_id", "event_id")).to_series()
    traces = pl.Series(randomness_of(ids)).rank("dense").to_numpy().astype(np.int64) - 1
    node = events["node"].rank("dense").to_numpy().astype(np.int64) - 1
    fails = (events["outcome"] == "failure").to_numpy()
    ended = events["outcome"].is_in(["success", "soft_failure", "failure"]).to_numpy()
    truth = np.bincount(node, fails) / np.bincount(node, ended)
    rng, told = np.random.default_rng(seed), []
    for _ in range(draws):
        weight = (rng.random(traces.max() + 1)[traces] < shares) / shares
        with np.errstate(invalid="ignore"):
            told.append(np.bincount(node, weight * fails) / np.bincount(node, weight * ended))
    found = np.nan_to_num(np.array(told)[:, truth > 0])
    return np.sqrt(((found / truth[truth > 0] - 1) ** 2).mean(axis=0))


def test_a_tenth_of_the_fleet_tells_error_rates_three_times_as_well_as_one_share_and_keeps_every_failure(fleet):
    failed = fleet.filter(pl.col("outcome") == "failure").height
    ended = fleet["outcome"].is_in(["success", "soft_failure", "failure"]).sum()
    assert 0.04 < failed / ended < 0.06
    policy = choose(fleet, "error_rate", budget=0.1).policy
    decided = apply(policy, fleet.lazy()).collect()
    assert decided["probability"].mean() <= 0.1
    assert decided.filter(pl.col("outcome") == "failure")["keep"].all()
    uniform = ProbabilityPolicy(name="uniform", probability=0.1)
    of_chosen, of_uniform = (errors_by_drawing(fleet, one, 300, seed) for seed, one in enumerate((policy, uniform)))
    assert of_uniform.max() > 3 * of_chosen.max()
    assert np.sqrt((of_uniform**2).mean()) > 3 * np.sqrt((of_chosen**2).mean())
    exact = simulate(policy, fleet, "error_rate", by="node").errors.filter(
        (pl.col("level") == "group") & (pl.col("truth") > 0)
    )  # fmt: skip
    assert of_chosen == pytest.approx(exact["relative_error"].to_numpy(), rel=0.35)  # about 30 traces a node


def test_where_starts_may_be_kept_less_than_ends_error_rates_are_told_better_still(fleet):
    both = [choose(fleet, "error_rate", budget=0.1, strata=strata) for strata in (None, ["node", "event_type"])]
    by_node, by_type = (one.frontier.filter("chosen")["worst_error"].item() for one in both)
    assert by_type < 0.8 * by_node


def test_the_frontier_tells_what_simulating_the_chosen_policy_tells(fleet):
    found = choose(fleet, ["error_rate", "count"], budget=0.2)
    row = found.frontier.filter("chosen").row(0, named=True)
    told = simulate(found.policy, fleet, ["error_rate", "count"], by="node")
    assert told.policies["events_share"].item() == pytest.approx(row["volume_share"])
    assert told.errors["relative_error"].max() == pytest.approx(row["worst_error"])
    assert row["volume_share"] <= row["budget"] == 0.2


def test_a_target_is_met_at_the_smallest_volume_that_was_tried(fleet):
    found = choose(fleet, "error_rate", target_error=0.1)
    row = found.frontier.filter("chosen").row(0, named=True)
    assert row["worst_error"] <= 0.1
    less = choose(fleet, "error_rate", budget=0.97 * row["volume_share"]).frontier.filter("chosen")
    assert less["worst_error"].item() > 0.1
    assert choose(fleet, "error_rate", target_error=0).frontier.filter("chosen")["worst_error"].item() == 0


def test_live_and_on_history_the_chosen_policy_keeps_the_same_events(fleet):
    policy = choose(fleet, budget=0.1, strata=["node", "event_type"]).policy
    some = fleet.head(300)
    sampler = EventSampler(policy)
    assert [sampler.decide(row).keep for row in some.iter_rows(named=True)] == apply(policy, some.lazy()).collect()[
        "keep"
    ].to_list()


def test_names_that_look_like_patterns_and_events_without_a_name_get_the_share_that_was_meant():
    rng = np.random.default_rng(1)
    nodes = ["a*", "a?", "[a]", "ab", None]
    sizes = [2000, 500, 120, 60, 900]
    node = [name for name, size in zip(nodes, sizes, strict=True) for _ in range(size)]
    ids = [str(UUID(bytes=rng.bytes(16), version=4)) for _ in node]
    events = pl.DataFrame({
        "event_id": ids, "trace_id": None, "correlation_id": None, "node": node,
        "outcome": np.where(rng.random(len(node)) < 0.1, "failure", "success"),
    })  # fmt: skip
    found = choose(events, budget=0.4)
    kept = apply(found.policy, events.lazy()).filter(pl.col("outcome") != "failure").group_by("node")
    shares = kept.agg(pl.col("probability").unique()).collect()
    assert (shares["probability"].list.len() == 1).all()
    assert shares["probability"].n_unique() == len(nodes)
    assert simulate(found.policy, events, "error_rate", by="node").errors["relative_error"].max() == pytest.approx(
        found.frontier.filter("chosen")["worst_error"].item()
    )


def test_without_failures_kept_whole_one_share_of_all_may_be_chosen():
    found = choose(log_of(500, 2), "count", by=(), budget=0.5, keep_failures=False)
    assert found.policy == RulePolicy(name="chosen", default=0.5, keep_failures=False)


@settings(max_examples=examples(50))
@given(
    st.lists(st.lists(st.floats(0, 100), min_size=4, max_size=4), min_size=1, max_size=3),
    st.lists(st.floats(1, 100), min_size=4, max_size=4), st.floats(0.05, 0.95), st.integers(0, 100),
)  # fmt: skip
def test_no_shares_of_the_same_volume_have_a_much_smaller_worst_error(spread, volume, budget, seed):
    spread, volume = np.array(spread), np.array(volume)
    shares = allocated(spread, volume, budget * volume.sum(), 0.01)
    assert shares @ volume <= budget * volume.sum() * (1 + 1e-6)
    assert ((shares >= 0.01) & (shares <= 1)).all()
    others = np.random.default_rng(seed).uniform(0.01, 1, (2000, 4))
    others = others[others @ volume <= budget * volume.sum()]
    if len(others):
        worst = ((1 / others - 1) @ spread.T).max(axis=1).min()
        assert (spread @ (1 / shares - 1)).max() <= 1.02 * worst + 1e-9


def test_impossible_wishes_are_refused_with_the_mend():
    events = log_of(200, 1, failing=0.3)
    for wrong in ({}, {"budget": 0.5, "target_error": 0.1}, {"budget": 0}, {"budget": 1.5}, {"target_error": -1}):
        with pytest.raises(InvalidOption):
            choose(events, **wrong)
    with pytest.raises(InvalidOption, match=r"at least 0\.\d+: failures"):
        choose(events, budget=0.1)
    with pytest.raises(InvalidOption, match="some of event_type"):
        choose(events, budget=0.5, strata="outcome")
    with pytest.raises(InvalidOption, match="not 0"):
        choose(events.with_columns(outcome=pl.lit("success")), budget=0.5)
    with pytest.raises(InvalidOption, match="not 0"):
        choose(events.clear(), budget=0.5)


@pytest.mark.parametrize("seed", range(3))
def test_a_budget_of_all_keeps_all_without_a_warning(seed):
    events = log_of(12, 2, nodes=6, seed=seed)
    chosen = choose(events, ["error_rate", "count", "mean(execution_time_ms)"], by="node", budget=1.0)
    assert chosen.frontier.filter("chosen").select("volume_share", "worst_error").row(0) == (1.0, 0.0)
    assert apply(chosen.policy, events.lazy()).collect()["keep"].all()
