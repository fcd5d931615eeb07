"""What Honeycomb's dynsampler reckons, checked by hand and by its laws."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.sampling import DynamicPolicy
from onex_analytics.sampling.dynamic_rates import Key, Rates
from tests.laws import examples

COUNTS = st.dictionaries(st.sampled_from([("a",), ("b",), ("c",), (None,), ("",)]), st.integers(1, 10_000))


def told(rates: Rates, *names: str) -> list[int]:
    return [rates.of((name,)) for name in names]


def test_at_first_all_are_kept_at_the_goal_and_then_a_kind_that_is_new_is_kept_whole():
    rates = Rates(DynamicPolicy(by="node", goal_rate=20))
    assert told(rates, "a") == [20]
    rates.end_interval({("a",): 100})
    assert told(rates, "a", "new") == [20, 1]


def test_kinds_share_the_events_that_may_be_kept_by_the_logarithms_of_their_averages():
    # averages 500 and 5: 505 / 10 = 50.5 to keep; parts by log10 2.69897 : 0.69897 are 40.11 and 10.39
    rates = Rates(DynamicPolicy(by="node", goal_rate=10))
    rates.end_interval({("a",): 1000, ("b",): 10})
    assert told(rates, "a", "b") == [math.ceil(500 / 40.11), 1]


def test_what_a_kind_leaves_goes_to_those_after_it_by_name():
    # averages 5 and 500: a has no use for 5.39 of its 10.39, so that b may have 45.5
    rates = Rates(DynamicPolicy(by="node", goal_rate=10))
    rates.end_interval({("a",): 10, ("b",): 1000})
    assert told(rates, "a", "b") == [1, 11]


def test_the_rates_of_dynsamplers_own_test_come_out():
    counts = {"one": 1, "two": 1, "three": 2, "four": 5, "five": 8, "six": 15, "seven": 45, "eight": 612, "nine": 2000,
              "ten": 10_000}  # fmt: skip
    rates = Rates(DynamicPolicy(by="node", method="average", goal_rate=20))
    rates.end_interval({(name,): count for name, count in counts.items()})
    assert told(rates, *counts) == [1, 1, 1, 1, 1, 1, 1, 6, 14, 47]


def test_an_average_moves_by_half_and_is_forgotten_when_it_is_too_small():
    rates = Rates(DynamicPolicy(by="node", goal_rate=2))
    rates.end_interval({("a",): 4, ("b",): 4})
    for _ in range(2):  # a: 2, 1, 0.5
        rates.end_interval({("b",): 4})
    assert ("a",) in rates._averages
    rates.end_interval({("b",): 4})
    assert ("a",) not in rates._averages


def test_an_interval_without_events_moves_no_average():
    rates = Rates(DynamicPolicy(by="node"))
    rates.end_interval({("a",): 1000})
    before = dict(rates._averages)
    rates.pass_empty(7)
    assert rates._averages == before
    assert rates.intervals == 8


def test_a_burst_ends_an_interval_at_twice_the_averages_after_the_third():
    rates = Rates(DynamicPolicy(by="node"))
    for _ in range(3):
        assert rates.ends_at == math.inf
        rates.end_interval({("a",): 100})
    assert rates.ends_at == pytest.approx(2 * 87.5)
    rates.end_interval({("a",): 175}, burst=True)
    assert rates.intervals == 3
    never = Rates(DynamicPolicy(by="node", burst_multiple=None, burst_delay=0))
    never.end_interval({("a",): 100})
    assert never.ends_at == math.inf


def test_the_average_of_one_interval_forgets_those_before():
    rates = Rates(DynamicPolicy(by="node", method="average", goal_rate=10))
    rates.end_interval({("a",): 1000})
    assert told(rates, "a") == [10]
    rates.pass_empty(1)
    assert told(rates, "a") == [1]


def test_an_average_throughput_keeps_so_many_events_a_second():
    policy = DynamicPolicy(by="node", method="ema_throughput", goal_events_per_second=10, weight=0.9, initial_rate=7)
    rates = Rates(policy)
    assert told(rates, "a") == [7]
    rates.end_interval({("a",): 3000})  # an average of 2700, of which 150 may be kept
    assert told(rates, "a") == [18]


def test_a_total_throughput_gives_each_kind_the_same_part_of_what_may_be_kept():
    rates = Rates(DynamicPolicy(by="node", method="total_throughput", goal_events_per_second=2))  # 60 in 30 s
    assert told(rates, "a") == [1]
    rates.end_interval({("a",): 299, ("b",): 60, ("c",): 3})  # 20 each
    assert told(rates, "a", "b", "c", "new") == [14, 3, 1, 1]
    rates.pass_empty(1)
    assert told(rates, "a") == [1]


def test_a_window_counts_what_lies_in_it_and_no_more():
    policy = DynamicPolicy(by="node", method="windowed_throughput", goal_events_per_second=5, interval_ms=1000,
                           lookback_ms=3000)  # fmt: skip
    rates = Rates(policy)  # 15 events in three seconds
    for count, rate in ((30, 2), (30, 4), (30, 6), (30, 6), (0, 4)):
        rates.end_interval({("a",): count} if count else {})
        assert told(rates, "a") == [rate]
    rates.pass_empty(2)
    assert told(rates, "a") == [1]
    rates.end_interval({("a",): 150})
    rates.pass_empty(100)
    assert told(rates, "a") == [1]


@settings(max_examples=examples(60))
@given(st.lists(COUNTS, min_size=1, max_size=4), st.integers(1, 50))
def test_the_averages_hold_the_goal_where_no_kind_is_too_small_for_it(intervals, goal):
    rates = Rates(DynamicPolicy(by="node", goal_rate=goal))
    for counts in intervals:
        rates.end_interval(counts)
    averages = rates._averages
    kept = sum(max(1, count) / rates.of(key) for key, count in averages.items())
    assert all(rates.of(key) >= 1 for key in averages)
    # rates are rounded up, and each kind may have one event at least
    assert kept <= sum(max(1, one) for one in averages.values()) / goal + len(averages) + 1e-9


def by_the_book(goal: float, counts: dict[Key, float]) -> dict[Key, int]:
    """`calculateSampleRates` as dynsampler has it, word by word."""
    log_sum = sum(math.log10(max(1, count)) for count in counts.values())
    ratio = goal / log_sum if log_sum else math.inf
    rates, extra, remaining = {}, 0.0, len(counts)
    for key in sorted(counts, key=lambda key: (key[0] or "", key[0] is None)):
        count = max(1, counts[key])
        share = math.log10(count)
        part = math.nan if share == 0 and math.isinf(ratio) else max(1, share * ratio)
        part, extra, remaining = part + extra / remaining, extra - extra / remaining, remaining - 1
        if count <= part:
            rates[key] = 1
            extra += part - count
        else:
            rate = count / part
            rates[key] = 1 if math.isnan(rate) else math.ceil(rate)
            extra += part - count / rates[key]
    return rates


@given(COUNTS, st.integers(1, 50))
def test_rates_are_those_of_dynsampler(counts, goal):
    rates = Rates(DynamicPolicy(by="node", method="average", goal_rate=goal))
    rates.end_interval(counts)
    expected = by_the_book(sum(counts.values()) / goal, counts)
    assert {key: rates.of(key) for key in counts} == pytest.approx(expected, abs=1)  # where rounding meets a whole rate
    assert sum(rates.of(key) != rate for key, rate in expected.items()) <= 1


@pytest.mark.parametrize(("options", "told_"), [
    ({"by": []}, "at least 1"), ({"by": ["a", "a"]}, "names a column twice"),
    ({"goal_rate": 0}, "greater than or equal"),
    ({"goal_rate": float("nan")}, "finite"), ({"weight": 1}, "less than 1"), ({"method": "ema_average"}, "windowed"),
    ({"goal_events_per_second": 7}, "not an option of 'ema'; it is one of ema_throughput"),
    ({"method": "total_throughput", "goal_rate": 5}, "not an option of 'total_throughput'"),
    ({"method": "windowed_throughput", "interval_ms": 2000, "lookback_ms": 1000}, "wanted at least interval_ms, 2000"),
    ({"interval_ms": 0}, "greater than or equal to 1"), ({"max_keys": 0}, "greater than or equal to 1"),
    ({"goal": 10}, "not permitted"),
])  # fmt: skip
def test_options_that_cannot_be_meant_are_refused(options, told_):
    with pytest.raises(ValueError, match=told_):
        DynamicPolicy(**{"by": "node", **options})


def test_usual_options_are_those_of_dynsampler():
    usual = {method: DynamicPolicy(by="node", method=method).interval_ms for method in
             ("ema", "ema_throughput", "average", "total_throughput", "windowed_throughput")}  # fmt: skip
    assert usual == {"ema": 15_000, "ema_throughput": 15_000, "average": 30_000, "total_throughput": 30_000,
                     "windowed_throughput": 1000}  # fmt: skip
    assert DynamicPolicy(by="node", weight=0.25).age_out == 0.25
    assert DynamicPolicy(by="node").estimated
