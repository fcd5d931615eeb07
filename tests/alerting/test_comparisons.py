"""Two rule files on one log, and one rule file on another grid."""

from __future__ import annotations

import polars as pl
import pytest

from onex_analytics.alerting.backtesting import backtest
from onex_analytics.alerting.comparisons import (
    COMPARED_FIRINGS,
    COMPARED_INCIDENTS,
    COMPARED_RULES,
    STABILITY,
    compare_rules,
    stability,
)
from onex_analytics.exceptions import InvalidOption
from tests.alerting.arrivals import Event, frame_of
from tests.alerting.test_evaluating import rule, rule_set
from tests.alerting.test_scoring import incident

HOUR = 3600.0
LOG = frame_of([
    *(Event(f"a{n}", 3 * HOUR + n, "a") for n in range(5)),   # five at night,
    *(Event(f"b{n}", 12 * HOUR + n, "b") for n in range(3)),  # three by day,
    Event("end", 24 * HOUR, "c"),                             # and one at the very end
])
INCIDENTS = [
    incident("night", 3 * HOUR - 60, 4 * HOUR, node="a"), incident("day", 12 * HOUR, 13 * HOUR, node="b"),
    incident("never", 20 * HOUR, 21 * HOUR),
]  # fmt: skip
OLD = rule_set(rule("Often", 3, "5m"), rule("Gone", 3, "5m"))
NEW = rule_set(rule("Often", 2, "5m"), rule("Added", 9, "5m"))


def test_incidents_are_won_and_lost():
    there = compare_rules(OLD, NEW, LOG, INCIDENTS)
    assert there.incidents.schema == COMPARED_INCIDENTS
    assert there.incidents["incident"].to_list() == ["night", "day", "never"]
    assert there.incidents["change"].to_list() == ["both", "won", "neither"]
    back = compare_rules(NEW, OLD, LOG, INCIDENTS)
    assert back.incidents["change"].to_list() == ["both", "lost", "neither"]
    assert there.incidents["delay_s_after"].to_list() == back.incidents["delay_s_before"].to_list()


def test_rules_stand_beside_each_other_and_nights_are_told_apart():
    rules = compare_rules(OLD, NEW, LOG).rules
    assert rules.schema == COMPARED_RULES
    assert rules.select("rule", "change", "firings_before", "firings_after").rows() == [
        ("Often", "changed", 1, 2), ("Added", "added", None, 0), ("Gone", "removed", 1, None),
    ]  # fmt: skip
    (often,) = rules.filter(pl.col("rule") == "Often").to_dicts()
    assert often["night_pages_before"] == often["night_pages_after"] == often["pages_before"] > 0
    assert often["pages_after"] > often["night_pages_after"]
    (tokyo,) = compare_rules(OLD, NEW, LOG, tz="Asia/Tokyo").rules.filter(pl.col("rule") == "Often").to_dicts()
    assert tokyo["night_pages_before"] == 0


def test_a_firing_that_both_have_is_told_once():
    found = compare_rules(OLD, NEW, LOG).firings
    assert found.schema == COMPARED_FIRINGS
    assert found.select("rule", "change").rows() == [("Gone", "gone"), ("Often", "both"), ("Often", "new")]


def test_rules_that_stay_change_nothing():
    same = compare_rules(OLD, OLD, LOG, INCIDENTS)
    assert set(same.rules["change"]) == {"same"}
    assert set(same.firings["change"]) == {"both"}
    assert "No rule changes what it does" in same.markdown()


def test_the_comment_says_what_is_won_and_how_nights_change():
    told = compare_rules(OLD, NEW, LOG, INCIDENTS, tz="Europe/Berlin").markdown()
    assert "**Incidents won: 1**\n- `day` 1970-01-01 13:00 (node=b), known after 10s" in told
    assert "**Incidents lost: 0**" in told
    assert "pages at night (22:00 to 06:00)" in told
    assert "| g / Often | changed | 1 → 2 |" in told
    assert "| incidents caught | 1 of 3 | 2 of 3 | +1 |" in told


def test_a_backtest_can_be_a_comment_too():
    with_incidents = backtest(OLD, LOG, INCIDENTS).markdown()
    assert "| g / Often | 2 | 1 |" in with_incidents
    assert "1 of 3" in with_incidents
    assert "precision" not in backtest(OLD, LOG).markdown()
    assert "Nothing was evaluated" in backtest(OLD, frame_of([])).markdown()


def test_a_bar_in_a_name_does_not_break_the_table():
    assert "a\\|b" in backtest(rule_set(rule("a|b")), LOG).markdown()


def test_what_fires_on_any_grid_is_stable_and_what_hangs_on_it_is_not():
    brief = rule_set(rule("Five", 4, "11s"), rule("Two", 1, "10s"))
    five = [Event(f"{n}", 104.0 + n, "a") for n in range(5)]
    three = [Event(f"x{n}", 204 + n / 2, "a") for n in range(3)]
    log = frame_of([*five, *three, Event("end", 900, "b")])
    found = stability(backtest(brief, log))
    assert found.schema == STABILITY
    assert found.select("rule", "firings", "shifted_firings", "kept").rows() == [("Five", 1, 0, 0), ("Two", 2, 2, 2)]
    with pytest.raises(InvalidOption, match="between 0 and 1"):
        stability(backtest(brief, log), shift=1)

