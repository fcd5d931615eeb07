"""Scores that others use."""

from __future__ import annotations

import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.other_scores import NAB, RANGES, nab_scores, range_scores
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import frame_of
from tests.alerting.test_evaluating import rule, rule_set
from tests.alerting.test_scoring import incident, result_of

INCIDENTS = [incident("i", 1000, 2000), incident("j", 5000, 6000)]


def nab(firings: list[float], **options: str) -> float:
    found = nab_scores(result_of([("A", None, at, at + 10) for at in firings], INCIDENTS, days=1), **options)
    assert found.schema == NAB
    return found["nab_score"].to_list()[-1]


def ranges(firings: list[tuple[float, float]], alpha: float = 0.0) -> tuple[float | None, float | None]:
    found = range_scores(result_of([("A", None, *times) for times in firings], INCIDENTS, days=1), alpha)
    assert found.schema == RANGES
    return found.select("range_precision", "range_recall").rows()[-1]


def test_silence_is_nothing_and_catching_all_at_their_start_is_perfect():
    assert nab([]) == 0
    assert nab([1000, 5000]) == pytest.approx(100)


def test_what_is_caught_late_is_worth_less():
    assert nab([1000, 5000]) > nab([1500, 5500]) > nab([2000, 6000]) > nab([])
    assert nab([2000, 6000]) == pytest.approx(50)  # worth nothing, but no miss


def test_only_the_first_firing_in_an_incident_counts():
    assert nab([1000, 1500, 1900, 5000]) == pytest.approx(100)


def test_a_false_firing_costs_more_the_farther_it_lies_behind_an_incident_and_at_most_a_whole_one():
    near, far, before = nab([1000, 2010, 5000]), nab([1000, 4000, 5000]), nab([500, 1000, 5000])
    assert 100 > near > far > before
    assert before == pytest.approx(100 - 100 * 0.11 / 4)


def test_a_profile_says_what_errors_cost():
    assert nab([500, 1000, 5000], profile="reward_low_FP") == pytest.approx(100 - 100 * 0.22 / 4)
    assert nab([500, 1000, 5000], profile="reward_low_FN") == pytest.approx(100 - 100 * 0.11 / 6)
    with pytest.raises(InvalidOption, match="standard"):
        nab([], profile="generous")


def test_ranges_count_by_the_share_that_is_overlapped():
    assert ranges([(1000, 2000), (5000, 6000)]) == (1.0, 1.0)
    assert ranges([(1500, 2500)]) == (0.5, 0.25)
    assert ranges([(1000, 1500), (1250, 1750), (8000, 9000)]) == (0.5, 0.375)
    assert ranges([(1500, 2500)], alpha=1.0) == (0.5, 0.5)
    assert ranges([]) == (None, 0.0)


def test_bad_use_is_refused():
    with pytest.raises(InvalidOption, match="0 to 1"):
        ranges([], alpha=2)
    for score in (nab_scores, range_scores):
        with pytest.raises(InvalidOption, match="labelled incidents"):
            score(backtest(rule_set(rule("A")), frame_of([])))
