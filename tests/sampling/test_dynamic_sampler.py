"""Live and on history a dynamic policy has the same rates at the same event, and so decides the same."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.sampling import DynamicPolicy, DynamicSampler, EventSampler, ProbabilityPolicy, TailSampler, apply
from onex_analytics.sampling.deciding import DECISION
from tests.sampling.drawn_tails import EVENTS, NOON

POLICIES = st.builds(
    lambda method, options, **both: DynamicPolicy(method=method, **both, **options),
    method=st.just("ema"), options=st.fixed_dictionaries({
        "goal_rate": st.integers(1, 5), "burst_multiple": st.sampled_from([None, 0.5, 1.0, 2.0]),
        "burst_delay": st.integers(0, 2), "weight": st.sampled_from([0.25, 0.5]),
    }),
    by=st.sampled_from(["node", ("node", "success"), ("outcome", "node", "trace_id")]),
    scope=st.sampled_from(["trace", "event"]),
    interval_ms=st.sampled_from([1, 500, 1000, 2000]), max_keys=st.sampled_from([1, 2, 500]),
    precision=st.sampled_from([1, 14]),
) | st.builds(
    lambda method, lookback_ms, **both: DynamicPolicy(
        method=method, **both, **({"lookback_ms": lookback_ms} if method == "windowed_throughput" else {})
    ),
    method=st.sampled_from(["ema_throughput", "total_throughput", "windowed_throughput"]),
    by=st.sampled_from(["node", ("outcome",)]), goal_events_per_second=st.sampled_from([0.1, 1, 3]),
    interval_ms=st.sampled_from([500, 1000, 2000]), lookback_ms=st.sampled_from([2000, 2500, 6000]),
    max_keys=st.sampled_from([1, 500]),
) | st.builds(DynamicPolicy, method=st.just("average"), by=st.just("node"), goal_rate=st.integers(1, 9),
              interval_ms=st.sampled_from([1000, 3000]))  # fmt: skip


@given(POLICIES, EVENTS)
def test_live_and_on_history_the_same_is_decided_of_every_event(policy, events):
    moment = pl.coalesce("arrived_at", "timestamp")
    ordered = events.sort(moment, "timestamp", "event_id", nulls_last=True, maintain_order=True)
    sampler = DynamicSampler(policy)
    live = []
    for row in ordered.iter_rows(named=True):
        live.append(sampler.decide(row)._asdict())
        assert sampler.kinds <= policy.max_keys
    assert apply(policy, ordered.lazy()).collect().select(*DECISION).to_dicts() == live


def log(counts: dict[str, int], seconds: int, seed: int = 5) -> pl.DataFrame:
    """So many events of each node in each of some seconds."""
    nodes = [node for node, count in counts.items() for _ in range(count)] * seconds
    second = np.repeat(np.arange(seconds), sum(counts.values()))
    ids = [f"{seed}-{n}" for n in range(len(nodes))]
    return pl.DataFrame({"event_id": ids, "trace_id": ids, "correlation_id": None, "node": nodes,
                         "timestamp": [NOON + timedelta(seconds=int(one)) for one in second]},
                        schema_overrides={"correlation_id": pl.String})  # fmt: skip


def test_one_event_in_the_goal_is_kept_and_of_rare_kinds_a_greater_share():
    events = log({"busy": 200, "middle": 20, "rare": 1}, 60)
    found = apply(DynamicPolicy(by="node", goal_rate=10), events.lazy()).collect()
    later = found.filter(pl.col("timestamp") >= NOON + timedelta(seconds=15))
    assert 0.07 < later["keep"].mean() <= 0.1  # rates are rounded up, and what the last kind leaves is not kept
    share = dict(later.group_by("node").agg(pl.col("keep").mean()).iter_rows())
    assert share["rare"] == 1
    assert share["rare"] > share["middle"] > share["busy"]
    assert found["adjusted_count"].sum() == pytest.approx(events.height, rel=0.1)


def test_a_burst_is_thinned_out_within_the_interval_in_which_it_comes():
    calm, burst = log({"a": 10}, 60), log({"a": 3000}, 2, seed=6)
    events = pl.concat([calm, burst.with_columns(pl.col("timestamp") + timedelta(seconds=60))])
    policy = DynamicPolicy(by="node", method="ema_throughput", goal_events_per_second=1)
    kept = [
        apply(one, events.lazy()).filter("keep", pl.col("timestamp") >= NOON + timedelta(seconds=60)).collect().height
        for one in (policy, policy.model_copy(update={"burst_multiple": None}))
    ]
    assert kept[0] < kept[1] / 3


def test_kinds_beyond_the_most_that_are_counted_are_kept_whole():
    events = log({"a": 50, "b": 50}, 40)
    found = apply(DynamicPolicy(by="node", max_keys=1), events.lazy()).collect()
    later = found.filter(pl.col("timestamp") >= NOON + timedelta(seconds=15))
    assert dict(later.group_by("node").agg(pl.col("probability").max()).iter_rows())["b"] == 1.0


def test_a_clock_that_goes_back_stands_still():
    rows = log({"a": 3}, 40).to_dicts()
    back = [row if n % 2 else {**row, "timestamp": NOON - timedelta(days=1)} for n, row in enumerate(rows)]
    policy = DynamicPolicy(by="node", goal_rate=3, interval_ms=1000)
    first = DynamicSampler(policy)
    told = [first.decide(row).probability for row in rows[1::2]]
    second = DynamicSampler(policy)
    both = [second.decide(row) for row in back]
    assert len(told) == len(both) // 2
    assert second._clock.shows == first._clock.shows


def test_columns_that_are_missing_or_name_no_kind_are_refused():
    events = log({"a": 1}, 1).lazy()
    with pytest.raises(MissingColumns, match="region"):
        apply(DynamicPolicy(by="region"), events)
    with pytest.raises(InvalidOption, match="whole numbers"):
        apply(DynamicPolicy(by="timestamp"), events)
    with pytest.raises(InvalidOption, match="a column of times"):
        apply(DynamicPolicy(by="node"), events.with_columns(timestamp=1))
    empty = events.filter(False)
    assert apply(DynamicPolicy(by="node"), empty).collect().height == 0


def test_each_sampler_takes_its_own_policies():
    policy = DynamicPolicy(by="node")
    for wrong in (EventSampler, TailSampler):
        with pytest.raises(InvalidOption, match="DynamicPolicy"):
            wrong(policy)
    with pytest.raises(InvalidOption, match="a DynamicPolicy"):
        DynamicSampler(ProbabilityPolicy(probability=1))
    with pytest.raises(InvalidOption, match="an OnexEvent"):
        DynamicSampler(policy).decide(3)
