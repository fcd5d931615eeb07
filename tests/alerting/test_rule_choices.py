"""Which way to set each rule is taken: silent ones stay, others must find what nobody else does."""

from __future__ import annotations

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.alerting.incidents import load_incidents
from onex_analytics.alerting.levels import Levels, placed, runs_of
from onex_analytics.alerting.rule_choices import Candidate, Place, choices, place_of, rounded_up
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.sweeps import Judge, to_find
from tests.alerting.arrivals import when

RULE = Rule.model_validate({"alert": "A", "when": {"count": {"window": "1m"}, "threshold": 0}})
NONE = np.empty(0, np.int64)
NOTHING = Levels(NONE, NONE, NONE, np.empty(0), np.empty(0), pl.Series([]), 1.0, True, 0, 0, 1)


def candidate(caught: str, firings: int, true: int) -> Candidate:
    return Candidate(RULE, NOTHING, np.array([one == "x" for one in caught]), firings, true, None, None)


def best(places: list[Place], n: int) -> list[Candidate | None]:
    """What the first price, at which a firing costs nothing, takes."""
    return choices(places, n)[0]


def test_a_silent_rule_stays_unless_another_way_finds_more():
    quiet, same, more = candidate("x..", 1, 1), candidate("x..", 1, 1), candidate("xx.", 2, 2)
    here = placed(RULE)
    assert best([Place(here, quiet, [same])], 3) == [quiet]
    assert best([Place(here, quiet, [same, more])], 3) == [more]


def test_what_another_rule_finds_already_is_no_reason():
    here = placed(RULE)
    quiet, more, other = candidate("x..", 1, 1), candidate("xx.", 9, 2), candidate(".xx", 2, 2)
    assert best([Place(here, quiet, [more]), Place(here, other, [])], 3) == [quiet, other]


def test_a_rule_that_finds_nothing_is_kept_for_its_silence_only():
    here = placed(RULE)
    silent = candidate("...", 0, 0)
    assert best([Place(here, silent, []), Place(here, None, [])], 3) == [silent, None]


def test_at_a_higher_price_firings_for_nothing_are_not_bought():
    here = placed(RULE)
    dear = candidate("x", 100, 1)
    found = choices([Place(here, None, [dear])], 1)
    assert [dear] in found and [None] in found


def test_the_quiet_way_has_the_threshold_of_its_score():
    times = [60.0 * n + 1 for n in range(30)] + [900.0 + n / 10 for n in range(50)]
    log = pl.DataFrame({"event_id": [f"{n}" for n in range(80)], "timestamp": [when(t) for t in sorted(times)]})
    here = placed(RULE)
    told = load_incidents([{"id": "a", "start": when(890), "end": when(1000)}])

    def judged(levels: Levels) -> Judge:
        return Judge(levels, to_find(told, when(0), when(1800)), timedelta(), None)

    place = place_of(here, runs_of(here, [RULE], log), [RULE], (), 5.0, judged)
    assert place.quiet is not None
    assert (place.quiet.rule.when.threshold, place.quiet.firings, place.quiet.caught.tolist()) == (5.0, 1, [True])
    assert place_of(here, runs_of(here, [RULE], log), [RULE], (), None, judged).quiet is None


def test_a_general_rule_that_is_mostly_mistaken_has_found_nothing():
    """A burst every ten minutes, and an incident that happens to lie beside two of them: it is no sign of it."""
    times = [600.0 * n + second for n in range(6) for second in range(30)]
    log = pl.DataFrame({"event_id": [f"{n}" for n in range(len(times))], "timestamp": [when(t) for t in times]})
    here = placed(RULE)

    def judged(levels: Levels) -> Judge:
        return Judge(levels, to_find(load_incidents([one]), when(0), when(3000)), timedelta(), None)

    for end, found in ((700, 0), (1300, 1)):  # it catches two of five, or three
        one = {"id": "a", "start": when(0), "end": when(end)}
        place = place_of(here, runs_of(here, [RULE], log), [RULE], (), 50.0, judged)
        assert len(place.others) == found
        assert len(place_of(here, runs_of(here, [RULE], log), [RULE], (), None, judged).others) == 1


@pytest.mark.parametrize("cell", [{"absent": {"window": "5m"}}, {"ratio": {"of": "node == 'a'", "window": "5m"}}])
def test_a_threshold_that_nothing_can_exceed_makes_no_rule(cell):
    rule = Rule.model_validate({"alert": "A", "when": {**cell, "op": ">", "threshold": 0}})
    log = pl.DataFrame({"event_id": ["a", "b"], "timestamp": [when(0), when(3600)], "node": ["a", "a"]})
    here = placed(rule)

    def judged(levels: Levels) -> Judge:
        return Judge(levels, to_find(load_incidents([]), when(0), when(3600)), timedelta(), None)

    assert place_of(here, runs_of(here, [rule], log), [rule], (), 1.0, judged).quiet is None


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_rounding_up_is_never_down_and_never_far(score):
    found = rounded_up(score)
    assert found >= score or math.isclose(found, score, rel_tol=1e-11)
    assert abs(found - score) <= abs(score) / 99 + 1e-300


@pytest.mark.parametrize(("op", "score", "threshold"), [
    (">", 5.0, 5.0), (">=", 5.0, 5.05), (">=", 2.0, 2.0), ("<", -1.0, 1.0), ("<=", -1.0, 0.99), ("<", 0.0, None),
])  # fmt: skip
def test_a_quiet_rule_does_not_fire_at_what_calm_times_reached(op, score, threshold):
    rule = Rule.model_validate({"alert": "A", "when": {"count": {"window": "1m"}, "op": op, "threshold": 2}})
    log = pl.DataFrame({"event_id": ["a", "b"], "timestamp": [when(0), when(600)]})
    here = placed(rule)

    def judged(levels: Levels) -> Judge:
        return Judge(levels, to_find(load_incidents([]), when(0), when(600)), timedelta(), None)

    quiet = place_of(here, runs_of(here, [rule], log), [rule], (), score, judged).quiet
    assert (None if quiet is None else quiet.rule.when.threshold) == threshold
