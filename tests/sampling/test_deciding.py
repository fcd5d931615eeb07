"""What is simulated is what is shipped; what a small share keeps, a greater one keeps; counts add up on average."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import polars as pl
import pytest
from hypothesis import given

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.sampling import EventSampler, ProbabilityPolicy, RulePolicy, apply
from onex_analytics.sampling.deciding import DECISION
from tests.sampling.drawn import EVENTS, POLICIES, SHARES


def uuids(count: int, seed: int = 1) -> list[str]:
    drawn = np.random.default_rng(seed).bytes(16 * count)
    return [str(UUID(bytes=drawn[i : i + 16], version=4)) for i in range(0, len(drawn), 16)]


@given(POLICIES, EVENTS)
def test_the_live_sampler_and_the_simulation_keep_the_same_events_for_the_same_reason(policy, events):
    sampler = EventSampler(policy)
    live = [sampler.decide(row)._asdict() for row in events.iter_rows(named=True)]
    simulated = apply(policy, events.lazy()).collect().select(*DECISION)
    assert simulated.to_dicts() == live


@given(SHARES, SHARES, EVENTS)
def test_what_is_kept_at_a_share_is_kept_at_every_greater_one(one, other, events):
    low, high = (
        apply(ProbabilityPolicy(probability=share), events.lazy()).collect()["keep"] for share in sorted((one, other))
    )
    assert not (low & ~high).any()


@given(SHARES, EVENTS)
def test_a_trace_is_kept_whole_or_not_at_all(share, events):
    kept = apply(ProbabilityPolicy(probability=share), events.filter(pl.col("trace_id") != "").lazy())
    assert (kept.group_by("trace_id").agg(pl.col("keep").n_unique()).collect()["keep"] == 1).all()


def test_the_same_trace_is_kept_however_its_id_is_written_and_in_whichever_column():
    ids = uuids(200)
    plain = [one.replace("-", "").upper() for one in ids]
    events = pl.LazyFrame({"event_id": ids * 2, "trace_id": [*ids, *[None] * 200],
                           "correlation_id": [*[None] * 200, *plain]})  # fmt: skip
    kept = apply(ProbabilityPolicy(probability=0.3), events).collect()["keep"].to_list()
    assert kept[:200] == kept[200:]
    assert 0 < sum(kept[:200]) < 200


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_adjusted_counts_add_up_to_the_events_of_the_log_on_average(share):
    ids = uuids(100_000)
    kept = apply(ProbabilityPolicy(probability=share, scope="event"), pl.LazyFrame({"event_id": ids})).collect()
    deviation = (100_000 * (1 - share) / share) ** 0.5
    assert abs(kept["adjusted_count"].sum() - 100_000) < 5 * deviation
    assert kept["adjusted_count"].null_count() == (~kept["keep"]).sum()


def test_failures_are_kept_whole_unless_told_otherwise():
    events = pl.LazyFrame({"event_id": uuids(50), "trace_id": None, "correlation_id": None, "outcome": "failure"})
    kept, lost = (
        apply(RulePolicy(default=0, keep_failures=keep_failures), events).collect() for keep_failures in (True, False)
    )
    assert kept.select("keep", "adjusted_count", "policy").unique().rows() == [(True, 1.0, "rules/failures")]
    assert lost.select("keep", "adjusted_count", "policy").unique().rows() == [(False, None, "rules/default")]


def test_the_first_rule_that_matches_holds_and_an_event_without_a_fact_matches_a_star_alone():
    rules = [{"probability": 0.5, "severity": "E*"}, {"name": "files", "probability": 0.25, "node": ["a", "b?"]},
             {"probability": 0, "error_code": "*"}]  # fmt: skip
    events = pl.LazyFrame({
        "event_id": uuids(5), "trace_id": None, "correlation_id": None, "outcome": "success",
        "severity": ["ERROR", None, None, "INFO", None], "node": ["a", "a", "b", "b1", None], "error_code": None,
    })  # fmt: skip
    found = apply(RulePolicy(rules=rules), events.with_columns(pl.col("error_code").cast(pl.String))).collect()
    assert found["policy"].to_list() == ["rules/1", "rules/files", "rules/3", "rules/files", "rules/3"]


@given(POLICIES)
def test_counts_of_fixed_shares_are_no_estimates(policy):
    assert policy.estimated is False


def test_a_log_that_was_sampled_before_stands_for_more():
    half = ProbabilityPolicy(probability=0.5, scope="event")
    surely_kept = "00000000-0000-4000-8fff-ffffffffffff"
    events = pl.LazyFrame({"event_id": [surely_kept, surely_kept], "adjusted_count": [4.0, None]})
    assert apply(half, events).collect()["adjusted_count"].to_list() == [8.0, 2.0]
    assert apply(half, events, upstream="consistent").collect()["adjusted_count"].to_list() == [4.0, 2.0]
    with pytest.raises(InvalidOption, match="upstream"):
        apply(half, events, upstream="both")


def test_a_policy_applied_anew_takes_the_place_of_what_was_decided_before():
    events = pl.LazyFrame({"event_id": uuids(10)})
    once = apply(ProbabilityPolicy(probability=1, scope="event"), events)
    assert apply(ProbabilityPolicy(probability=1, scope="event"), once).collect().equals(once.collect())


def test_what_is_no_policy_is_refused_and_a_frame_that_is_collected_is_taken():
    events = pl.DataFrame({"event_id": ["a"]})
    with pytest.raises(InvalidOption, match="policy is 'float'; wanted a policy such as"):
        apply(0.1, events.lazy())
    assert apply(ProbabilityPolicy(probability=1, scope="event"), events).collect()["keep"].to_list() == [True]


def test_a_frame_without_ids_is_refused_and_an_empty_one_is_not():
    with pytest.raises(MissingColumns, match="correlation_id"):
        apply(ProbabilityPolicy(probability=1), pl.LazyFrame({"event_id": ["a"]}))
    empty = apply(ProbabilityPolicy(probability=1, scope="event"), pl.LazyFrame(schema={"event_id": pl.String}))
    assert empty.collect().height == 0


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), 2**-60])
def test_an_impossible_share_is_refused_in_every_policy(share):
    for made in (
        lambda: ProbabilityPolicy(probability=share), lambda: RulePolicy(default=share),
        lambda: RulePolicy(rules=[{"probability": share}]),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"2\^-56 to 1"):
            made()
