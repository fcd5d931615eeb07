"""The SDK's own sampler: the same traces are kept, and the shares told are those kept; it is not mixed with ours."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption
from onex_analytics.sampling import EventSampler, TailPolicy, TraceIdRatioBased, apply
from onex_analytics.sampling.deciding import DECISION
from tests.laws import examples
from tests.sampling.drawn import EVENTS

SHARES = st.one_of(st.sampled_from([0.0, 0.5, 0.75, 1.0]), st.floats(0, 1))


def log(ids: list[str]) -> pl.LazyFrame:
    return pl.LazyFrame({"event_id": ids, "trace_id": ids, "correlation_id": None})


@given(SHARES, st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=20))
def test_it_keeps_what_the_sdk_for_python_keeps(share, numbers):
    limit = (1 << 64) - 1
    bound = round(share * (limit + 1))
    found = apply(TraceIdRatioBased(probability=share), log([f"{number:032x}" for number in numbers])).collect()
    assert found["keep"].to_list() == [number & limit < bound for number in numbers]


@settings(max_examples=examples(50))
@given(SHARES, EVENTS)
def test_live_and_on_history_the_same_is_kept(share, events):
    policy = TraceIdRatioBased(probability=share)
    sampler = EventSampler(policy)
    live = [sampler.decide(row)._asdict() for row in events.iter_rows(named=True)]
    assert apply(policy, events.lazy()).collect().select(*DECISION).to_dicts() == live


@pytest.mark.parametrize(("share", "kept"), [(0.1, 0), (0.5, 0), (0.55, 0.2), (0.625, 0.5), (0.75, 1), (0.9, 1)])
def test_of_uuids_it_keeps_another_share_and_says_so(share, kept):
    ids = [f"00000000-0000-4000-{0x8000 + 0x4000 * n // 1000:04x}-000000000000" for n in range(1000)]
    found = apply(TraceIdRatioBased(probability=share), log(ids)).collect()
    assert found["keep"].mean() == pytest.approx(kept, abs=0.002)
    assert found["probability"].to_list() == pytest.approx([kept] * 1000)
    assert set(found["policy"]) == {"trace_id_ratio_based/UUIDs"}


def test_of_other_ids_the_hash_is_looked_at():
    found = apply(TraceIdRatioBased(probability=0.3), log([f"order-{n}" for n in range(2000)])).collect()
    assert found["keep"].mean() == pytest.approx(0.3, abs=0.05)
    assert found["adjusted_count"].sum() == pytest.approx(2000, rel=0.15)


def test_it_is_not_mixed_with_consistent_sampling():
    policy = TraceIdRatioBased(probability=0.5)
    with pytest.raises(InvalidOption, match="other bits"):
        apply(policy, log(["a"]), upstream="consistent")
    with pytest.raises(ValueError, match="trace_id_ratio_based"):
        TailPolicy(policies=[policy])


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_an_impossible_share_is_refused(share):
    with pytest.raises(ValueError, match="than or equal to"):
        TraceIdRatioBased(probability=share)


def test_events_are_emitted_at_its_share_where_they_are_drawn_anew():
    sampler = EventSampler(TraceIdRatioBased(probability=0.5), seed=1)
    assert 400 < sum(sampler.should_emit("A") for _ in range(1000)) < 600
