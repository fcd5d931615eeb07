"""Batching of a whole log, event by event, compiled: the same `decision` that live batchers ask.

Times are whole microseconds. What is to happen by itself up to a moment (a batch is old enough, the exporter begins
with the next one) happens before an event that comes at this moment.
"""

from __future__ import annotations

import math

import numpy as np

from onex_analytics.batching import deciding
from onex_analytics.batching.deciding import BY_AGE, BY_BYTES, BY_SIZE, CLOSE_AFTER, CLOSE_BEFORE, FULL, REFUSE
from onex_analytics.machine import lean

# rows of `batches`, one column a batch
OPENED, CLOSED, STARTED, ENDED, EVENTS, BYTES, COMPRESSED, REASON = range(8)
BATCH_ROWS = 8
# rows of `buckets`, one column a bucket of time
CAME, NO_ROOM, TOO_LARGE, QUEUE = range(4)
BUCKET_ROWS = 4
# `facts`
HELD, HELD_BYTES, OPEN_SINCE, WAITING, FREE_AT, NEXT, LAST, OLDEST, BLOCKED, BLOCKED_SUM, BLOCKED_MAX = range(11)
FACTS = 11
# `where` of an event that is in no batch
DROPPED, REFUSED = -1, -2
# `when_full`
BLOCK, DROP_NEWEST, DROP_OLDEST = range(3)

_decision = lean(deciding.decision)


@lean
def _compressed(size, sizes_log2, shares):  # type: ignore[no-untyped-def]
    """Bytes that remain of so many: a share of them, on straight lines between what was measured."""
    if shares.size == 0 or size <= 0:
        return size
    at = math.log2(size)
    last = shares.size - 1
    if at <= sizes_log2[0]:
        share = shares[0]
    elif at >= sizes_log2[last]:
        share = shares[last]
    else:
        i = 1
        while sizes_log2[i] < at:
            i += 1
        part = (at - sizes_log2[i - 1]) / (sizes_log2[i] - sizes_log2[i - 1])
        share = shares[i - 1] + part * (shares[i] - shares[i - 1])
    return np.int64(math.ceil(size * share))


@lean
def _close(facts, batches, by, now):  # type: ignore[no-untyped-def]
    k = facts[LAST]
    batches[OPENED, k] = facts[OPEN_SINCE]
    batches[CLOSED, k] = now
    batches[EVENTS, k] = facts[HELD]
    batches[BYTES, k] = facts[HELD_BYTES]
    batches[REASON, k] = by
    facts[LAST] = k + 1
    facts[HELD] = 0
    facts[HELD_BYTES] = 0


@lean
def _go_on(now, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares):  # type: ignore[no-untyped-def]
    """Everything that happens by itself up to `now`."""
    if facts[HELD] > 0 and now - facts[OPEN_SINCE] >= max_age:
        _close(facts, batches, BY_AGE, facts[OPEN_SINCE] + max_age)
    while facts[NEXT] < facts[LAST]:
        k = facts[NEXT]
        begin = max(facts[FREE_AT], batches[CLOSED, k])
        if begin > now:
            break
        compressed = _compressed(batches[BYTES, k], sizes_log2, shares)
        sent = compressed if by_compressed else batches[BYTES, k]
        facts[FREE_AT] = begin + np.int64(math.floor(base + per_byte * sent + 0.5))
        batches[STARTED, k] = begin
        batches[ENDED, k] = facts[FREE_AT]
        batches[COMPRESSED, k] = compressed
        facts[WAITING] -= batches[EVENTS, k]
        facts[NEXT] = k + 1


@lean
def _drop_oldest(sizes, where, facts, batches):  # type: ignore[no-untyped-def]
    """The oldest event that waits makes room: it is in the next batch to be exported."""
    k = facts[NEXT]
    while where[facts[OLDEST]] != k:
        facts[OLDEST] += 1
    oldest = facts[OLDEST]
    where[oldest] = DROPPED
    facts[WAITING] -= 1
    batches[EVENTS, k] -= 1
    batches[BYTES, k] -= np.int64(sizes[oldest])
    if batches[EVENTS, k] == 0:
        batches[STARTED, k] = batches[ENDED, k] = facts[FREE_AT]
        facts[NEXT] = k + 1
    return oldest


@lean
def batch_up(  # type: ignore[no-untyped-def]
    times, sizes, max_size, max_age, max_bytes, queue_limit, alone, when_full, base, per_byte, by_compressed,
    sizes_log2, shares, first_edge, width, where, batches, buckets, facts,
):  # fmt: skip
    """Put events into batches, and these through an exporter that takes base + per_byte · bytes microseconds for each.

    Args:
        times: when each event comes, sorted; sizes: its bytes.
        max_size … when_full: the policy, see `deciding.decision`.
        sizes_log2, shares: what compression leaves of so many bytes; empty where nothing is compressed.
        first_edge, width: where the second bucket of time begins, and how wide they are; no event is before the first.
        where, batches, buckets, facts: written. Of `batches` those up to facts[LAST] − 1 are.

    Returns:
        Whether `batches` had room for all.
    """
    capacity = batches.shape[1]
    last_bucket = buckets.shape[1] - 1
    bucket = 0
    edge = first_edge
    now = first_edge - width
    facts[FREE_AT] = now
    for i in range(times.size + 1):  # once more for the buckets behind the last event
        came = times[i] if i < times.size else deciding.NO_LIMIT
        if facts[LAST] + 2 >= capacity:
            return False
        while came >= edge and bucket < last_bucket:
            if edge >= now:
                now = edge
                _go_on(now, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares)
                depth = facts[WAITING]
            else:  # whoever brings events waits for room since before
                depth = queue_limit
            bucket += 1
            edge += width
            buckets[QUEUE, bucket] = depth
        if i == times.size:
            break
        buckets[CAME, bucket] += 1
        now = max(now, came)
        _go_on(now, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares)
        size = np.int64(sizes[i])
        found = _decision(
            facts[HELD], facts[HELD_BYTES], facts[OPEN_SINCE], facts[WAITING], now, size,
            max_size, max_age, max_bytes, queue_limit, alone,
        )  # fmt: skip
        if found == REFUSE:
            where[i] = REFUSED
            buckets[TOO_LARGE, bucket] += 1
            continue
        if found == FULL and when_full == DROP_NEWEST:
            where[i] = DROPPED
            buckets[NO_ROOM, bucket] += 1
            continue
        while found == FULL:
            if when_full == DROP_OLDEST:
                _drop_oldest(sizes, where, facts, batches)
                buckets[NO_ROOM, bucket] += 1
            else:
                now = max(now, facts[FREE_AT], batches[CLOSED, facts[NEXT]])
                _go_on(now, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares)
            found = _decision(
                facts[HELD], facts[HELD_BYTES], facts[OPEN_SINCE], facts[WAITING], now, size,
                max_size, max_age, max_bytes, queue_limit, alone,
            )  # fmt: skip
        if now > came:
            facts[BLOCKED] += 1
            facts[BLOCKED_SUM] += now - came
            facts[BLOCKED_MAX] = max(facts[BLOCKED_MAX], now - came)
        if found & CLOSE_BEFORE:
            _close(facts, batches, BY_BYTES, now)
        if facts[HELD] == 0:
            facts[OPEN_SINCE] = now
        where[i] = facts[LAST]
        facts[HELD] += 1
        facts[HELD_BYTES] += size
        facts[WAITING] += 1
        if found & CLOSE_AFTER:
            _close(facts, batches, BY_SIZE if facts[HELD] >= max_size else BY_BYTES, now)
        if found:
            _go_on(now, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares)
        buckets[QUEUE, bucket] = max(buckets[QUEUE, bucket], facts[WAITING])
    if facts[HELD] > 0:
        _close(facts, batches, BY_AGE, facts[OPEN_SINCE] + max_age)
    while facts[NEXT] < facts[LAST]:
        soon = max(facts[FREE_AT], batches[CLOSED, facts[NEXT]])
        _go_on(soon, max_age, facts, batches, base, per_byte, by_compressed, sizes_log2, shares)
    return True


@lean
def delays_of(times, where, ended, end, delays, groups):  # type: ignore[no-untyped-def]
    """How long each event took until it was exported, in milliseconds, and its group: 0, or −1 where it never was.

    Returns how many were exported by `end`, and by any time.
    """
    done = 0
    ever = 0
    for i in range(times.size):
        k = where[i]
        if k < 0:
            groups[i] = -1
            delays[i] = 0.0
            continue
        groups[i] = 0
        ever += 1
        delays[i] = (ended[k] - times[i]) / 1000.0
        if ended[k] <= end:
            done += 1
    return done, ever
