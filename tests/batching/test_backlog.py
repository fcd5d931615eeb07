"""Live decisions, by a fake clock: what slow code and the simulation make of the same events, batch for batch."""

from __future__ import annotations

from hypothesis import given, settings

from onex_analytics.batching import BatchPolicy
from onex_analytics.batching.backlog import Backlog
from onex_analytics.batching.deciding import FULL
from tests.batching.drawn import POLICIES, STREAMS, Outcome, Told, service, slow
from tests.laws import examples


def lived(policy: BatchPolicy, stream: list[tuple[int, int]]) -> Outcome:
    """What a live backlog does when time is told to it, and one exporter takes what is ready."""
    backlog: Backlog[int] = Backlog(policy, per_ms=1000)
    weigh = policy.max_bytes is not None
    sizes = [size for _, size in stream]
    now = free = came = 0
    out: list[Told] = []
    busy = None

    def look() -> None:
        """What happens by itself at this moment."""
        nonlocal free, busy
        while True:
            backlog.age(now)
            if busy is not None and free <= now:
                backlog.exported(busy)
                busy = None
            if busy is not None or (busy := backlog.take()) is None:
                return
            free = now + service(sum(sizes[n] for n in busy.events))
            out.append(Told(tuple(busy.events), busy.closed, now, free, busy.reason))

    def until(moment: int) -> None:
        nonlocal now
        while (following := soonest()) is not None and following <= moment:
            now = max(now, following)
            look()
        now = max(now, moment)

    def soonest() -> int | None:
        moments = [free] if busy is not None else []
        moments += [backlog.opened + backlog.max_age] if backlog.open else []
        return min(moments, default=None)

    for n, (gap, size) in enumerate(stream):
        came += gap
        until(came)
        while backlog.offer(n, size if weigh else 0, now) == FULL:
            if policy.when_full != "block":
                backlog.refuse(n, "full")
                break
            moment = soonest()
            assert moment is not None
            until(max(moment, now))
        look()
        assert backlog.counts().adds_up
    while (moment := soonest()) is not None:
        until(max(moment, now))
    assert backlog.counts().pending == 0
    lost = {reason: [n for events, why, _ in backlog.lost if why == reason for n in events]
            for reason in ("full", "oversize")}  # fmt: skip
    return Outcome(out, lost["full"], lost["oversize"])


@given(POLICIES, STREAMS)
def test_what_is_simulated_is_what_is_shipped(policy, stream):
    assert lived(policy, stream) == slow(policy, stream)


@given(POLICIES, STREAMS)
@settings(max_examples=examples(50))
def test_order_is_kept_and_nothing_comes_twice(policy, stream):
    found = lived(policy, stream)
    exported = [n for one in found.batches for n in one.events]
    assert exported == sorted(set(exported))
    assert sorted(exported + found.full + found.oversize) == list(range(len(stream)))
    if policy.when_full == "block":
        assert not found.full


def test_the_oldest_make_room_where_the_policy_says_so():
    backlog: Backlog[int] = Backlog(BatchPolicy(max_size=2, queue_limit=3, when_full="drop_oldest", max_bytes=100))
    for n in range(6):
        backlog.offer(n, 10, 0)
    assert [events for events, _, _ in backlog.told()] == [[0], [1], [2]]
    batch = backlog.take()
    assert batch is not None
    assert (batch.events, batch.size_bytes, batch.reason) == ([3], 10, "size")
    assert backlog.counts().adds_up
