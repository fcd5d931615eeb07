"""What becomes of traces that are decided one after the other: shared by the live sampler and by history.

A trace is asked its conditions; which of them hold is a small number of patterns, and each is thought through once: who
drops it, the threshold of those that want it, and what limits of a rate are asked. Then the randomness decides, and the
limits do, second by second.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onex_analytics.sampling.arrivals import NEVER
from onex_analytics.sampling.randomness import Randomness
from onex_analytics.sampling.tail_kernels import let_through
from onex_analytics.sampling.tail_policies import (
    AlwaysSample,
    And,
    BooleanAttribute,
    Composite,
    Condition,
    Drop,
    Latency,
    NumericAttribute,
    Probabilistic,
    RateLimiting,
    SomeTail,
    SpanCount,
    StringAttribute,
    TailPolicy,
    limits_of,
    told_names,
)
from onex_analytics.sampling.thresholds import RANGE, adjusted_count_of, probability_of, threshold_of

Integers = NDArray[np.int64]
Bits = NDArray[np.uint64]
NOBODY = "no policy"
_MOST_PATTERNS = 1 << 14


class Rounds(NamedTuple):
    """Traces in the order in which they are decided: of the events that were there, what is asked."""

    randomness: Randomness
    due: Integers      # when it is decided, microseconds
    early: NDArray[np.bool_]  # whether that is before its time, for want of room
    size: Integers     # events
    met: Bits          # the conditions about single events that one of them met
    start: Integers    # first begin, microseconds; after `stop` where no time is known
    stop: Integers     # last end


class Verdicts(NamedTuple):
    """What becomes of each trace; see `deciding.DECISION`."""

    keep: NDArray[np.bool_]
    probability: NDArray[np.float64]
    adjusted_count: NDArray[np.float64]  # NaN where it is dropped
    policy: NDArray[np.int64]            # a place in `Judge.names`


class _Pattern(NamedTuple):
    """What is said of all traces of which the same conditions hold."""

    dropped_by: int             # a place in the names; -1 for nobody
    threshold: int
    kept_by: int                # who has that threshold
    wants: tuple[tuple[int, ...], ...]   # of each limit, the thresholds of its parts


class Judge:
    """A policy, ready to judge traces.

    >>> judge = Judge(TailPolicy(policies=[{"kind": "latency", "threshold_ms": 2}]))
    >>> two_ms, none = np.array([0, 0]), np.zeros(2, np.uint64)
    >>> judge.verdicts(Rounds(none, two_ms, np.zeros(2, bool), np.ones(2, np.int64), none, two_ms,
    ...                       np.array([1999, 2000]))).keep.tolist()
    [False, True]
    """

    def __init__(self, policy: TailPolicy) -> None:
        self.policy = policy
        self.conditions = policy.conditions
        self._place = {condition: place for place, condition in enumerate(self.conditions)}
        told = told_names(policy.policies)
        self.names = [f"{policy.name}/{name}" for name in (*told, NOBODY, "without id")]
        limits = {place: limits_of(one) for place, one in enumerate(policy.policies)}
        self._limits = {place: np.array(one, np.int64) for place, one in limits.items() if one}
        self._patterns: dict[int, _Pattern] = {}

    def verdicts(self, rounds: Rounds) -> Verdicts:
        """What becomes of the traces. All that are decided in one second by a limit must be among them, together."""
        bits, which = np.unique(self._held(rounds), return_inverse=True)
        patterns = [self._pattern(one) for one in bits.tolist()]
        threshold = np.array([one.threshold for one in patterns], np.uint64)[which]
        dropped_by = np.array([one.dropped_by for one in patterns], np.int64)[which]
        kept_by = np.array([one.kept_by for one in patterns], np.int64)[which]
        likely = np.array([probability_of(one.threshold) for one in patterns])[which]
        stands_for = np.array([adjusted_count_of(one.threshold) or np.nan for one in patterns])[which]
        stays = dropped_by < 0
        keep = (rounds.randomness >= threshold) & stays
        policy = np.where(kept_by >= 0, kept_by, len(self.names) - 2)
        policy[~stays] = dropped_by[~stays]
        probability = np.where(stays, likely, 0.0)
        if self._limits:
            missed = 1 - probability
            told = keep.copy()
            for number, (place, limits) in enumerate(self._limits.items()):
                wants = np.array([one.wants[number] for one in patterns], np.uint64).reshape(-1, len(limits))[which]
                passes, chance = self._limited(rounds, wants, limits)
                policy[stays & ~told & (passes | (~keep & (chance > likely)))] = place
                told |= passes
                keep |= passes & stays
                missed *= 1 - chance
                limited = stays & (chance > 0)
                probability = np.where(limited, np.minimum(1 - missed, 1.0), probability)  # parts add up to 1, nearly
                stands_for[limited] = 1 / probability[limited]
        return Verdicts(keep, probability, np.where(keep, stands_for, np.nan), policy)

    def _limited(
        self, rounds: Rounds, wants: NDArray[np.uint64], limits: Integers
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        passes, chance = np.zeros(len(rounds.due), np.bool_), np.zeros(len(rounds.due))
        offered, passed = np.zeros(len(limits), np.int64), np.zeros(len(limits), np.int64)
        second = np.where(rounds.early, NEVER, rounds.due)
        let_through(second, rounds.size, wants, rounds.randomness, limits, offered, passed, passes, chance)
        return passes, chance

    def _held(self, rounds: Rounds) -> Bits:
        """The conditions that hold of each trace, as bits."""
        held = rounds.met.copy()
        timed = rounds.start <= rounds.stop
        lasted = np.where(timed, rounds.stop - np.where(timed, rounds.start, rounds.stop), -1)
        for place, condition in enumerate(self.conditions):
            bit = np.uint64(1 << place)
            match condition:
                case AlwaysSample():
                    held |= bit
                case Latency(threshold_ms=least, upper_threshold_ms=most):
                    slow = timed & (lasted >= least * 1000)
                    held[slow if most is None else slow & (lasted <= most * 1000)] |= bit
                case SpanCount(min_events=least, max_events=most):
                    many = rounds.size >= least
                    held[many if most is None else many & (rounds.size <= most)] |= bit
                case StringAttribute(invert=True) | NumericAttribute(invert=True) | BooleanAttribute(invert=True):
                    held ^= bit
        return held

    def _pattern(self, held: int) -> _Pattern:
        found = self._patterns.get(held)
        if found is None:
            if len(self._patterns) >= _MOST_PATTERNS:
                self._patterns.clear()
            found = self._patterns[held] = self._thought_through(held)
        return found

    def _thought_through(self, held: int) -> _Pattern:
        dropped_by, threshold, kept_by = -1, RANGE, -1
        wants = {place: (RANGE,) * len(limits) for place, limits in self._limits.items()}
        for place, policy in enumerate(self.policy.policies):
            if isinstance(policy, Drop):
                said: int | None = None
                if all(self._holds(part, held) for part in policy.policies):
                    dropped_by = place if dropped_by < 0 else dropped_by
                    said = RANGE
            elif place in wants:
                parts = policy.policies if isinstance(policy, Composite) else (policy,)
                asked = [self._threshold(part, held) for part in parts]
                wants[place] = tuple(RANGE if one is None else one for one in asked)
                said = None if all(one is None for one in asked) else RANGE
            else:
                said = self._threshold(policy, held)
                if said is not None and (kept_by < 0 or said < threshold):
                    threshold, kept_by = said, place
            if said is not None and self.policy.match == "first":
                break
        if dropped_by >= 0:
            wants = {place: (RANGE,) * len(limits) for place, limits in self._limits.items()}
        return _Pattern(dropped_by, threshold, kept_by, tuple(wants.values()))

    def _threshold(self, policy: SomeTail, held: int) -> int | None:
        """The threshold at which a policy wants such a trace; None where it does not want it at all."""
        match policy:
            case Probabilistic():
                return threshold_of(policy.probability, self.policy.precision)
            case RateLimiting():
                return 0
            case And():
                found = [self._threshold(part, held) for part in policy.policies]
                return None if any(one is None for one in found) else max(one for one in found if one is not None)
            case Drop() | Composite():
                raise AssertionError(policy.kind)  # these stand by themselves
        return 0 if self._holds(policy, held) else None

    def _holds(self, condition: Condition, held: int) -> bool:
        return bool(held >> self._place[condition.model_copy(update={"name": None})] & 1)
