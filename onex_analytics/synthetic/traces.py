"""What happens: call trees of operations, with times, failures, retries and versions, and the events they emit.

A block is a stretch of the log with a fixed number of events. Its traces are drawn level by level (all calls of one
depth at once), timed from the leaves up and placed from the root down, so that children lie inside their parents.
Candidates are drawn in no order of time, and the first that fill the block are taken: what is left out thins
every minute alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onex_analytics.synthetic.draws import NORMAL, Draws, Ints, Mask
from onex_analytics.synthetic.failures import CHILD_FAILED, CHILD_SILENT, FAILURES, INDEX_OF
from onex_analytics.synthetic.incidents import Effect
from onex_analytics.synthetic.load import Load
from onex_analytics.synthetic.patterns import (
    ANCHOR,
    CAN_FAIL,
    CODE,
    DECORATED,
    LOG,
    LOG_SLOT,
    PROFILE_SLOT,
    RESTART,
    TYPE,
    WORKS,
)
from onex_analytics.synthetic.topology import HOSTS, LAYERS, TENANTS, Topology, Versions

_TIMEOUTS = np.array(["TIMEOUT" in f.code for f in FAILURES])
_CRASH = INDEX_OF["ONEX_RT_400_NODE_INITIALIZATION_FAILED"]
_TENANT_SLOTS = np.repeat(np.arange(len(TENANTS)), [360, 190, 130, 90, 65, 50, 40, 30, 25, 20, 14, 10]).astype(np.int8)


@dataclass
class Operations:
    """One entry a call of an operation; times in microseconds after the start of the span."""

    trace: Ints
    parent: Ints
    """index of the caller among these; -1 at a root"""
    op: NDArray[np.int16]
    pattern: NDArray[np.int16]
    node: NDArray[np.int16]
    host: NDArray[np.int8]
    tenant: NDArray[np.int8]
    size: Ints
    version: Ints
    attempt: NDArray[np.int8]
    failure: NDArray[np.int16]
    """-1 where it went well"""
    open: Mask
    single_witness: Mask
    start: Ints
    duration: Ints
    step: Ints
    """between the two starts, and between the two ends, of a decorated call"""
    touched: NDArray[np.uint64]
    """a bit for each incident that had a hand in it"""

    def __len__(self) -> int:
        return len(self.trace)

    def take(self, index: NDArray[Any]) -> Operations:
        return Operations(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass
class Draft:
    """The events of one block, as arrays: `call` points into `operations`."""

    operations: Operations
    traces: int
    call: Ints
    slot: NDArray[np.int8]
    type: NDArray[np.int8]
    time: Ints

    def __len__(self) -> int:
        return len(self.call)


@dataclass(frozen=True)
class Scene:
    """All that a block needs to know."""

    fleet: Topology
    load: Load
    versions: Versions
    effects: tuple[Effect, ...]
    restarts: tuple[tuple[Effect, Ints], ...]
    two_witnesses: float
    seed: int

    def active(self, start_us: int, end_us: int, *kinds: str) -> list[Effect]:
        return [e for e in self.effects if e.overlaps(start_us, end_us) and (not kinds or e.incident.kind in kinds)]


def block_draft(scene: Scene, block: int, quota: int, start_us: int, end_us: int) -> Draft:
    """The events of a block: exactly `quota` of them, of traces that begin in [start_us, end_us)."""
    expected = scene.fleet.events_per_trace
    for attempt in range(8):
        draws = Draws(scene.seed, block, 1, attempt)
        candidates = int((quota / expected * 1.12 + 4 * (quota / expected) ** 0.5 + 4) * 1.7**attempt)
        calls = _calls(scene, draws, candidates, start_us, end_us)
        events = _events(scene, draws, calls)
        if len(events) >= quota:
            break
    return _exactly(scene, draws, events, quota, start_us, end_us)


def _calls(scene: Scene, draws: Draws, n: int, start_us: int, end_us: int) -> Operations:
    fleet = scene.fleet
    restarting = [(e, times[(times >= start_us) & (times < end_us)]) for e, times in scene.restarts]
    at = np.concatenate([*(times for _, times in restarting), scene.load.draw(draws, n, start_us, end_us)])
    first = len(at) - n
    op = np.empty(len(at), dtype=np.int16)
    op[first:] = draws.of(n, fleet.roots)
    place = 0
    for effect, times in restarting:
        op[place:place + len(times)] = np.flatnonzero(effect.operations)[0]
        place += len(times)
    tenant = _TENANT_SLOTS[(draws.below(len(at), len(_TENANT_SLOTS)))]
    pattern = fleet.pattern[op]
    pattern[:first] = RESTART
    trace = np.arange(len(at), dtype=np.int64)
    active = scene.active(start_us, end_us)
    levels = [_level(scene, draws, active, at, trace, np.full(len(at), -1, dtype=np.int64), op, pattern, tenant)]
    for _ in range(LAYERS - 1):
        above = levels[-1][0]
        children = np.where(above.pattern < LOG, fleet.fanout[above.op, draws.short(len(above)) >> 6], 0)
        parent = np.repeat(np.arange(len(above), dtype=np.int64), children)
        if len(parent) == 0:
            break
        op = fleet.callees[above.op[parent], draws.short(len(parent)) >> 10]
        levels.append(
            _level(scene, draws, active, at, above.trace[parent], parent, op, fleet.pattern[op], above.tenant[parent])
        )
    _time_from_the_leaves(fleet, draws, levels)
    return _placed([calls for calls, _ in levels], at)


def _level(
    scene: Scene, draws: Draws, active: Sequence[Effect], at: Ints, trace: Ints, parent: Ints, op: NDArray[np.int16],
    pattern: NDArray[np.int16], tenant: NDArray[np.int8],
) -> tuple[Operations, Mask]:
    """All calls of one depth (`duration` is what each takes itself), and whether its failure spreads to all callers."""
    fleet = scene.fleet
    there = np.ones(len(op), dtype=np.bool_)
    for effect in active:
        if effect.incident.kind == "silent_node":
            time = at[trace]
            there &= ~((fleet.node[op] == effect.node) & (time >= effect.start_us) & (time < effect.end_us))
    if not there.all():
        trace, parent, op, pattern, tenant = trace[there], parent[there], op[there], pattern[there], tenant[there]
    n = len(op)
    node = fleet.node[op]
    host = (draws.short(n) >> 13).astype(np.int8)
    size = _sizes(draws, n)
    version = scene.versions.at(node, at[trace])
    able = CAN_FAIL[pattern]
    failing = draws.hits(n, fleet.failing[op]) & able
    failure = np.where(failing, fleet.failures[node, draws.short(n) >> 10], -1).astype(np.int16)
    open_ = draws.hits(n, 0.0008) & (pattern < LOG)
    failure[pattern == RESTART] = _CRASH
    carries = np.zeros(n, dtype=np.bool_)
    slower = np.ones(n)
    touched = np.zeros(n, dtype=np.uint64)
    for effect in active:
        kind, share = effect.incident.kind, effect.incident.share
        if kind in ("silent_node", "deploy", "coverage_hole"):
            continue
        names = [d.node_version for d in scene.versions.deploys]
        chosen = effect.touches(at[trace], op, host, tenant, size, version, names) & (pattern < LOG)
        if kind == "latency_regression":
            slower[chosen] *= share
        elif kind == "stuck_node":
            chosen &= draws.hits(n, share)
            open_ |= chosen
        else:
            chosen &= draws.hits(n, 0.5 if kind == "crash_loop" else share) & able
            failure[chosen] = effect.failure
            carries |= chosen & (kind == "cascade")
        if kind == "crash_loop":
            within = (at[trace] >= effect.start_us) & (at[trace] < effect.end_us)
            chosen |= (pattern == RESTART) & effect.operations[op] & within
        touched[chosen] |= np.uint64(1 << effect.index)
    failure[open_] = -1
    # a call that fails is tried once more in three cases of ten; the second attempt often goes well
    again = (failure >= 0) & draws.hits(n, 0.3) & (parent >= 0) & WORKS[pattern]
    row = np.repeat(np.arange(n), 1 + again)
    attempt = np.zeros(len(row), dtype=np.int8)
    attempt[1:] = row[1:] == row[:-1]
    recovered = (attempt == 1) & draws.hits(len(row), 0.6)
    failure = np.where(recovered, -1, failure[row]).astype(np.int16)
    z = draws.normals(len(row))
    self_us = fleet.median_us[op[row]] * np.exp(fleet.sigma[op[row]] * z) * slower[row]
    self_us *= np.where(draws.hits(len(row), 0.0006), 25.0, 1.0)
    own_us = np.maximum(np.rint(self_us), 240).astype(np.int64)
    calls = Operations(
        trace=trace[row], parent=parent[row], op=op[row], pattern=pattern[row], node=node[row], host=host[row],
        tenant=tenant[row], size=size[row], version=version[row], attempt=attempt, failure=failure, open=open_[row],
        single_witness=~draws.hits(len(row), scene.two_witnesses), start=np.zeros(len(row), dtype=np.int64),
        duration=own_us, step=np.minimum(own_us // 4, 900), touched=touched[row],
    )
    return calls, carries[row] & (failure >= 0)


def _sizes(draws: Draws, n: int) -> Ints:
    """Bytes of input: log-normal, median 6 KB, about one in thirty over 256 KB."""
    return _SIZES[draws.short(n)]


_SIZES: Ints = np.rint(6000 * np.exp(2.05 * NORMAL)).astype(np.int64)


def _time_from_the_leaves(fleet: Topology, draws: Draws, levels: Sequence[tuple[Operations, Mask]]) -> None:
    """Durations, and starts relative to the caller (in `start`), from the deepest level up; failures spread."""
    for (level, carries), (below, carried) in reversed(list(pairwise(levels))):
        if len(below) == 0:
            continue
        taken = below.duration + 60
        counts = np.bincount(below.parent, minlength=len(level))
        has = counts > 0
        first = (np.cumsum(counts) - counts)[below.parent]
        firsts = np.flatnonzero(np.diff(below.parent, prepend=-1))
        before = np.cumsum(taken) - taken
        one_by_one = before - before[first]
        together = (np.arange(len(below)) - first) * 110
        parallel = fleet.parallel[level.op]
        total = np.zeros(len(level), dtype=np.int64)
        total[has] = np.where(
            parallel[has], np.maximum.reduceat(together + below.duration, firsts), np.add.reduceat(taken, firsts)
        )
        below.start = np.where(parallel[below.parent], together, one_by_one) + (level.duration // 2)[below.parent]
        level.duration = level.duration + total
        _spread(draws, level, below, carries, carried)


def _spread(draws: Draws, level: Operations, below: Operations, carries: Mask, carried: Mask) -> None:
    """A call fails in four cases of ten if a call below it failed for good or never ended; always in a cascade."""
    retried = np.zeros(len(below), dtype=np.bool_)
    retried[:-1] = below.attempt[1:] == 1
    bad = ((below.failure >= 0) | below.open) & ~retried & (draws.hits(len(below), 0.4) | carried)
    silent = bad & below.open
    parents = below.parent
    able = CAN_FAIL[level.pattern] & ~level.open & (level.failure < 0)
    for children, failure in ((bad & ~silent, CHILD_FAILED), (silent, CHILD_SILENT)):
        hit = np.bincount(parents[children], minlength=len(level)) > 0
        level.failure[hit & able & (level.failure < 0)] = failure
    spreading = bad & carried
    np.bitwise_or.at(level.touched, parents[spreading], below.touched[spreading])
    carries |= np.bincount(parents[spreading], minlength=len(level)) > 0


def _placed(calls: list[Operations], at: Ints) -> Operations:
    """All levels as one, with starts from the span's beginning and parents among all calls."""
    offset = 0
    calls[0].start = at[calls[0].trace]
    for above, below in pairwise(calls):
        below.start = above.start[below.parent] + below.start
        below.parent = below.parent + offset
        offset += len(above)
    return _joined(calls)


def _joined(calls: Sequence[Operations]) -> Operations:
    return Operations(**{f.name: np.concatenate([getattr(c, f.name) for c in calls]) for f in fields(Operations)})


def _events(scene: Scene, draws: Draws, calls: Operations) -> Draft:
    """Every event that the calls emit and that reaches the log."""
    n = len(calls)
    failed = (calls.failure >= 0).astype(np.int8)
    types = TYPE[failed, calls.pattern]
    anchors = ANCHOR[calls.pattern]
    emitted = types >= 0
    emitted[:, LOG_SLOT] = draws.hits(n, 0.06) & WORKS[calls.pattern]
    profiled = (scene.versions.schema[calls.version] >= 3) & (calls.pattern == DECORATED)
    emitted[:, PROFILE_SLOT] = profiled & draws.hits(n, 0.08)
    emitted &= ~(calls.open[:, None] & np.isin(anchors, (2, 3, 5)))
    alone = calls.single_witness & (calls.pattern == DECORATED) & (failed == 1)
    emitted[alone, 1] = emitted[alone, 2] = False
    end = calls.start + calls.duration
    # children lie between the two NODE events: `step` is at most a quarter of the time that the call takes itself
    times = np.stack(
        [calls.start, calls.start + calls.step, end - calls.step, end, calls.start + calls.duration // 2, end + 40], 1
    )
    call, slot = np.nonzero(emitted)
    time = times[call, anchors[call, slot]]
    type_ = types[call, slot]
    timed_out = (type_ == CODE["TOOL_PROXY_ERROR"]) & _TIMEOUTS[calls.failure[call]]
    type_[timed_out] = CODE["TOOL_PROXY_TIMEOUT"]
    kept = np.ones(len(call), dtype=np.bool_)
    for effect in scene.effects:
        if effect.incident.kind in ("silent_node", "coverage_hole"):
            lost = (time >= effect.start_us) & (time < effect.end_us)
            if effect.node >= 0:
                lost &= calls.node[call] == effect.node
            if effect.column == "host":
                lost &= calls.host[call] == HOSTS.index(str(effect.value))
            kept &= ~lost
    traces = int(calls.trace.max(initial=-1)) + 1
    return Draft(calls, traces, call[kept], slot[kept].astype(np.int8), type_[kept], time[kept])


def _exactly(scene: Scene, draws: Draws, draft: Draft, quota: int, start_us: int, end_us: int) -> Draft:
    """The first traces that fill the quota; what remains of it is filled with log events of their own."""
    calls = draft.operations
    per_call = np.bincount(draft.call, minlength=len(calls))
    per_trace = np.bincount(calls.trace, weights=per_call, minlength=draft.traces).astype(np.int64)
    total = np.cumsum(per_trace)
    whole = int(np.searchsorted(total, quota, side="right"))
    left = quota - (int(total[whole - 1]) if whole else 0)
    keep = calls.trace < whole
    if left and whole < draft.traces:  # the next trace as far as it fits; callers stand before those they call
        part = np.flatnonzero(calls.trace == whole)
        part = part[np.cumsum(per_call[part]) <= left]
        keep[part] = True
        left -= int(per_call[part].sum())
    new = np.cumsum(keep) - 1
    kept = calls.take(np.flatnonzero(keep))
    kept.parent = np.where(kept.parent >= 0, new[kept.parent], -1)
    stays = keep[draft.call]
    chosen = replace(
        draft, operations=kept, traces=draft.traces, call=new[draft.call[stays]], slot=draft.slot[stays],
        type=draft.type[stays], time=draft.time[stays],
    )
    return _with_logs(scene, draws, chosen, left, start_us, end_us) if left else chosen


def _with_logs(scene: Scene, draws: Draws, draft: Draft, n: int, start_us: int, end_us: int) -> Draft:
    fleet = scene.fleet
    quiet = {e.node for e in scene.effects if e.incident.kind in ("silent_node", "coverage_hole")}
    hosts_lost = {str(e.value) for e in scene.effects if e.incident.kind == "coverage_hole" and e.column == "host"}
    talking = np.flatnonzero([node not in quiet for node in fleet.node])
    hosts = np.array([i for i, host in enumerate(HOSTS) if host not in hosts_lost] or [0], dtype=np.int8)
    op = (talking if len(talking) else np.arange(len(fleet.node)))[draws.below(n, len(talking) or len(fleet.node))]
    at = scene.load.draw(draws, n, start_us, end_us)
    old = len(draft.operations)
    zeros, none, never = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int8), np.zeros(n, dtype=np.bool_)
    logs = Operations(
        trace=draft.traces + np.arange(n), parent=zeros - 1, op=op.astype(np.int16),
        pattern=np.full(n, LOG, dtype=np.int16), node=fleet.node[op], host=hosts[draws.below(n, len(hosts))],
        tenant=none, size=zeros, version=scene.versions.at(fleet.node[op], at), attempt=none,
        failure=np.full(n, -1, dtype=np.int16), open=never, single_witness=never, start=at, duration=zeros, step=zeros,
        touched=zeros.astype(np.uint64),
    )
    return Draft(
        _joined([draft.operations, logs]), draft.traces + n, np.concatenate([draft.call, old + np.arange(n)]),
        np.concatenate([draft.slot, none]),
        np.concatenate([draft.type, np.full(n, CODE["STRUCTURED_LOG"], dtype=np.int8)]),
        np.concatenate([draft.time, at]),
    )
