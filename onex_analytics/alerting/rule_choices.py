"""Ways to set a rule, and which of them to take: thresholds that find incidents, or that calm times do not reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from onex_analytics.alerting.levels import Levels, Placed, Runs, levels_of
from onex_analytics.alerting.rules import Rule
from onex_analytics.alerting.sweeps import Judge, rows_of

_PRICES = (0.0, *np.geomspace(1e-3, 0.5, 14).tolist())
"""What a firing costs, in incidents: for each of them the best rules are looked for."""
_LEAST_PRECISION = 0.5
"""A general rule of which more firings are mistakes has found what it found by chance."""
_MOST = {"ratio": 1.0, "absent": 1.0}
"""The greatest value that a kind of cell can have."""
_BELOW_ZERO = ("aggregate", "quantile", "expr")
"""Kinds whose values can be negative."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One way to set a rule: a threshold, and what it came to on the first part."""

    rule: Rule
    levels: Levels
    caught: NDArray[np.bool_]
    firings: int
    true_firings: int
    low: float | None
    high: float | None

    @property
    def cost(self) -> float:
        """Firings, false ones twice."""
        return self.firings + (self.firings - self.true_firings)


@dataclass(frozen=True, eq=False)
class Place:
    """A rule to be set, and the ways to do so. The quiet one is silent in calm times; others must find more than it."""

    here: Placed
    quiet: Candidate | None
    others: Sequence[Candidate]


def place_of(
    here: Placed, runs: Sequence[Runs], variants: Sequence[Rule], holds: Sequence[timedelta], score: float | None,
    judged: Callable[[Levels], Judge],
) -> Place:  # fmt: skip
    """The ways to set a rule, from the runs of its variants; the first of them is the rule as it stands.

    With a score above which it is silent in calm times, one way is the threshold of that score. Of each set of
    incidents that some threshold catches, the one with the least firings is another: where there is a score, if at
    least half of its firings catch something.
    """
    found: dict[bytes, Candidate] = {}
    quiet: Candidate | None = None
    for number, (variant, some) in enumerate(zip(variants, runs, strict=True)):
        for hold in sorted({here.rule.for_, *holds}):
            held = variant.model_copy(update={"for_": hold})
            levels = levels_of(some, held)
            judge = judged(levels)
            if number == 0 and hold == here.rule.for_ and score is not None:
                quiet = _quiet(held, levels, judge, score)
            for one in _of_levels(held, levels, judge):
                if score is not None and one.true_firings < _LEAST_PRECISION * one.firings:
                    continue
                key = one.caught.tobytes()
                if key not in found or one.cost < found[key].cost:
                    found[key] = one
    return Place(here, quiet, list(found.values()))


def _quiet(rule: Rule, levels: Levels, judge: Judge, score: float) -> Candidate | None:
    """The rule with the threshold of a score; nothing where it could never fire."""
    kind = rule.when.cell.kind
    if score >= (_MOST.get(kind, np.inf) if levels.sign > 0 else np.inf if kind in _BELOW_ZERO else 0.0):
        return None
    if not levels.strict and score > levels.sign * rule.when.threshold:
        score += max(abs(score) / 100, 1e-9)  # it fires at its threshold, and is to be silent there
    threshold = float(f"{levels.sign * score:.12g}")
    row = rows_of(levels, np.array([threshold]), judge).row(0, named=True)
    when = rule.when.model_copy(update={"threshold": threshold})
    return Candidate(
        rule.model_copy(update={"when": when}), levels, judge.caught(np.array([threshold]))[:, 0], row["firings"],
        row["true_firings"], row["low"], row["high"],
    )  # fmt: skip


def rounded_up(score: float) -> float:
    """A number with three digits, not below the score."""
    if score == 0 or not np.isfinite(score):
        return score
    step = 10.0 ** (np.floor(np.log10(abs(score))) - 2)
    if step == 0:
        return score  # too near to 0 for three digits
    return float(f"{np.ceil(score / step) * step:.12g}")


def _of_levels(rule: Rule, levels: Levels, judge: Judge) -> list[Candidate]:
    rows = rows_of(levels, None, judge)
    if not rows.height:
        return []
    caught = judge.caught(rows["threshold"].to_numpy())
    firings, true, judged = (rows[name].to_numpy() for name in ("firings", "true_firings", "judged"))
    alike = np.concatenate([caught, judged[None, :] - true[None, :]])
    edges = np.flatnonzero(np.any(alike[:, 1:] != alike[:, :-1], axis=0)) + 1
    found: dict[bytes, Candidate] = {}
    for begin, end in zip([0, *edges.tolist()], [*edges.tolist(), rows.height], strict=True):
        low, high = rows["low"][begin], rows["high"][end - 1]
        set_of = caught[:, begin]
        if low is None or high is None or not set_of.any():
            continue
        threshold = _round_between(low, high)
        place = begin + int(np.argmin(firings[begin:end]))
        when = rule.when.model_copy(update={"threshold": threshold})
        one = Candidate(rule.model_copy(update={"when": when}), levels, set_of, int(firings[place]), int(true[place]),
                         low, high)  # fmt: skip
        key = set_of.tobytes()
        if key not in found or one.cost < found[key].cost:
            found[key] = one
    return list(found.values())


def _round_between(low: float, high: float) -> float:
    """A number with few digits near the middle of the two."""
    middle, width = low + (high - low) / 2, high - low
    for digits in range(-12, 17):
        if low < (found := round(middle, digits)) < high and abs(found - middle) <= width / 8:
            return found
    return middle


def choices(places: Sequence[Place], n_incidents: int) -> list[list[Candidate | None]]:
    """What is best for each of several prices of a firing: a candidate of each place, or none."""
    known: dict[tuple[int, ...], list[Candidate | None]] = {}
    for price in _PRICES:
        chosen = _descended(places, n_incidents, price)
        known.setdefault(tuple(id(one) for one in chosen), chosen)
    return list(known.values())


def _descended(places: Sequence[Place], n_incidents: int, price: float) -> list[Candidate | None]:
    """One rule after the other takes what is best beside the others, until none changes."""
    chosen: list[Candidate | None] = [place.quiet for place in places]
    for _ in range(20):
        changed = False
        for number, place in enumerate(places):
            others = np.zeros(n_incidents, np.bool_)
            for other, one in enumerate(chosen):
                if one is not None and other != number:
                    others |= one.caught

            def gain(one: Candidate, others: NDArray[np.bool_] = others) -> float:
                return float((one.caught & ~others).sum()) - price * one.cost

            best, most = place.quiet, 0.0 if place.quiet is None else gain(place.quiet)
            found = others if place.quiet is None else others | place.quiet.caught
            for one in place.others:
                if not (one.caught & ~found).any():
                    continue
                if gain(one) > most or (gain(one) == most and best not in (None, place.quiet) and one.cost < best.cost):
                    best, most = one, gain(one)
            changed |= best is not chosen[number]
            chosen[number] = best
        if not changed:
            break
    return chosen
