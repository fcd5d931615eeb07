"""A tail policy live: events go in one by one, and come out with what was decided of their trace."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from pydantic import BaseModel

from onex_analytics.exceptions import InvalidOption
from onex_analytics.model.event_rows import event_row
from onex_analytics.sampling.arrivals import ARRIVAL, NEVER, Clock, begin, moment
from onex_analytics.sampling.deciding import IDS, Decision
from onex_analytics.sampling.randomness import plain, randomness
from onex_analytics.sampling.tail_asking import Questions
from onex_analytics.sampling.tail_deciding import options_of
from onex_analytics.sampling.tail_judging import Judge, Rounds
from onex_analytics.sampling.tail_kernels import due_of
from onex_analytics.sampling.tail_policies import TailPolicy

_plain = lru_cache(maxsize=16_384)(plain)

Event = BaseModel | Mapping[str, Any]


class Decided(NamedTuple):
    """An event as it was given, and what becomes of it."""

    event: Event
    decision: Decision


class _Trace:
    """A trace that waits for its decision, and what is known of it so far."""

    __slots__ = ("decision", "due", "early", "events", "key", "met", "randomness", "start", "stop")

    def __init__(self, key: str, due: int) -> None:
        self.key, self.due, self.randomness = key, due, randomness(key)
        self.met, self.start, self.stop = 0, np.iinfo(np.int64).max, NEVER
        self.events: list[Event] = []
        self.early = False
        self.decision: Decision | None = None


class TailSampler:
    """Holds events until their trace is decided, and gives them back with the decision: kept or not, none is lost.

    What it decides is what `apply` says of the same events, where they come in the order of arrival. Its clock is told
    by the events, and by `advance` where none come. Traces that never end are decided all the same, and begin anew when
    their decision is forgotten. It is used by one thread at a time.

    Args:
        policy: what is kept, and how much may be held.

    >>> sampler = TailSampler(TailPolicy(policies=[{"kind": "status_code"}], decision_wait_ms=2000))
    >>> def event(name, type_, second, trace):
    ...     at = f"2026-11-01T09:00:0{second}Z"
    ...     return {"event_id": name, "event_type": type_, "trace_id": trace, "timestamp": at}
    >>> sampler.process(event("a1", "NODE_START", 0, "a")), sampler.process(event("a2", "NODE_FAILURE", 1, "a"))
    ([], [])
    >>> [(one.event["event_id"], one.decision.keep) for one in sampler.process(event("b1", "NODE_START", 2, "b"))]
    [('a1', True), ('a2', True)]
    >>> [(one.event["event_id"], one.decision.keep) for one in sampler.close()]
    [('b1', False)]
    """

    def __init__(self, policy: TailPolicy) -> None:
        if not isinstance(policy, TailPolicy):
            raise InvalidOption("policy", type(policy).__name__, "a TailPolicy; `EventSampler` takes others")
        self.policy = policy
        self._judge = Judge(policy)
        self._questions = Questions(self._judge.conditions)
        self._columns = tuple(dict.fromkeys((*IDS["trace"], *ARRIVAL, *policy.reads)))
        self._lasting = "execution_time_ms" in policy.reads
        self._wait, self._remember, self._most_traces, self._most_events, self._most_decisions = options_of(policy)
        self._clock = Clock()
        self._pending: deque[_Trace] = deque()
        self._decided: deque[_Trace] = deque()
        self._traces: dict[str, _Trace] = {}
        self._held = 0
        self._open = True
        self.received = 0
        self.kept = 0
        self.dropped = 0
        self.late = 0
        self.decided_early = 0

    @property
    def pending(self) -> int:
        """Events that wait: received less kept and dropped."""
        return self._held

    def process(self, event: Event) -> list[Decided]:
        """Take an event; all that is decided by its arrival, in the order in which it was.

        Raises:
            InvalidOption: it is no event, or the sampler was closed.
        """
        if not self._open:
            raise InvalidOption("an event", "one after close()", "a sampler that is open; make a new one")
        row = event_row(event, self._columns)
        self.received += 1
        end = self._clock.take(row)
        out = self._decide_due()
        identifier = next((str(row[name]) for name in IDS["trace"] if row.get(name) not in (None, "")), None)
        if identifier is None:
            return [*out, self._told(event, Decision(True, 1.0, 1.0, self._judge.names[-1]))]
        key = _plain(identifier)
        trace = self._traces.get(key)
        if trace is None or trace.decision is None:
            while self._held >= self._most_events or (trace is None and len(self._pending) >= self._most_traces):
                out += self._decide_early()
            self._forget()
        if trace is None:
            trace = self._traces[key] = _Trace(key, due_of(self._clock.shows, self._wait))
            self._pending.append(trace)
        elif trace.decision is not None:
            self.late += 1
            return [*out, self._told(event, trace.decision)]
        self._held += 1
        trace.events.append(event)
        trace.met |= self._questions.answers(row)
        if end != NEVER:
            began = begin(end, row["execution_time_ms"]) if self._lasting else end
            trace.start, trace.stop = min(trace.start, began), max(trace.stop, end)
        return out

    def advance(self, to: datetime) -> list[Decided]:
        """Move the clock on, where no event does; all that is decided by it. A time that is past moves nothing.

        Raises:
            InvalidOption: it is no time.
        """
        if moment(to) == NEVER:
            raise InvalidOption("to", to, "a time; without a zone it is UTC")
        self._clock.reach(moment(to))
        out = self._decide_due()
        self._forget()
        return out

    def close(self) -> list[Decided]:
        """Decide all that is left, as if nothing more came. After it the sampler takes no more."""
        out = self._decide(list(self._pending))
        self._pending.clear()
        self._traces.clear()
        self._decided.clear()
        self._open = False
        return out

    def _decide_due(self) -> list[Decided]:
        due: list[_Trace] = []
        while self._pending and self._pending[0].due <= self._clock.shows:
            due.append(self._pending.popleft())
        out = self._decide(due) if due else []
        self._forget()
        return out

    def _decide_early(self) -> list[Decided]:
        trace = self._pending.popleft()
        trace.due, trace.early = self._clock.shows, True
        self.decided_early += 1
        return self._decide([trace])

    def _decide(self, traces: list[_Trace]) -> list[Decided]:
        if not traces:
            return []
        verdicts = self._judge.verdicts(Rounds(
            np.array([one.randomness for one in traces], np.uint64), np.array([one.due for one in traces], np.int64),
            np.array([one.early for one in traces], np.bool_), np.array([len(one.events) for one in traces], np.int64),
            np.array([one.met for one in traces], np.uint64), np.array([one.start for one in traces], np.int64),
            np.array([one.stop for one in traces], np.int64),
        ))  # fmt: skip
        out: list[Decided] = []
        for trace, keep, probability, count, policy in zip(traces, *(one.tolist() for one in verdicts), strict=True):
            trace.decision = Decision(keep, probability, count if keep else None, self._judge.names[policy])
            self._held -= len(trace.events)
            out += [self._told(event, trace.decision) for event in trace.events]
            trace.events = []
        self._decided += traces
        return out

    def _told(self, event: Event, decision: Decision) -> Decided:
        if decision.keep:
            self.kept += 1
        else:
            self.dropped += 1
        return Decided(event, decision)

    def _forget(self) -> None:
        while self._decided and (
            self._decided[0].due + self._remember <= self._clock.shows or len(self._decided) > self._most_decisions
        ):
            trace = self._decided.popleft()
            if self._traces.get(trace.key) is trace:
                del self._traces[trace.key]
