"""What really arrives: the oddities of upstream's logs, each under a name and with a rate.

| trap | default | a rate of | what it does |
|---|---|---|---|
| mixed_clocks | 0.30 | decorated nodes | TELEMETRY_OPERATION_START in naive local time of the node's zone |
| daylight_saving | 0 | those nodes | their zone moves by an hour in the middle of the span |
| timestamp_forms | 0.01 | events | `Z`, `+00:00`, a space, no fraction, epoch seconds or milliseconds |
| type_spellings | 0.01 | events | `OnexEventTypeEnum.NODE_START`, `node_start`, `core.node.start` |
| duration_key | 0.01 | events with a duration | `duration_ms` in place of `execution_time_ms` |
| numbers_as_text | 0.005 | events with a duration | the duration as text, such as `"22.61"` |
| error_shapes | 0.25 | failed operations | short form, bare name or `SC001` in place of the long code |
| soft_failures | 0.03 | ended node operations | NODE_SUCCESS with the status `error` or `warning` |
| two_witnesses | 1 | failed decorated operations | NODE_FAILURE and TELEMETRY_OPERATION_ERROR; else the latter alone |
| correlation_forms | 0.02 | decorated operations | null and in `input_state` instead, or any string instead of a UUID |
| node_id_variants | 0.35 | nodes | `name:1.4.0`, `name-001`, a module name; of 20 nodes or more, one a UUID |
| redaction | 0.02 | operations | secrets in `input_state`: `[REDACTED]`, `[KEY_REDACTED]` or null |
| schema_object | 0.01 | events | `schema_version` as an object, named even where it is 1.0.0 |
| missing_metadata | 0.01 | events | metadata without what its type requires: `{}` or null |
| unknown_types | 0.05 | log events | a type that nobody knows, in place of STRUCTURED_LOG |
| newer_minor | 0.002 | events | version 1.9.0, with a field of its own |
| newer_major | 0.0005 | events | version 3.0.0: to be quarantined |
| unknown_fields | 0.005 | events | top-level fields that no version has |
| out_of_order | 0.01 | events | the line stands up to two minutes too late |
| duplicates | 0.003 | **further lines** per event | the same line again, up to a minute later |
| conflicts | 0.0003 | **further lines** per event | the same event id again, with other content |
| broken | 0.0003 | **further lines** per event | the beginning of a line, or bytes that are not UTF-8 |

Where two traps meet, both hold: a local time of mixed_clocks that timestamp_forms writes with `Z`, `+00:00` or as a
number says that it is UTC, and is not.

Duplicates, conflicts and broken lines repeat the line of an event that is readable itself (no newer major version, no
missing metadata), and no event is repeated twice.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from onex_analytics.exceptions import InvalidOption
from onex_analytics.synthetic.draws import Draws, Ints, Mask


def _rate(default: float) -> Any:
    return Field(default=default, ge=0, le=1)


class Traps(BaseModel):
    """The rate of each trap, 0 to 1; the defaults are the realistic mix of the table above.

    >>> Traps(duplicates=0.5).duplicates, Traps.only("duplicates").broken
    (0.5, 0.0)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixed_clocks: float = _rate(0.30)
    daylight_saving: float = _rate(0.0)
    timestamp_forms: float = _rate(0.01)
    type_spellings: float = _rate(0.01)
    duration_key: float = _rate(0.01)
    numbers_as_text: float = _rate(0.005)
    error_shapes: float = _rate(0.25)
    soft_failures: float = _rate(0.03)
    two_witnesses: float = _rate(1.0)
    correlation_forms: float = _rate(0.02)
    node_id_variants: float = _rate(0.35)
    redaction: float = _rate(0.02)
    schema_object: float = _rate(0.01)
    missing_metadata: float = _rate(0.01)
    unknown_types: float = _rate(0.05)
    newer_minor: float = _rate(0.002)
    newer_major: float = _rate(0.0005)
    unknown_fields: float = _rate(0.005)
    out_of_order: float = _rate(0.01)
    duplicates: float = _rate(0.003)
    conflicts: float = _rate(0.0003)
    broken: float = _rate(0.0003)

    @classmethod
    def only(cls, *names: str) -> Traps:
        """These traps at their default rates (1 where that is 0), and no other."""
        fields = cls.model_fields
        if unknown := sorted(set(names) - set(fields)):
            raise InvalidOption("traps", unknown, f"names among {', '.join(fields)}")
        return cls(**{name: (field.default or 1.0) if name in names else 0.0 for name, field in fields.items()})


def chosen_traps(traps: str | Collection[str] | Traps | None) -> Traps:
    """`Traps` from whatever `generate` takes for them."""
    if isinstance(traps, Traps):
        return traps
    if traps is None:
        return Traps.only()
    if isinstance(traps, str):
        if traps != "default":
            raise InvalidOption("traps", traps, "'default', None, names of traps, or a Traps of rates")
        return Traps()
    return Traps.only(*traps)


ZONES_MINUTES = (-300, 60, 330, -480, 120, 540)
NODE_ID_FORMS = ("plain", "versioned", "instance", "module", "uuid")


@dataclass(frozen=True)
class NodeQuirks:
    """What is odd about each node for good: its clock and how it writes its own name."""

    offset_us: Ints
    """what is added to the UTC time of a TELEMETRY_OPERATION_START"""
    summer_us: Ints
    """what is added to that again after the middle of the span"""
    id_form: NDArray[np.int8]
    uuid: NDArray[np.uint16]


def node_quirks(traps: Traps, decorated: Mask, spared: Mask, seed: int) -> NodeQuirks:
    """Quirks by node. Only nodes that no incident names (`spared`) hide behind a UUID or a module name."""
    draws = Draws(seed, 1_000_003)
    n = len(decorated)
    clocks = np.zeros(n, dtype=np.int64)
    order = draws.order(n)
    candidates = [int(i) for i in order if decorated[i]]
    for rank, node in enumerate(candidates[: _ceil(traps.mixed_clocks * len(candidates))]):
        clocks[node] = ZONES_MINUTES[rank % len(ZONES_MINUTES)] * 60_000_000
    summer = np.where((clocks != 0) & draws.hits(n, traps.daylight_saving), 3_600_000_000, 0).astype(np.int64)
    form = np.zeros(n, dtype=np.int8)
    odd = draws.order(n)[: _ceil(traps.node_id_variants * n)]
    for rank, node in enumerate(odd):
        form[node] = 1 + rank % 2
    hidden = [int(i) for i in odd if not spared[i]]
    if len(hidden) > 1 and n >= 20:
        form[hidden[-1]] = 4
    if len(hidden) > 2:
        form[hidden[-2]] = 3
    return NodeQuirks(clocks, summer, form, draws.short(8 * n).reshape(n, 8))


def _ceil(share: float) -> int:
    return int(share) + (share > int(share))


@dataclass(frozen=True)
class Springs:
    """Which events of one block are caught in which trap: masks by event, and the lines that come on top."""

    timestamp_form: NDArray[np.int8]
    """0 as upstream writes it; else 1 Z, 2 +00:00, 3 space, 4 no fraction, 5 epoch seconds, 6 epoch milliseconds"""
    spelling: NDArray[np.int8]
    """0 upper case; else 1 enum, 2 lower case, 3 dotted"""
    duration_key: Mask
    number_as_text: Mask
    schema_object: Mask
    missing: Mask
    unknown_type: Mask
    newer_minor: Mask
    newer_major: Mask
    unknown_field: Mask
    delay_us: Ints
    duplicate: Ints
    """events that are delivered again"""
    conflict: Ints
    broken: Ints
    extra_delay_us: Ints
    """of the duplicates, conflicts and broken lines, in this order"""


def springs(traps: Traps, draws: Draws, n: int, timed: Mask, is_log: Mask) -> Springs:
    """Draw the traps of `n` events; `timed` are those with a duration, `is_log` the log events."""
    newer_major = draws.hits(n, traps.newer_major)
    newer_minor = draws.hits(n, traps.newer_minor) & ~newer_major
    newer = newer_major | newer_minor
    missing = draws.hits(n, traps.missing_metadata) & ~newer
    timed = timed & ~missing
    late = draws.hits(n, traps.out_of_order)
    # whole numbers of further lines, so that they can be told without a look at any event
    share = draws.shares(3)
    rates = (traps.duplicates, traps.conflicts, traps.broken)
    counts = [int(n * rate + s) for rate, s in zip(rates, share, strict=True)]
    free = draws.order(n) if sum(counts) else np.zeros(0, dtype=np.int64)
    free = free[~(newer_major | missing)[free]]
    a, b, c = (int(x) for x in np.cumsum(counts))
    duplicate, conflict, broken = free[:a], free[a:b], free[b:c]
    return Springs(
        timestamp_form=_form(draws, n, traps.timestamp_forms, 6), spelling=_form(draws, n, traps.type_spellings, 3),
        duration_key=draws.hits(n, traps.duration_key) & timed,
        number_as_text=draws.hits(n, traps.numbers_as_text) & timed,
        schema_object=draws.hits(n, traps.schema_object) & ~newer, missing=missing,
        unknown_type=draws.hits(n, traps.unknown_types) & is_log, newer_minor=newer_minor, newer_major=newer_major,
        unknown_field=draws.hits(n, traps.unknown_fields),
        delay_us=np.where(late, draws.below(n, 120_000_000), 0) if traps.out_of_order else np.zeros(n, dtype=np.int64),
        duplicate=duplicate, conflict=conflict, broken=broken,
        extra_delay_us=draws.below(len(duplicate) + len(conflict) + len(broken), 60_000_000),
    )


def _form(draws: Draws, n: int, rate: float, forms: int) -> NDArray[np.int8]:
    if rate <= 0:
        return np.zeros(n, dtype=np.int8)
    return np.where(draws.hits(n, rate), 1 + draws.below(n, forms), 0).astype(np.int8)


@dataclass(frozen=True)
class CallSprings:
    """Which calls of one block are caught in which trap."""

    soft: NDArray[np.int8]
    """0 the status is success or as good; 1 error, 2 warning"""
    correlation: NDArray[np.int8]
    """0 a UUID; 1 null, and in `input_state`; 2 any string"""
    redaction: NDArray[np.int8]
    """0 no secret; 1 [REDACTED], 2 [KEY_REDACTED], 3 null"""
    error_shape: NDArray[np.int8]
    """0 the long code; 1 short form, 2 bare name, 3 second family"""


def call_springs(traps: Traps, draws: Draws, well: Mask, failed: Mask, decorated: Mask) -> CallSprings:
    """Draw the traps of calls; `well` are the node operations that went well."""
    n = len(well)
    return CallSprings(
        soft=np.where(well, _form(draws, n, traps.soft_failures, 2), 0).astype(np.int8),
        correlation=np.where(decorated, _form(draws, n, traps.correlation_forms, 2), 0).astype(np.int8),
        redaction=_form(draws, n, traps.redaction, 3),
        error_shape=np.where(failed, _form(draws, n, traps.error_shapes, 3), 0).astype(np.int8),
    )
