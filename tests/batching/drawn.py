"""Policies and streams of events, drawn by Hypothesis, and what slow and obvious code makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hypothesis import strategies as st

from onex_analytics.batching import BatchPolicy, ServiceTime


@st.composite
def _policy(draw: st.DrawFn) -> BatchPolicy:
    max_size = draw(st.integers(1, 6))
    return BatchPolicy(
        max_size=max_size, max_age_ms=draw(st.sampled_from([0.001, 1, 3, 10])),
        max_bytes=draw(st.none() | st.integers(1, 40)),
        queue_limit=draw(st.none() | st.integers(max_size, max_size + 6)),
        when_full=draw(st.sampled_from(["block", "drop_newest", "drop_oldest"])),
        oversize=draw(st.sampled_from(["refuse", "alone"])),
    )  # fmt: skip


POLICIES = _policy()
_GAPS = st.sampled_from([0, 0, 1, 500, 1000, 2000, 3000, 30_000])
STREAMS = st.lists(st.tuples(_GAPS, st.integers(0, 15) | st.just(50)), max_size=40)
"""Microseconds since the event before, and bytes."""


SERVICE = ServiceTime(base_ms=1.5, ms_per_mb=100_000)


def service(size_bytes: int) -> int:
    """Microseconds that an export takes: `SERVICE`."""
    return 1500 + 100 * size_bytes


class Told(NamedTuple):
    """One batch: its events by number, when it closed and began and ended to be exported, and why it closed."""

    events: tuple[int, ...]
    closed: int
    started: int
    ended: int
    reason: str


class Outcome(NamedTuple):
    """All batches, and the numbers of events that were dropped for want of room, or refused as too large."""

    batches: list[Told]
    full: list[int]
    oversize: list[int]


def slow(policy: BatchPolicy, stream: list[tuple[int, int]], takes: Callable[[int], int] = service) -> Outcome:
    """The rules as one would tell them, one microsecond's business at a time."""
    arrivals: list[tuple[int, int, int]] = []
    at = 0
    for number, (gap, size) in enumerate(stream):
        at += gap
        arrivals.append((at, number, size))
    most_bytes = policy.max_bytes or 10**9
    most_waiting = policy.queue_limit or 10**9
    max_age = round(policy.max_age_ms * 1000)
    opened: list[tuple[int, int, int]] = []
    ready: list[tuple[list[tuple[int, int, int]], int, str]] = []
    batches: list[Told] = []
    full: list[int] = []
    oversize: list[int] = []
    free = 0
    now = 0

    def close(when: int, why: str) -> None:
        if opened:
            ready.append((list(opened), when, why))
            opened.clear()

    def begin() -> None:
        nonlocal free
        if ready and free <= now:
            events, closed, why = ready.pop(0)
            free = now + takes(sum(size for _, _, size in events))
            batches.append(Told(tuple(n for _, n, _ in events), closed, now, free, why))

    def waiting() -> int:
        return len(opened) + sum(len(events) for events, _, _ in ready)

    def step() -> None:
        """Whatever comes next, by itself: a batch is old enough, or the exporter can begin."""
        nonlocal now
        moments = [free] if ready else []
        moments += [opened[0][0] + max_age] if opened else []
        now = max(now, min(moments))
        business()

    def business() -> None:
        if opened and now >= opened[0][0] + max_age:
            close(opened[0][0] + max_age, "age")
        begin()

    for came, number, size in arrivals:
        while (ready and free <= came) or (opened and opened[0][0] + max_age <= came):
            step()
        now = max(now, came)
        if size > most_bytes and policy.oversize == "refuse":
            oversize.append(number)
            continue
        if waiting() >= most_waiting:
            if policy.when_full == "drop_newest":
                full.append(number)
                continue
            if policy.when_full == "drop_oldest":
                events = ready[0][0]
                full.append(events.pop(0)[1])
                if not events:
                    ready.pop(0)
            while waiting() >= most_waiting:
                step()
        if sum(held for _, _, held in opened) + size > most_bytes:
            close(now, "bytes")
            begin()
        opened.append((now, number, size))
        if len(opened) == policy.max_size:
            close(now, "size")
        elif sum(held for _, _, held in opened) >= most_bytes:
            close(now, "bytes")
        begin()
    while opened or ready:
        step()
    return Outcome(batches, full, oversize)
