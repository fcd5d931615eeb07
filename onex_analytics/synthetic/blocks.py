"""Blocks: the log drawn stretch by stretch, with the traps of each, and what they caught."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import Draws, Ints, Mask
from onex_analytics.synthetic.metadata import timed
from onex_analytics.synthetic.patterns import CODE, DECORATED, TYPES, UNDECORATED
from onex_analytics.synthetic.traces import Draft, Scene, block_draft
from onex_analytics.synthetic.traps import CallSprings, Springs, Traps, call_springs, springs
from onex_analytics.synthetic.wire import Ids, Writer

BLOCK_EVENTS = 96_000
"""Events that are drawn at once. It is part of what a seed means."""

_NODE_ENDS = ("NODE_SUCCESS", "NODE_FAILURE")
_FAILURES = ("NODE_FAILURE", "TELEMETRY_OPERATION_ERROR", "TOOL_PROXY_ERROR", "TOOL_PROXY_TIMEOUT", "SCENARIO_FAILED")


@dataclass(frozen=True)
class Block:
    """One stretch of the log: its events, and the traps they fell into. Later blocks begin at `end_us`."""

    number: int
    end_us: int
    draft: Draft
    springs: Springs
    calls: CallSprings
    seed: int

    def draws(self, purpose: int) -> Draws:
        return Draws(self.seed, self.number, purpose)

    @property
    def ids(self) -> Ids:
        return Ids.drawn(self.draft, self.draws(3))

    @property
    def again(self) -> Ints:
        """The events whose lines come again: as duplicates, then as conflicts, then broken."""
        return np.concatenate([self.springs.duplicate, self.springs.conflict, self.springs.broken])

    @property
    def keys(self) -> Ints:
        """When each line arrives, those that come again last."""
        of_events = self.draft.time + self.springs.delay_us
        return np.concatenate([of_events, of_events[self.again] + self.springs.extra_delay_us])


def blocks(scene: Scene, traps: Traps, n_events: int, count: int, span_us: int) -> Iterator[Block]:
    """All blocks of a log of exactly `n_events`."""
    end_us = 0
    for number in range(count):
        start_us, last = end_us, number == count - 1
        end_us = span_us if last else max(start_us + 1, scene.load.time_of_event_share(number + 1, count))
        quota = n_events * (number + 1) // count - n_events * number // count
        draft = block_draft(scene, number, quota, start_us, end_us)
        draws = Draws(scene.seed, number, 2)
        calls = draft.operations
        failed = calls.failure >= 0
        well = np.isin(calls.pattern, (DECORATED, UNDECORATED)) & ~failed & ~calls.open
        of_calls = call_springs(traps, draws, well, failed, calls.pattern == DECORATED)
        of_events = springs(traps, draws, len(draft), timed(draft), draft.type == CODE["STRUCTURED_LOG"])
        yield Block(number, end_us, draft, of_events, of_calls, scene.seed)


def caught(block: Block, writer: Writer) -> dict[str, Mask]:
    """By trap: which events it caught. Of failures with two witnesses, the second one is marked."""
    draft, found, quirks = block.draft, block.springs, writer.quirks
    calls, call = draft.operations, draft.call
    node = calls.node[call]
    whole = ~found.missing
    started = draft.type == CODE["TELEMETRY_OPERATION_START"]
    local = started | (writer.form == "core")
    first = _is(draft, "NODE_FAILURE") & (calls.pattern[call] == DECORATED)
    return {
        "mixed_clocks": writer.clock_offset(draft) != 0,
        "daylight_saving": local & (quirks.summer_us[node] != 0) & (draft.time >= writer.middle_us),
        "timestamp_forms": found.timestamp_form > 0,
        "type_spellings": (found.spelling > 0) & ~found.unknown_type,
        "duration_key": found.duration_key,
        "numbers_as_text": found.number_as_text,
        "error_shapes": _is(draft, *_FAILURES) & (block.calls.error_shape[call] > 0) & whole,
        "soft_failures": _is(draft, "NODE_SUCCESS") & (block.calls.soft[call] > 0) & whole,
        "two_witnesses": _is(draft, "TELEMETRY_OPERATION_ERROR") & np.isin(call, call[first]),
        "correlation_forms": block.calls.correlation[call] > 0,
        "node_id_variants": (quirks.id_form[node] > 0) & (writer.form != "core"),
        "redaction": _is(draft, "NODE_START", *_NODE_ENDS) & (block.calls.redaction[call] > 0) & whole,
        "schema_object": found.schema_object,
        "missing_metadata": found.missing,
        "unknown_types": found.unknown_type,
        "newer_minor": found.newer_minor,
        "newer_major": found.newer_major,
        "unknown_fields": found.unknown_field,
        "out_of_order": found.delay_us > 0,
    }


class Tally:
    """What is counted while the blocks of a log go by."""

    def __init__(self, incidents: int) -> None:
        self.traps = dict.fromkeys(Traps.model_fields, 0)
        self.touched: NDArray[np.int64] = np.zeros(incidents, dtype=np.int64)

    def count(self, block: Block, writer: Writer) -> None:
        for name, mask in caught(block, writer).items():
            self.traps[name] += int(mask.sum())
        self.traps["duplicates"] += len(block.springs.duplicate)
        self.traps["conflicts"] += len(block.springs.conflict)
        self.traps["broken"] += len(block.springs.broken)
        touched = block.draft.operations.touched[block.draft.call]
        for i in range(len(self.touched)):
            self.touched[i] += int(((touched >> np.uint64(i)) & np.uint64(1)).sum())


def _is(draft: Draft, *names: str) -> Mask:
    listed = np.zeros(len(TYPES), dtype=np.bool_)
    listed[[CODE[name] for name in names]] = True
    return np.asarray(listed[draft.type])
