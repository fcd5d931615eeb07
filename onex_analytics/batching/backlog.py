"""What a live batcher holds: the open batch, the closed ones that wait, and what became of every event.

It neither waits nor exports, and is told the time: the threaded batcher, the one of asyncio and tests drive it alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from onex_analytics.batching.deciding import (
    BY_AGE,
    BY_BYTES,
    BY_SIZE,
    CLOSE_AFTER,
    CLOSE_BEFORE,
    REASONS,
    REFUSE,
    Reason,
    decision,
)
from onex_analytics.batching.policies import BatchPolicy

E = TypeVar("E")
DropReason = Literal["full", "oversize", "unserialisable", "failed", "closed"]
DROP_REASONS: Mapping[DropReason, str] = {
    "full": "the queue was full, and the policy drops then",
    "oversize": "one event over `max_bytes`, which the policy refuses",
    "unserialisable": "its bytes could not be counted, as it is no JSON",
    "failed": "the exporter failed at each try",
    "closed": "it came when the batcher was closed, or its event loop ended first",
}
"""Why an event was not exported."""


@dataclass(frozen=True)
class BatchCounts:
    """What became of the events: `added` = `exported` + all of `dropped` + `pending`, at any moment.

    >>> BatchCounts(added=3, exported=1, pending=1, batches=1, dropped={"full": 1}).adds_up
    True
    """

    added: int = 0
    """Events that came, whatever became of them."""
    exported: int = 0
    """Events of which the exporter returned."""
    pending: int = 0
    """Events that wait or are being exported."""
    batches: int = 0
    """Batches of which the exporter returned."""
    dropped: Mapping[DropReason, int] = field(default_factory=dict)
    """Events that will never be exported, by why."""
    failures: int = 0
    """Calls of the exporter that raised; a batch that was tried again counts each time."""

    @property
    def adds_up(self) -> bool:
        """Whether nothing was lost in silence."""
        return self.added == self.exported + sum(self.dropped.values()) + self.pending


@dataclass(eq=False)
class Batch(Generic[E]):
    """Events that go together, the oldest first."""

    events: list[E]
    size_bytes: int
    opened: int
    closed: int
    reason: Reason
    sizes: list[int] = field(default_factory=list)


class Backlog(Generic[E]):
    """Events by batches. Not for several threads at once; `policy` and times as `deciding.decision` has them.

    >>> backlog = Backlog(BatchPolicy(max_size=2))
    >>> [backlog.offer(event, 0, 5) for event in "abc"]
    [0, 2, 0]
    >>> backlog.take().events, backlog.take(), backlog.counts().pending
    (['a', 'b'], None, 3)
    """

    def __init__(self, policy: BatchPolicy, per_ms: int = 1_000_000) -> None:
        self.policy = policy
        limits = policy.limits(per_ms)
        self._max_size, self.max_age, self._max_bytes, self._queue_limit, self._alone = limits
        self._weighs = policy.max_bytes is not None
        self._drops_oldest = policy.when_full == "drop_oldest"
        self.ready: deque[Batch[E]] = deque()
        """Closed batches that wait, the oldest first."""
        self.open: list[E] = []
        self._sizes: list[int] = []
        self._bytes = 0
        self.opened = 0
        self.waiting = 0
        self.exporting = 0
        self.closed_batches = 0
        self.gone_batches = 0
        self._added = self._exported = self._batches = self.failures = 0
        self._dropped: dict[DropReason, int] = dict.fromkeys(DROP_REASONS, 0)
        self.lost: list[tuple[list[E], DropReason, BaseException | None]] = []
        """Events that were dropped and not told of yet."""

    # ------------------------------------------------------------------ in

    def offer(self, event: E, size: int, now: int) -> int:
        """Take an event in, as `deciding.decision` says, which is returned. `FULL`: whoever may wait, offers it again;
        where the oldest make room, this is done here."""
        events = self.open
        found = decision(
            len(events), self._bytes, self.opened, self.waiting, now, size,
            self._max_size, self.max_age, self._max_bytes, self._queue_limit, self._alone,
        )  # fmt: skip
        if found:
            if found < 0:
                return self._not_taken(event, size, now, found)
            if found & CLOSE_BEFORE:
                self.close_open(BY_AGE if now - self.opened >= self.max_age else BY_BYTES, now)
                events = self.open
        if not events:
            self.opened = now
        events.append(event)
        self._added += 1
        self.waiting += 1
        if self._weighs:
            self._bytes += size
            self._sizes.append(size)
        if found & CLOSE_AFTER:
            self.close_open(BY_SIZE if len(events) >= self._max_size else BY_BYTES, now)
        return found

    def _not_taken(self, event: E, size: int, now: int, found: int) -> int:
        if found == REFUSE:
            self.refuse(event, "oversize")
            return found
        if self._drops_oldest:
            self._drop_oldest()
            return self.offer(event, size, now)
        return found

    def refuse(self, event: E, reason: DropReason, error: BaseException | None = None) -> None:
        """Count an event that came and never gets in."""
        self._added += 1
        self.drop([event], reason, error)

    def _drop_oldest(self) -> None:
        """The oldest event that waits makes room. It is in a closed batch: an open one alone never fills a queue."""
        batch = self.ready[0]
        self.drop([batch.events.pop(0)], "full")
        if self._weighs:
            batch.size_bytes -= batch.sizes.pop(0)
        self.waiting -= 1
        if not batch.events:
            self.ready.popleft()
            self.gone_batches += 1

    # ------------------------------------------------------------------ batches

    def close_open(self, by: int, now: int) -> None:
        """The open batch closes, where there is one."""
        if self.open:
            batch = Batch(self.open, self._bytes, self.opened, now, REASONS[by], self._sizes)
            self.ready.append(batch)
            self.open, self._sizes, self._bytes = [], [], 0
            self.closed_batches += 1

    def age(self, now: int) -> int | None:
        """The open batch closes if its time is up; returns how long it has yet, None where none is open."""
        if not self.open:
            return None
        left = self.opened + self.max_age - now
        if left > 0:
            return left
        self.close_open(BY_AGE, self.opened + self.max_age)
        return None

    def take(self) -> Batch[E] | None:
        """The batch that is exported next; None where none is closed."""
        if not self.ready:
            return None
        batch = self.ready.popleft()
        self.waiting -= len(batch.events)
        self.exporting += len(batch.events)
        return batch

    # ------------------------------------------------------------------ out

    def exported(self, batch: Batch[E]) -> None:
        """The exporter returned."""
        self.exporting -= len(batch.events)
        self._exported += len(batch.events)
        self._batches += 1
        self.gone_batches += 1

    def failed(self, batch: Batch[E], error: BaseException) -> None:
        """The exporter failed for good."""
        self._never(batch, "failed", error)

    def abandoned(self, batch: Batch[E], error: BaseException | None) -> None:
        """Nobody is left to export it."""
        self._never(batch, "closed", error)

    def _never(self, batch: Batch[E], reason: DropReason, error: BaseException | None) -> None:
        self.exporting -= len(batch.events)
        self.gone_batches += 1
        self.drop(batch.events, reason, error)

    def drop(self, events: list[E], reason: DropReason, error: BaseException | None = None) -> None:
        """Count events that will not be exported, and keep them until they are told of."""
        self._dropped[reason] += len(events)
        self.lost.append((events, reason, error))

    def told(self) -> list[tuple[list[E], DropReason, BaseException | None]]:
        """What was dropped since the last time."""
        found, self.lost = self.lost, []
        return found

    def counts(self) -> BatchCounts:
        """What became of all events."""
        return BatchCounts(
            self._added, self._exported, self.waiting + self.exporting, self._batches,
            {reason: n for reason, n in self._dropped.items() if n}, self.failures,
        )  # fmt: skip
