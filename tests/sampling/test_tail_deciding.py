"""A tail policy against the plainest reading of what its kinds mean: one trace after the other, in words of Python."""

from __future__ import annotations

import math
import re
from datetime import timedelta

import polars as pl
from hypothesis import given

from onex_analytics.sampling import TailPolicy, apply
from onex_analytics.sampling.randomness import randomness
from onex_analytics.sampling.thresholds import RANGE, threshold_of
from tests.sampling.drawn_tails import EVENTS, POLICIES

STATUS = {"failure": "ERROR", "success": "OK", "soft_failure": "OK"}
POLICIES = POLICIES.map(lambda policy: policy.model_copy(update={
    "policies": tuple(one for one in policy.policies if not limits(one)), "decision_wait_ms": 10**9,
    "max_traces": 10**6, "max_events": 10**6,
}))  # fmt: skip


def limits(part: object) -> bool:
    kind = part.kind
    return kind in ("rate_limiting", "composite") or (kind == "and" and any(limits(one) for one in part.policies))


def holds(part: object, events: list[dict[str, object]]) -> bool:
    """Whether a trace is what a condition says."""
    match part.kind:
        case "always_sample":
            return True
        case "span_count":
            return part.min_events <= len(events) and (part.max_events is None or len(events) <= part.max_events)
        case "status_code":
            return any(STATUS.get(event["outcome"], "UNSET") in part.status_codes for event in events)
        case "latency":
            begins, ends = [], []
            for event in events:
                if event["timestamp"] is not None:
                    took = event["execution_time_ms"]
                    known = took is not None and math.isfinite(took) and took >= 0
                    ends.append(event["timestamp"])
                    begins.append(event["timestamp"] - timedelta(milliseconds=took if known else 0))
            if not ends:
                return False
            lasted = (max(ends) - min(begins)) / timedelta(milliseconds=1)
            upper = math.inf if part.upper_threshold_ms is None else part.upper_threshold_ms
            return part.threshold_ms <= lasted <= upper
    values = [event[part.key] for event in events if event[part.key] is not None]
    match part.kind:
        case "string_attribute" if part.regex:
            found = any(re.search(pattern, value) for value in values for pattern in part.values)
        case "string_attribute":
            found = any(value in part.values for value in values)
        case "numeric_attribute":
            least, most = part.min_value, math.inf if part.max_value is None else part.max_value
            found = any(least <= value <= most for value in values)
        case "boolean_attribute":
            found = part.value in values
    return found != part.invert


def share(part: object, events: list[dict[str, object]]) -> float | None:
    """The share at which a policy wants a trace; None where it does not."""
    if part.kind == "probabilistic":
        return part.probability
    if part.kind == "and":
        shares = [share(one, events) for one in part.policies]
        return None if None in shares else min(shares)
    return 1.0 if holds(part, events) else None


def expected(policy: TailPolicy, key: str, events: list[dict[str, object]]) -> tuple[bool, float]:
    """Whether a trace is kept, and its share."""
    best = 0.0
    for part in policy.policies:
        if part.kind == "drop":
            if all(holds(one, events) for one in part.policies):
                return False, 0.0
            continue
        wanted = share(part, events)
        if wanted is not None:
            best = max(best, wanted)
            if policy.match == "first":
                break
    threshold = threshold_of(best, policy.precision)
    return randomness(key) >= threshold, (RANGE - threshold) / RANGE


def first_dropped(policy: TailPolicy, events: list[dict[str, object]]) -> TailPolicy:
    """For the first that matches: what stands behind it has no say, drops included."""
    for place, part in enumerate(policy.policies):
        drops = part.kind == "drop" and all(holds(one, events) for one in part.policies)
        if drops or (part.kind != "drop" and share(part, events) is not None):
            return policy.model_copy(update={"policies": policy.policies[: place + 1]})
    return policy


@given(POLICIES, EVENTS)
def test_each_trace_is_decided_as_the_words_say(policy, events):
    rows = [dict(row) for row in events.iter_rows(named=True)]
    traces: dict[str, list[dict[str, object]]] = {}
    for number, row in enumerate(rows):
        row["event_id"] = f"e{number}"
        key = (row["trace_id"] or row["correlation_id"] or row["event_id"]).replace("-", "")
        row["key"] = key.lower() if len(key) == 32 else key
        traces.setdefault(row["key"], []).append(row)
    found = apply(policy, pl.DataFrame(rows, schema=events.schema).lazy()).collect()
    for row, keep, probability in zip(rows, found["keep"], found["probability"], strict=True):
        trace = traces[row["key"]]
        asked = first_dropped(policy, trace) if policy.match == "first" else policy
        assert (keep, probability) == expected(asked, row["key"], trace)
