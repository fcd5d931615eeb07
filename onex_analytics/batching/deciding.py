"""What becomes of an event that comes to a batcher: the one decision that live batchers and the simulation share.

Plain whole numbers in, one whole number out: live batchers call the function as it stands, the simulation compiles it.
Times are in any unit that all of them share, the live clock's nanoseconds or the log's microseconds.
"""

from __future__ import annotations

from typing import Final, Literal

REFUSE: Final = -1
"""It alone is larger than a batch may be."""
FULL: Final = -2
"""No room: the policy's `when_full` says what now."""
ADD: Final = 0
"""It goes into the open batch. To this are added, where they hold:"""
CLOSE_BEFORE: Final = 1
"""the open batch closes first, so that the event opens the next one;"""
CLOSE_AFTER: Final = 2
"""the batch closes with the event in it."""

NO_LIMIT: Final = 1 << 62

Reason = Literal["size", "bytes", "age", "flush", "close"]
REASONS: Final[tuple[Reason, ...]] = ("size", "bytes", "age", "flush", "close")
"""Why a batch closed: enough events, enough bytes (or the next event would not fit), too old, or asked to."""
BY_SIZE, BY_BYTES, BY_AGE, BY_FLUSH, BY_CLOSE = range(5)


def decision(
    held: int, held_bytes: int, opened: int, waiting: int, now: int, size: int,
    max_size: int, max_age: int, max_bytes: int, queue_limit: int, alone: bool,
) -> int:  # fmt: skip
    """What becomes of an event of `size` bytes that comes at `now`.

    Age counts from the first event of a batch, and the event that comes when its time is up opens the next one.

    Args:
        held, held_bytes: events in the open batch and their bytes; 0 where none is open.
        opened: when its first event came.
        waiting: events that wait for the exporter, those in the open batch among them.
        now: the time, which never runs backwards.
        size: bytes of the event; 0 where the policy has no limit of bytes.
        max_size, max_age, max_bytes, queue_limit: of the policy; `NO_LIMIT` where there is none.
        alone: whether an event over `max_bytes` goes by itself.

    >>> decision(99, 0, 0, 99, 10, 0, 100, 1000, NO_LIMIT, NO_LIMIT, False) == ADD + CLOSE_AFTER
    True
    >>> decision(5, 0, 0, 5, 1000, 0, 100, 1000, NO_LIMIT, NO_LIMIT, False) == ADD + CLOSE_BEFORE
    True
    """
    if size > max_bytes and not alone:
        return REFUSE
    if waiting >= queue_limit:
        return FULL
    found = ADD
    if held > 0 and (now - opened >= max_age or held_bytes + size > max_bytes):
        found = CLOSE_BEFORE
        held = 0
        held_bytes = 0
    if held + 1 >= max_size or held_bytes + size >= max_bytes:
        found += CLOSE_AFTER
    return found
