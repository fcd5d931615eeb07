"""How high values go while nothing is wrong, and what that says of times not yet seen."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from onex_analytics.alerting.calm import calm_events, calm_share, disturbed, quiet_score, reach
from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.levels import Levels
from onex_analytics.alerting.microseconds import microseconds_of
from onex_analytics.alerting.rules import Rule
from tests.alerting.arrivals import when

HOUR_US = 3_600_000_000
DAYS_US = 24 * HOUR_US


def levels_of(peaks: list[tuple[float, float]]) -> Levels:
    """One label set that reaches these scores at these hours, and is at −∞ between them."""
    hours, scores = (np.array(column, dtype=np.float64) for column in zip(*peaks, strict=True))
    at = (hours * HOUR_US).astype(np.int64)
    below = np.full(at.size, -np.inf)
    return Levels(np.zeros(at.size, np.int64), at, at + 1, below, scores, pl.Series([[]]), 1.0, True, 0, 0, DAYS_US)


def rule_of(when_: dict[str, object], **more: object) -> Rule:
    return Rule.model_validate({"alert": "A", "when": {**when_, "threshold": 1}, **more})


def test_the_score_is_never_below_what_calm_times_reached():
    levels = levels_of([(hour + 0.5, float(hour % 5)) for hour in range(24)])
    found = quiet_score([levels], 0, DAYS_US, [], 0.5)
    assert found is not None and found >= 4


def test_the_fewer_mistakes_are_allowed_the_higher_it_is():
    draws = np.random.default_rng(1).gumbel(10, 2, 24)
    levels = levels_of([(hour + 0.5, score) for hour, score in enumerate(draws.tolist())])
    scores = [quiet_score([levels], 0, DAYS_US, [], allowed) for allowed in (0.0, 0.1, 0.9, 3, 6)]
    assert None not in scores
    assert scores == sorted(scores, reverse=True) and scores[0] > scores[-1]


def test_it_holds_for_another_day_as_often_as_it_promises():
    rng = np.random.default_rng(7)
    hits = []
    for _ in range(400):
        one, other = rng.gumbel(10, 2, 24), rng.gumbel(10, 2, 24)
        score = quiet_score([levels_of([(h + 0.5, x) for h, x in enumerate(one.tolist())])], 0, DAYS_US, [], 0.1)
        assert score is not None
        hits.append(int((other > score).sum()))
    assert 0.05 < np.mean(hits) < 0.4  # 0.1 is wished for; the fit of 24 draws is not sure of itself


def test_what_an_incident_did_says_nothing_about_calm_times():
    calm = [(hour + 0.5, 2.0) for hour in range(24)]
    busy = [(10 * HOUR_US, 11 * HOUR_US)]
    assert quiet_score([levels_of([*calm[:10], (10.5, 99.0), *calm[11:]])], 0, DAYS_US, busy, 0.1) == 2


def test_rules_are_judged_together():
    low, high = levels_of([(3.5, 1.0)]), levels_of([(7.5, 8.0)])
    assert quiet_score([low, high], 0, DAYS_US, [], 0.1) == 8


def test_where_nothing_was_seen_any_threshold_is_quiet_and_where_little_was_calm_nobody_knows():
    assert quiet_score([levels_of([(30.0, 5.0)])], 0, DAYS_US, [], 0.1) == -np.inf
    assert quiet_score([levels_of([(3.0, 5.0)])], 0, DAYS_US, [(0, 20 * HOUR_US)], 0.1) is None


@pytest.mark.parametrize(
    ("busy", "share"),
    [([], 1.0), ([(0, DAYS_US)], 0.0), ([(-5, DAYS_US // 4), (DAYS_US // 8, DAYS_US // 2)], 0.5),
     ([(3 * DAYS_US, 4 * DAYS_US)], 1.0)],
)  # fmt: skip
def test_times_that_overlap_count_once(busy, share):
    assert calm_share(0, DAYS_US, busy) == share


def test_a_deploy_disturbs_nothing_and_an_open_incident_disturbs_all_that_follows():
    told = load_incidents([
        {"id": "d", "kind": "deploy", "start": when(0), "end": when(60)},
        {"id": "a", "start": when(1000), "end": when(2000)},
        {"id": "b", "start": when(9000)},
    ])  # fmt: skip
    found = disturbed(told, timedelta(seconds=100), timedelta(seconds=50))
    assert found[0] == (microseconds_of(when(900)), microseconds_of(when(2050)))
    assert found[1] == (microseconds_of(when(8900)), np.iinfo(np.int64).max)
    log = pl.LazyFrame({"timestamp": [when(t) for t in (30, 899, 900, 2000, 2001, 8900, 20000)]})
    kept = calm_events(log, told, timedelta(seconds=100)).collect()["timestamp"].to_list()
    assert kept == [when(30), when(899), when(2001)]


def test_a_rule_reaches_as_far_as_its_longest_window_and_what_it_keeps():
    cells = {"a": {"count": {"window": "5m"}}, "b": {"count": {"window": "4h"}}}
    long = rule_of({"expr": {"cells": cells, "value": "a / b"}}, keep_firing_for="1h")
    assert reach(long) == timedelta(hours=5)
    assert reach(rule_of({"count": {"window": "10m"}})) == timedelta(minutes=10)
