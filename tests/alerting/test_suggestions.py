"""Rules are tuned on the first part of a log, and judged on the rest."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.rules import RuleSet
from onex_analytics.alerting.suggestions import suggest
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import when

HOUR = 3_600.0
BURSTS = [5, 12, 20, 29, 38, 44]


def log() -> pl.DataFrame:
    """Two days: a failure every ten minutes, and six bursts of one a minute for half an hour."""
    times = [600.0 * n + 7 for n in range(6 * 48)]
    times += [HOUR * hour + 60.0 * n + 11 for hour in BURSTS for n in range(30)]
    return pl.DataFrame({
        "event_id": [f"{n:04}" for n in range(len(times))], "timestamp": [when(t) for t in sorted(times)],
        "outcome": "failure",
    })  # fmt: skip


def incidents(hours: list[int]) -> pl.DataFrame:
    return pl.DataFrame({
        "id": [f"burst-{hour}" for hour in hours], "start": [when(HOUR * hour) for hour in hours],
        "end": [when(HOUR * hour + 1_800) for hour in hours],
    })  # fmt: skip


def rules(threshold: float) -> RuleSet:
    rule = {"alert": "Failures", "when": {"count": {"of": "outcome == 'failure'", "window": "10m"},
                                          "threshold": threshold}}  # fmt: skip
    return RuleSet.model_validate({"groups": [{"name": "g", "interval": "1m", "rules": [rule]}]})


@pytest.mark.parametrize("threshold", [0.0, 1000.0])
def test_a_rule_that_always_or_never_fires_is_tuned_until_it_finds_each_burst_with_no_false_page(threshold):
    found = suggest(rules(threshold), log(), incidents(BURSTS), max_pages_per_day=8)
    assert found.met, found.verdict
    assert 2 <= found.rules.rule("Failures").when.threshold < 11
    total = found.scores.filter(pl.col("rule").is_null())
    assert total["recall"].to_list() == [1.0, 1.0]
    again = backtest(found.rules, log(), incidents(BURSTS))
    assert again.transitions.equals(found.backtest.transitions)


def test_what_cannot_be_had_is_said():
    found = suggest(rules(3.0), log(), incidents(BURSTS), max_pages_per_day=0.1)
    assert not found.met
    assert "there are more than 0.1 pages a day" in found.verdict


def test_the_second_part_has_no_say_in_the_tuning():
    early = [hour for hour in BURSTS if hour < 24]
    with_all = suggest(rules(3.0), log(), incidents(BURSTS), max_pages_per_day=8)
    with_early = suggest(rules(3.0), log(), incidents(early), max_pages_per_day=8)
    assert with_all.choices.equals(with_early.choices)


def test_without_an_incident_in_the_first_part_there_is_nothing_to_tune_on():
    with pytest.raises(InvalidOption, match="some in the first part"):
        suggest(rules(3.0), log(), incidents([38, 44]))
